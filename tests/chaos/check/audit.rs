//! Whether the audit has all that was done, and nothing else.

use std::collections::HashSet;

use crate::facts::Facts;
use crate::ledger::Ledger;

/// Who acts in a leg: the operators, and the program that takes jobs back over HTTP.
const ACTING: [&str; 2] = ["ops", "shop"];

pub(super) fn check(facts: &Facts, ledger: &mut Ledger) {
    let acting = facts.audit.iter();
    let acting = acting.filter(|note| ACTING.iter().any(|name| note.by.contains(name)));
    let noted: HashSet<_> = acting.clone().map(|note| note.reason.as_str()).collect();
    for command in facts.commands.iter().filter(|command| command.changed) {
        if !noted.contains(command.reason.as_str()) {
            let lost = facts.may_be_lost(command.asked_ms, command.at_ms);
            let lost = lost.then_some("an entry of the audit that Redis lost");
            let what = format!(
                "audit: `{}` ({}) is not in it",
                command.name, command.reason
            );
            ledger.unless(lost, what);
        }
    }
    let known: HashSet<_> = facts.commands.iter().map(|c| c.reason.as_str()).collect();
    for note in acting.filter(|note| !known.contains(note.reason.as_str())) {
        ledger.fault(format!("audit: nobody did this: {note:?}"));
    }
}
