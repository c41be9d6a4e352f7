//! What happened in a queue minute by minute, for the last day.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::Value;

use crate::{CallCounts, Queue, QueueError, Verdict};

/// How many minutes there are, and how many bytes one takes: as `lua/part/minutes.lua` writes them.
const RING: u64 = 1440;
const BYTES: usize = 148;
/// Of these, which minute it is, and how many jobs had been enqueued.
const HEAD: usize = 12;

/// How many steps a histogram has.
const STEPS: usize = 12;

/// How long something took, in so many jobs: below 10, 32, 100, 316 ms and so on by half powers of ten, up to 316 s and 1000 s, and
/// the rest.
pub type Histogram = [u64; STEPS];

/// One minute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minute {
    /// When it began, in ms since the epoch.
    pub began_ms: u64,
    /// How many jobs had ever been enqueued when it began.
    enqueued_before: u64,
    /// How many were enqueued in it, and in the minutes until the next one in which anything happened.
    pub enqueued: u64,
    /// How many completed.
    pub completed: u64,
    /// How many attempts failed that are made again.
    pub failed: u64,
    /// How many became dead letters.
    pub dead: u64,
    /// How many were cancelled.
    pub cancelled: u64,
    /// How long jobs had waited when their first run began, from when they were due.
    pub waited: Histogram,
    /// How long runs took.
    pub ran: Histogram,
    /// CallCounts of the queue's own provider.
    pub calls: CallCounts,
    /// CallCounts of its fallback.
    pub fallback_calls: CallCounts,
}

impl Minute {
    /// The record of this minute, since the epoch; `None` where the ring has another one in its place.
    fn read(record: &[u8], minute: u64) -> Option<Self> {
        if record.len() != BYTES {
            return None;
        }
        let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        let (head, counts) = record.split_at(HEAD);
        let (of, enqueued_before) = head.split_at(4);
        if number(of) != minute {
            return None;
        }
        let mut counts = counts.chunks_exact(4).map(number);
        let mut next = || counts.next().unwrap_or_default();
        let [completed, failed, dead, cancelled] = std::array::from_fn(|_| next());
        Some(Self {
            began_ms: minute * 60_000,
            enqueued_before: number(enqueued_before),
            enqueued: 0,
            completed,
            failed,
            dead,
            cancelled,
            waited: std::array::from_fn(|_| next()),
            ran: std::array::from_fn(|_| next()),
            calls: calls(&mut next),
            fallback_calls: calls(&mut next),
        })
    }
}

/// The next three counts.
fn calls(next: &mut impl FnMut() -> u64) -> CallCounts {
    CallCounts {
        called: next(),
        answered: next(),
        failed: next(),
    }
}

/// Which step of a histogram it falls into.
fn step_of(took: Duration) -> usize {
    let half_powers = 2.0 * (took.as_secs_f64() * 1000.0).max(1.0).log10();
    (half_powers.floor() as usize)
        .saturating_sub(1)
        .min(STEPS - 1)
}

/// The last whole minute, of what a script read.
pub(crate) fn last_minute(record: Option<&[u8]>, now_ms: u64) -> Minute {
    let minute = (now_ms / 60_000).saturating_sub(1);
    let read = record.and_then(|record| Minute::read(record, minute));
    read.unwrap_or_else(|| Minute {
        began_ms: minute * 60_000,
        ..Minute::default()
    })
}

impl Queue {
    /// The minutes of the last day in which anything happened, the oldest first; the last one is not over.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn minutes(&self) -> Result<Vec<Minute>, QueueError> {
        let k = &self.keys;
        let mut ask = redis::pipe();
        ask.cmd("TIME").cmd("HGET").arg(&k.stats).arg("enqueued");
        ask.cmd("GETRANGE").arg(&k.minutes).arg(0).arg(-1);
        let (time, enqueued, ring): (Vec<u64>, Value, Vec<u8>) = self.link.pipeline(&ask).await?;
        let now = time.first().copied().unwrap_or_default() / 60;
        let mut minutes: Vec<Minute> = (now.saturating_sub(RING - 1)..=now)
            .filter_map(|minute| {
                let from = (minute % RING) as usize * BYTES;
                Minute::read(ring.get(from..from + BYTES)?, minute)
            })
            .collect();
        let mut next = redis::from_redis_value(enqueued).unwrap_or(0_u64);
        for minute in minutes.iter_mut().rev() {
            minute.enqueued = next.saturating_sub(minute.enqueued_before);
            next = minute.enqueued_before;
        }
        Ok(minutes)
    }
}

/// How long jobs waited for their first run and how long runs took, as the minute's counts take it.
pub(crate) fn times(verdicts: &[Verdict]) -> String {
    let mut steps = BTreeMap::new();
    for verdict in verdicts {
        let Some(entry) = &verdict.history else {
            continue;
        };
        let ran = entry.duration_ms.map(Duration::from_millis);
        for (what, took) in [('w', verdict.context.waited), ('r', ran)] {
            if let Some(took) = took {
                *steps.entry((what, step_of(took))).or_insert(0_u32) += 1;
            }
        }
    }
    let steps = steps
        .iter()
        .map(|((what, step), jobs)| format!("{what}{step}:{jobs}"));
    steps.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_half_powers_of_ten() {
        for (ms, step) in [
            (0, 0),
            (9, 0),
            (10, 1),
            (31, 1),
            (32, 2),
            (99, 2),
            (100, 3),
            (1_000, 5),
            (316_000, 9),
            (317_000, 10),
            (1_000_000, 11),
            (86_400_000, 11),
        ] {
            assert_eq!(step_of(Duration::from_millis(ms)), step, "{ms} ms");
        }
    }
}
