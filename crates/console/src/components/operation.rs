//! An act on many jobs: its bar, and at its end the proof.

use longshore_operator::{OperationRow, ReplayRow};
use maud::{Markup, html};

use crate::components::bar::{Part, bar};
use crate::components::state::state;
use crate::foreign::Foreign;
use crate::number::number;

/// How far it is; of a replay, what became of what it has replayed.
pub(crate) fn progress(row: &OperationRow) -> Markup {
    let parts = parts(row);
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
        (bar(row.total, &parts(row)))
        span class="hint" { (number(row.done)) " of " (number(row.total)) }
    }
}

fn parts(row: &OperationRow) -> Vec<Part<'static>> {
    let part = |count, words, class| Part {
        count,
        words,
        class,
    };
    match (row.act, &row.became) {
        ("replay", Some(became)) => vec![
            part(became.completed, "completed", "good"),
            part(became.dead_again, "dead again", "bad"),
            part(became.cancelled, "cancelled", "done"),
            part(became.on_their_way, "on their way", "quiet"),
        ],
        ("reschedule", _) => vec![
            part(row.done, "rescheduled", "good"),
            part(row.failed, "left alone", "bad"),
        ],
        ("discard", _) => vec![part(row.done, "discarded", "done")],
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

/// What it came to, in one sentence whose numbers add up; of a replay that is watched, how first runs failed.
pub(crate) fn proof(row: &OperationRow, replay: Option<&ReplayRow>) -> Markup {
    let watched = replay.filter(|replay| replay.rate.is_some() && replay.failed > 0);
    html! {
        p class="proof" { (sentence(row)) }
        @if let Some(replay) = watched {
            p class="hint" {
                "Of first runs, " (number(replay.again)) " failed again of the same cause, and "
                (number(replay.otherwise)) " of something else."
            }
        }
        @if let Some(cause) = replay.and_then(|replay| replay.cause.as_deref()) {
            div class="para" { "It stopped by itself: what it replayed failed again of " (Foreign(cause)) "." }
        }
    }
}

fn sentence(row: &OperationRow) -> String {
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
    let to_go = |not_done: &str| match left {
        0 => String::new(),
        left if row.is_open() => format!("; {} to go", number(left)),
        left => format!("; {} not {not_done}", number(left)),
    };
    let meant = |parts: &[(u64, &str)]| format!("{} meant = {}", number(row.total), plus(parts));
    match (row.act, &row.became) {
        ("replay", Some(became)) => format!(
            "{} replayed = {}{}",
            number(row.done),
            plus(&[
                (became.completed, "completed"),
                (became.dead_again, "dead again"),
                (became.cancelled, "cancelled"),
                (became.on_their_way, "on their way"),
            ]),
            to_go("replayed")
        ),
        ("cancel", _) => meant(&[
            (row.done, "cancelled"),
            (row.asked, "asked to stop"),
            (row.failed, "left alone, since they may have been sent"),
            (row.missed, "ended before"),
        ]),
        ("reschedule", _) => meant(&[
            (row.done, "rescheduled"),
            (
                row.failed,
                "left alone, since what stands of them is broken",
            ),
            (
                row.missed,
                "due then already, or ran or ended before it came to them",
            ),
        ]),
        ("discard", _) if row.state == "done" => meant(&[
            (row.done, "discarded"),
            (row.missed, "replayed or discarded by others before"),
        ]),
        ("discard", _) => format!("{} discarded{}", number(row.done), to_go("discarded")),
        ("forget", _) => format!(
            "{} found = {}",
            number(row.total),
            plus(&[(row.done, "forgotten"), (row.asked, "asked to stop")])
        ),
        _ => format!("{} of {} done", number(row.done), number(row.total)),
    }
}
