//! What a replay would do to each class of letters.

use longshore_operator::{Rehearsal, RehearsedQueue, Sample};
use maud::{Markup, html};

use crate::components::state::{Tone, toned};
use crate::foreign::{Foreign, Short};
use crate::number::number;

/// One class: how many, and what would become of them.
struct Class {
    count: u64,
    tone: Tone,
    word: &'static str,
    words: String,
}

/// The classes, what holds the queue back, and how long it would take.
pub(crate) fn rehearsed(rehearsal: &Rehearsal) -> Markup {
    let classes = classes(rehearsal);
    html! {
        (sample(rehearsal))
        ul class="preview" {
            @for class in classes.iter().filter(|class| class.count > 0) {
                li {
                    span class="num" { (number(class.count)) }
                    div { (toned(class.tone, class.word)) " " (Foreign(&class.words)) }
                }
            }
        }
        @if rehearsal.outcome_unknown == 0 && rehearsal.would_run > 0 {
            p { (toned(Tone::Good, "nothing happens twice:")) " by the answers none of them was carried out." }
        }
        @for queue in &rehearsal.queues { (before(queue)) }
    }
}

/// That not all were looked at, if so: what is told is of those that were.
pub(crate) fn sample(rehearsal: &Rehearsal) -> Markup {
    html! {
        @if rehearsal.looked < rehearsal.letters {
            p {
                (toned(Tone::Warn, "a sample:")) " of " (number(rehearsal.letters)) " letters "
                @match rehearsal.sample {
                    Sample::OldestAndNewest => {
                        "the oldest " (number(rehearsal.looked.div_ceil(2))) " and the newest " (number(rehearsal.looked / 2))
                    },
                    Sample::Oldest | Sample::All => { "the oldest " (number(rehearsal.looked)) },
                }
                " were looked at, and these numbers are of them. The others died of the same cause and were not looked at."
            }
        }
    }
}

/// Worst last: first how many would run.
fn classes(rehearsal: &Rehearsal) -> Vec<Class> {
    let class = |count, tone, word, words: &str| Class {
        count,
        tone,
        word,
        words: words.to_owned(),
    };
    let known = rehearsal
        .outcome_unknown
        .saturating_sub(rehearsal.may_double + rehearsal.key_forgotten);
    let mut classes = vec![class(
        rehearsal.would_run,
        Tone::Good,
        "would run",
        "again, with their attempts reset and their history kept.",
    )];
    classes.extend(rehearsal.refused.iter().map(|row| Class {
        count: row.letters,
        tone: Tone::Bad,
        word: "would die again:",
        words: row.reason.clone(),
    }));
    classes.extend([
        class(rehearsal.may_double, Tone::Bad, "may happen twice:", "they may have been carried out already, and nobody can be asked."),
        class(rehearsal.delivered_again, Tone::Bad, "sent a second time:", "they were delivered, as their provider has said since."),
        class(rehearsal.delivered - rehearsal.delivered_again, Tone::Warn, "delivered:", "their provider has said so since."),
        class(rehearsal.delivery_failed, Tone::Quiet, "did not arrive:", "their provider took them on, and has said so since."),
        class(rehearsal.accepted, Tone::Warn, "taken on:", "their provider has them, and has not said how they ended."),
        class(rehearsal.expired, Tone::Bad, "would die again:", "they have expired. Fresh expiry gives each its full time again."),
        class(rehearsal.suppressed, Tone::Bad, "would die again:", "nothing is sent to their address any more."),
        class(rehearsal.undecodable, Tone::Bad, "would die again:", "they cannot be decoded."),
        class(rehearsal.unknown_kind, Tone::Warn, "would wait:", "neither a worker nor this program knows their kind."),
        class(rehearsal.no_worker_knows, Tone::Warn, "would wait:", "no living worker knows their kind."),
        class(rehearsal.newer, Tone::Warn, "would wait:", "their args are newer than this program."),
        class(rehearsal.workers_know, Tone::Quiet, "not known here:", "workers know their kind and this program does not."),
        class(rehearsal.key_forgotten, Tone::Quiet, "looked up first:", "the provider may have forgotten their key, so the job looks for its effect before it sends."),
        class(known, Tone::Quiet, "safe to repeat:", "they may have been carried out; the provider is asked first, or knows the request's key."),
        class(rehearsal.forgotten, Tone::Quiet, "stay dead:", "their person was forgotten."),
    ]);
    classes
}

/// What they would wait for.
fn before(queue: &RehearsedQueue) -> Markup {
    html! {
        @if let Some(paused) = &queue.paused {
            p { (toned(Tone::Warn, "they would wait:")) " " (Short(&queue.queue, 64)) " was paused by " (Short(&paused.by, 80)) "." }
        }
        @for breaker in queue.breakers.iter().filter(|breaker| breaker.state.as_str() != "closed") {
            p { (toned(Tone::Warn, "they would wait:")) " the breaker of " (Short(&breaker.provider, 64)) " is " (breaker.state.as_str()) "." }
        }
        @if let Some(until) = &queue.held_until {
            p { (toned(Tone::Warn, "they would wait:")) " the provider asked for a wait until " (until) "." }
        }
        @if queue.workers == 0 {
            p { (toned(Tone::Bad, "they would wait:")) " " (Short(&queue.queue, 64)) " has no worker." }
        }
        @if queue.not_configured_here {
            p class="hint" { "The provider is not configured here: what its configuration would refuse is not known." }
        }
        @if queue.pending > 0 {
            p class="hint" { (number(queue.pending)) " jobs wait already and would run before them." }
        }
    }
}
