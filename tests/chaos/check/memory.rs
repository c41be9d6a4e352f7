//! Whether a process grows.

use crate::facts::Facts;
use crate::ledger::Ledger;

const MIB: u64 = 1 << 20;

/// What a process may hold more at the end of a leg than after a fifth of it: a worker keeps what it has settled within a minute,
/// 64 MiB at the most, in case that Redis forgets it; and answers of 20 MB are read up to their limit.
const MORE: u64 = 96 * MIB;

pub(super) fn check(facts: &Facts, ledger: &mut Ledger) {
    for memory in &facts.memory {
        let grown = memory.late_bytes.saturating_sub(memory.early_bytes);
        if grown > MORE {
            let what = format!(
                "memory: {} grew from {} to {} MiB",
                memory.role,
                memory.early_bytes / MIB,
                memory.late_bytes / MIB
            );
            ledger.fault(what);
        }
    }
}
