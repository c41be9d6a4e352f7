//! One event a minute for each cause: an outage that buries 40,000 jobs is one trouble, not 40,000.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::trouble::Trouble;

/// How often a cause is told.
const EVERY: Duration = Duration::from_secs(60);

/// So many causes are told apart at a time. Groups are bounded by what providers answer; this bounds them whatever
/// they answer.
const CAUSES: usize = 256;

/// What was told of late, and what waits to be told.
#[derive(Debug, Default)]
pub(super) struct Digest {
    causes: HashMap<Vec<String>, Slot>,
}

#[derive(Debug)]
struct Slot {
    /// When it may be told again, or is forgotten.
    due: Instant,
    /// The last one that was not told, and how many there are.
    waiting: Option<(Trouble, u64)>,
}

impl Digest {
    /// What is to be told of it at once, with its count: the first of a cause is, further ones wait for its minute to
    /// end.
    pub(super) fn add(&mut self, trouble: Trouble, now: Instant) -> Vec<(Trouble, u64)> {
        let mut cause = trouble.fingerprint();
        let mut trouble = trouble;
        if self.causes.len() >= CAUSES && !self.causes.contains_key(&cause) {
            trouble = Trouble::Others;
            cause = trouble.fingerprint();
        }
        match self.causes.get_mut(&cause) {
            Some(slot) => {
                let count = slot.waiting.as_ref().map_or(0, |(_, count)| *count);
                slot.waiting = Some((trouble, count + 1));
                Vec::new()
            }
            None => {
                let due = now + EVERY;
                let waiting = None;
                self.causes.insert(cause, Slot { due, waiting });
                vec![(trouble, 1)]
            }
        }
    }

    /// What has waited for its minute.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Trouble, u64)> {
        let mut told = Vec::new();
        self.causes.retain(|_, slot| {
            if slot.due > now {
                return true;
            }
            slot.due = now + EVERY;
            let waiting = slot.waiting.take();
            let is_going_on = waiting.is_some();
            told.extend(waiting);
            is_going_on
        });
        told
    }

    /// When the next minute ends.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.causes.values().map(|slot| slot.due).min()
    }

    /// All that waits, for the end.
    pub(super) fn rest(self) -> Vec<(Trouble, u64)> {
        let slots = self.causes.into_values();
        slots.filter_map(|slot| slot.waiting).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [u64; 0] = [];

    fn panic(place: usize) -> Trouble {
        Trouble::Panic {
            place: format!("src/lib.rs:{place}"),
            thread: "worker".to_owned(),
            job: None,
        }
    }

    fn counts(told: &[(Trouble, u64)]) -> Vec<u64> {
        told.iter().map(|(_, count)| *count).collect()
    }

    #[test]
    fn a_cause_is_told_at_once_and_then_once_a_minute_with_a_count() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut digest = Digest::default();
        assert_eq!(counts(&digest.add(panic(1), at(0))), [1]);
        for _ in 0..40_000 {
            assert_eq!(counts(&digest.add(panic(1), at(1))), NONE);
        }
        assert_eq!(counts(&digest.add(panic(2), at(2))), [1], "another cause");
        assert_eq!(digest.next_due(), Some(at(60)));
        assert_eq!(counts(&digest.due(at(59))), NONE);
        assert_eq!(counts(&digest.due(at(60))), [40_000]);
        // Its next minute has begun.
        assert_eq!(counts(&digest.add(panic(1), at(61))), NONE);
        assert_eq!(counts(&digest.due(at(119))), NONE);
        assert_eq!(counts(&digest.due(at(120))), [1]);
        // After a minute without it, it is news again.
        assert_eq!(counts(&digest.due(at(180))), NONE);
        assert_eq!(digest.next_due(), None, "nothing is kept");
        assert_eq!(counts(&digest.add(panic(1), at(181))), [1]);
    }

    #[test]
    fn what_waits_at_the_end_is_told() {
        let now = Instant::now();
        let mut digest = Digest::default();
        for _ in 0..3 {
            digest.add(panic(1), now);
        }
        assert_eq!(counts(&digest.rest()), [2]);
    }

    #[test]
    fn ever_new_causes_take_no_more_room() {
        let now = Instant::now();
        let mut digest = Digest::default();
        let told: usize = (0..10_000).map(|n| digest.add(panic(n), now).len()).sum();
        assert_eq!(told, CAUSES + 1);
        assert_eq!(digest.causes.len(), CAUSES + 1);
        assert_eq!(counts(&digest.rest()), [10_000 - CAUSES as u64 - 1]);
    }
}
