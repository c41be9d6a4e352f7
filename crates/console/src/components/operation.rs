//! An act on many jobs: its bar, and at its end the proof.

use longshore_operator::{OperationRow, ReplayRow};
use maud::{Markup, html};

use crate::components::bar::{Part, bar};
use crate::components::state::state;
use crate::foreign::Foreign;
use crate::number::number;

/// How far it is. With what first runs came to, where those are counted.
pub(crate) fn progress(row: &OperationRow, replay: Option<&ReplayRow>) -> Markup {
    let parts = parts(row, replay);
    html! {
        (bar(row.total, &parts))
        ul class="legend" {
            li { (state(row.state)) }
            @for part in parts.iter().filter(|part| part.count > 0) { li { (number(part.count)) " " (part.words) } }
            li class="hint" { "of " (number(row.total)) }
        }
    }
}

/// The bar alone, for a row of a list.
pub(crate) fn small_progress(row: &OperationRow) -> Markup {
    html! {
        (bar(row.total, &parts(row, None)))
        span class="hint" { (number(row.done)) " of " (number(row.total)) }
    }
}

fn parts(row: &OperationRow, replay: Option<&ReplayRow>) -> Vec<Part<'static>> {
    let part = |count, words, class| Part {
        count,
        words,
        class,
    };
    match (row.act, replay.filter(|replay| replay.rate.is_some())) {
        ("replay", Some(replay)) => vec![
            part(replay.completed, "completed", "good"),
            part(replay.again, "failed again of the same cause", "bad"),
            part(replay.otherwise, "failed of something else", "bad"),
            part(replay.not_run_yet(), "not run yet", "quiet"),
        ],
        ("replay", None) => vec![part(row.done, "replayed", "done")],
        ("cancel", _) => vec![
            part(row.done, "cancelled", "good"),
            part(row.asked, "asked to stop", "quiet"),
            part(row.failed, "left alone", "bad"),
        ],
        ("forget", _) => vec![
            part(row.done, "forgotten", "good"),
            part(row.asked, "asked to stop", "quiet"),
        ],
        _ => vec![
            part(row.done, "done", "done"),
            part(row.failed, "failed", "bad"),
        ],
    }
}

/// What it came to, in one sentence whose numbers add up.
pub(crate) fn proof(row: &OperationRow, replay: Option<&ReplayRow>) -> Markup {
    let sentence = sentence(row, replay);
    html! {
        p class="proof" { (sentence) }
        @if let Some(cause) = replay.and_then(|replay| replay.cause.as_deref()) {
            div class="para" { "It stopped by itself: what it replayed failed again of " (Foreign(cause)) "." }
        }
    }
}

fn sentence(row: &OperationRow, replay: Option<&ReplayRow>) -> String {
    let plus = |parts: &[(u64, &str)]| {
        let said: Vec<_> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{} {words}", number(*count)))
            .collect();
        match said.is_empty() {
            true => "nothing yet".to_owned(),
            false => said.join(" + "),
        }
    };
    let left = row.total.saturating_sub(row.done);
    match (row.act, replay.filter(|replay| replay.rate.is_some())) {
        ("replay", Some(replay)) => format!(
            "{} replayed = {}{}",
            number(replay.moved),
            plus(&[
                (replay.completed, "completed"),
                (replay.again, "failed again of the same cause"),
                (replay.otherwise, "failed of something else"),
                (replay.not_run_yet(), "not run yet"),
            ]),
            match left {
                0 => String::new(),
                left if row.is_open() => format!("; {} to go", number(left)),
                left => format!("; {} not replayed", number(left)),
            }
        ),
        ("replay", None) => format!(
            "{} of {} replayed. What their runs came to is counted only where a rate is set.",
            number(row.done),
            number(row.total)
        ),
        ("cancel", _) => format!(
            "{} meant = {}",
            number(row.total),
            plus(&[
                (row.done, "cancelled"),
                (row.asked, "asked to stop"),
                (row.failed, "left alone, since they may have been sent"),
                (row.missed, "ended before"),
            ])
        ),
        ("forget", _) => format!(
            "{} found = {}",
            number(row.total),
            plus(&[(row.done, "forgotten"), (row.asked, "asked to stop")])
        ),
        _ => format!("{} of {} done", number(row.done), number(row.total)),
    }
}
