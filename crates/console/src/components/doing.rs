//! What a queue and its provider are doing now, in a line of chips.

use longshore_operator::{BreakerRow, HoldRow, QueueRow};
use maud::{Markup, html};

use crate::components::chip::chip;
use crate::components::state::{Tone, toned};
use crate::foreign::Short;
use crate::view::View;

/// Everything that holds the queue back, each with its end; that it goes where nothing does.
pub(crate) fn doing(view: &View, row: &QueueRow) -> Markup {
    let is_open = |breaker: &&BreakerRow| breaker.state.as_str() != "closed";
    let open: Vec<_> = row.breakers.iter().filter(is_open).collect();
    // A breaker is said with its state.
    let said = |hold: &&HoldRow| cause(hold) != "breaker";
    let holds: Vec<_> = row.holds.iter().filter(said).collect();
    let is_free = open.is_empty() && holds.is_empty() && row.paused.is_none() && row.workers > 0;
    html! {
        @if let Some(paused) = &row.paused {
            (chip(view, &format!("paused by {}", paused.by), None))
        }
        @for breaker in &open {
            (chip(view, &format!("{}: breaker {}", breaker.provider, breaker.state.as_str()), breaker.until.as_deref()))
        }
        @for hold in &holds {
            (chip(view, &held(hold), hold.until.as_deref()))
        }
        @if row.workers == 0 { (toned(Tone::Bad, "no worker")) }
        @if is_free {
            (toned(Tone::Good, "running"))
            @if let Some(own) = row.breakers.first() {
                span class="hint" { (Short(&own.provider, 40)) " answers; its breaker is closed" }
            }
        }
    }
}

fn cause(hold: &HoldRow) -> String {
    let word = serde_json::to_value(hold.cause).unwrap_or_default();
    word.as_str().unwrap_or("held").to_owned()
}

fn held(hold: &HoldRow) -> String {
    let provider = &hold.provider;
    match cause(hold).as_str() {
        "retry_after" => format!("{provider} asked for a wait"),
        "credentials" => format!("{provider} refuses our credentials"),
        "limiter" => format!("the limit of {provider} is used up"),
        "limit" => format!("{provider} is slowed down by an operator"),
        _ => "workers tell what Redis forgot".to_owned(),
    }
}
