//! One row of the table: a tenth of the time.

use std::fmt;
use std::time::Duration;

use longshore_tests::Act;

use crate::fleet::{ACTS, Fleet};
use crate::keys;

/// What the columns are.
pub(crate) const HEAD: &str =
    "  minute   effects  mails: p50 ms   p99 ms   max ms  Redis MiB  MiB of processes";

/// By how much a process may grow: an allocator keeps what a busy minute took, and gives it back late.
const PROCESS_MAY_GROW_KIB: u64 = 8 << 10;

/// By how much Redis may grow beside what it keeps on purpose: its own buffers and tables.
const REDIS_MAY_GROW_KIB: u64 = 8 << 10;

/// What was seen at the end of a tenth.
#[derive(Debug)]
pub(crate) struct Row {
    minute: f64,
    /// How many effects there were since the start.
    effects: usize,
    /// How many of them are of this tenth.
    here: usize,
    /// The place in the ledger of mails up to which rows have looked.
    mails: usize,
    /// From when a mail was made to when it was at its provider: in ms, sorted.
    took: Vec<u64>,
    redis: u64,
    processes: Vec<(&'static str, u64)>,
}

impl Row {
    pub(crate) async fn take(fleet: &Fleet, elapsed: Duration, before: Option<&Self>) -> Self {
        let count = |act: &Act| fleet.stage.ledger_of(*act).accepted().len();
        let effects = ACTS.iter().map(count).sum();
        let mails = fleet.stage.ledger_of(Act::Email).accepted();
        let new = mails.iter().skip(before.map_or(0, |row| row.mails));
        let mut took: Vec<u64> = new
            .filter_map(|mail| Some(mail.at_ms.saturating_sub(made_ms(mail.job.as_deref()?)?)))
            .collect();
        took.sort_unstable();
        Self {
            minute: elapsed.as_secs_f64() / 60.0,
            effects,
            here: effects - before.map_or(0, |row| row.effects),
            mails: mails.len(),
            took,
            redis: keys::memory(fleet).await,
            processes: fleet.memory(),
        }
    }

    fn percentile(&self, percent: usize) -> u64 {
        let place = (self.took.len() * percent / 100).min(self.took.len().saturating_sub(1));
        self.took.get(place).copied().unwrap_or(0)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8.1}  {:>8}  {:>13}  {:>7}  {:>7}  {:>9.1} ",
            self.minute,
            self.here,
            self.percentile(50),
            self.percentile(99),
            self.percentile(100),
            self.redis as f64 / 1024.0
        )?;
        for (name, kib) in &self.processes {
            write!(f, " {name} {:.1}", *kib as f64 / 1024.0)?;
        }
        Ok(())
    }
}

/// What has grown between the first and the last of these rows by more than it may. `kept`: by how many bytes Redis grew on
/// purpose.
pub(crate) fn grown(rows: &[Row], kept: u64) -> Vec<String> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Vec::new();
    };
    let mut grown = Vec::new();
    for ((name, before), (_, after)) in first.processes.iter().zip(&last.processes) {
        if *after > before + PROCESS_MAY_GROW_KIB {
            grown.push(format!("{name} grew from {before} to {after} KiB"));
        }
    }
    let may_be = first.redis + (kept >> 10) + REDIS_MAY_GROW_KIB;
    if last.redis > may_be {
        let (before, after, kept) = (first.redis, last.redis, kept >> 10);
        grown.push(format!(
            "Redis grew from {before} to {after} KiB, of which {kept} are kept on purpose"
        ));
    }
    grown
}

/// When an id was made: the first 48 bits of a ULID, or of a version 7 UUID, are milliseconds.
fn made_ms(id: &str) -> Option<u64> {
    let id: longshore_client::JobId = id.parse().ok()?;
    Some(id.timestamp_ms())
}
