//! How soon queues completed jobs again after a fault was over. It is told, not judged: a machine that others use as well is slow.

use std::collections::BTreeMap;

use longshore_client::JobState;

use crate::facts::Facts;
use crate::ledger::Ledger;

/// Queues in which something is to be done all the while.
const BUSY: [&str; 5] = ["email", "sms", "payment-reconcile", "geocode", "svc-crm"];

pub(super) fn check(facts: &Facts, ledger: &mut Ledger) {
    let mut completed: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let ended = facts.found.values();
    for found in ended.filter(|found| found.state == JobState::Completed) {
        completed
            .entry(found.queue)
            .or_default()
            .extend(found.ended_ms);
    }
    completed
        .values_mut()
        .for_each(|times| times.sort_unstable());
    for mend in &facts.mends {
        let queues = BUSY
            .iter()
            .filter(|name| mend.queue.is_none_or(|of| of == **name));
        for queue in queues {
            let times = completed.get(queue).map_or(&[][..], Vec::as_slice);
            let next = times.partition_point(|at| *at < mend.at_ms);
            if let Some(at) = times.get(next) {
                let of_fault = ledger.recovery.entry(mend.fault).or_default();
                of_fault.push(at - mend.at_ms);
            }
        }
    }
    ledger
        .recovery
        .values_mut()
        .for_each(|all| all.sort_unstable());
}
