//! What needs somebody, worst first; in words where nothing does.

use longshore_operator::{AttentionRow, NextStep, ThisProgram, Urgency};
use maud::{Markup, html};

use crate::components::moment::moment;
use crate::components::state::{Tone, toned};
use crate::fleet::FleetFacts;
use crate::foreign::Foreign;
use crate::view::{View, clock, part};

/// The list, as it was at the time of the view.
pub(crate) fn attention_list(view: &View, fleet: &FleetFacts, rows: &[AttentionRow]) -> Markup {
    html! {
        @if rows.is_empty() {
            p class="calm" {
                (toned(Tone::Good, "Nothing needs you"))
                " " span class="hint" { "as far as Redis tells, at " (clock(view.now)) " UTC" }
            }
        } @else {
            ol class="attention" {
                @for row in rows { (line(view, fleet, row)) }
            }
        }
    }
}

fn line(view: &View, fleet: &FleetFacts, row: &AttentionRow) -> Markup {
    let (class, tone) = match row.urgency {
        Urgency::Now => ("need now", Tone::Bad),
        Urgency::Soon => ("need soon", Tone::Warn),
        Urgency::Later => ("need later", Tone::Quiet),
    };
    let (path, words) = step(&row.step);
    html! {
        li class=(class) {
            span class="when" { (toned(tone, row.urgency.as_str())) }
            div class="told" {
                div class="para what" { (Foreign(&row.what)) }
                div class="para means" {
                    (Foreign(&row.means))
                    @if let Some(since) = &row.since {
                        @if !row.means.is_empty() { " · " } "since " (moment(view, since))
                    }
                }
                p class="next" {
                    (row.next) " "
                    @if let Some(url) = fleet.runbook(&row.runbook) { a href=(url) { "Runbook" } }
                }
            }
            div class="step" {
                @match path {
                    Some(path) => a class="button" href=(view.to(&path)) { (words) },
                    None => code { (ThisProgram::get().commands(words)) },
                }
            }
        }
    }
}

/// Where the next step is taken, and what leads there.
fn step(step: &NextStep) -> (Option<String>, &'static str) {
    let queue = |queue: &str, act: &str| Some(format!("/queues/{}{act}", part(queue)));
    match step {
        NextStep::Queue(of) => (queue(of, ""), "Look at the queue"),
        NextStep::Resume(of) => (queue(of, "/resume"), "Resume"),
        NextStep::LiftHolds(of) => (queue(of, "/lift-holds"), "Lift the hold"),
        NextStep::LiftLimit(of) => (queue(of, "/lift-limit"), "Lift the limit"),
        NextStep::Letters(of, group) => (
            Some(format!("/dead/{}/{}", part(of), part(group))),
            "Look at the letters",
        ),
        NextStep::Operation(id) => (
            Some(format!("/operations/{}", part(id))),
            "Look at the replay",
        ),
        NextStep::Entry(name) => (Some(format!("/cron#{}", part(name))), "Look at the entry"),
        NextStep::Workers => (Some("/workers".to_owned()), "Look at the workers"),
        NextStep::Doctor => (None, "longshore doctor"),
    }
}
