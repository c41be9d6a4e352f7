//! Whether what providers told came to something.

use longshore_client::JobState;

use crate::facts::{Facts, TakenPost};
use crate::ledger::Ledger;

/// Redis may have lost what was told, or of which job it was.
const LOST: &str = "an event of a provider that Redis lost";

pub(super) fn check(facts: &Facts, ledger: &mut Ledger) {
    let lost = (!facts.forgotten.is_empty()).then_some(LOST);
    let mut payments = Vec::new();
    for post in &facts.taken {
        match post {
            TakenPost::Delivery(id, state) => {
                // What was told of a forgotten person's message is forgotten, too.
                let is_forgotten = facts.commands_of(*id).any(|c| c.name == "forget");
                let found = facts.found.get(id).filter(|_| !is_forgotten);
                let found = found.filter(|found| found.state == JobState::Completed);
                // Where the answer to its request was lost, nobody knows which message is its own.
                if found.is_some_and(|found| found.delivery.is_none()) {
                    let what = format!("untaken: {id} is {state}, and does not say so");
                    ledger.unless(lost, what);
                }
            }
            TakenPost::Payment(event, payment) => {
                let is_known = facts.applied.contains(event) || facts.refunded.contains(payment);
                payments.extend((!is_known).then_some(event));
            }
        }
    }
    // Jobs of events can die of their provider like others.
    let is_dead = |found: &&crate::facts::Found| {
        found.queue == "payment-reconcile" && found.state == JobState::Dead
    };
    let dead = facts.found.values().filter(is_dead).count();
    for event in payments.iter().skip(dead) {
        ledger.unless(lost, format!("untaken: the app never heard of {event}"));
    }
}
