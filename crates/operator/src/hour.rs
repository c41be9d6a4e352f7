//! A queue's last hour, minute by minute: reckoned back from now by what came and what ended.

use longshore_queue::{LivingWorker, Minute};

use crate::replays::ReplayRow;
use crate::time::ms_of;

/// So many minutes are told.
pub(crate) const MINUTES: u64 = 60;

/// What a queue's last hour is told by.
pub(crate) struct Hour {
    pub(crate) slots: u64,
    pub(crate) minutes: Vec<Minute>,
    replayed: Vec<Replayed>,
}

/// Letters that became jobs to do again, in ms since the epoch.
struct Replayed {
    from_ms: u64,
    /// `u64::MAX` while it goes on.
    until_ms: u64,
    letters: u64,
}

impl Hour {
    /// Of its workers, of what each minute has counted, and of its replays.
    pub(crate) fn of(living: &[LivingWorker], minutes: Vec<Minute>, replays: &[ReplayRow]) -> Self {
        let said = living.iter().filter_map(|worker| worker.facts.as_ref());
        Self {
            slots: said.map(|facts| u64::from(facts.slots)).sum(),
            minutes,
            replayed: replays.iter().filter_map(Replayed::of).collect(),
        }
    }

    /// How many jobs were to do, an hour ago and after each minute since, if so many are now.
    pub(crate) fn to_do_by_minute(&self, now: u64, now_ms: u64) -> Vec<u64> {
        to_do_by_minute(now, self.changes().into_iter(), now_ms)
    }

    fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<_> = self.minutes.iter().map(Change::from).collect();
        for replayed in &self.replayed {
            let meant = |change: &&mut Change| {
                change.began_ms + 60_000 > replayed.from_ms && change.began_ms <= replayed.until_ms
            };
            let minutes = changes.iter_mut().filter(meant).count() as u64;
            let mut left = replayed.letters;
            for change in changes.iter_mut().filter(meant) {
                let share = left.min(replayed.letters.div_ceil(minutes));
                change.more += share;
                left -= share;
            }
        }
        changes
    }
}

impl Replayed {
    fn of(row: &ReplayRow) -> Option<Self> {
        Some(Self {
            from_ms: ms_of(&row.begun_at)?,
            until_ms: row.ended_at.as_deref().map_or(Some(u64::MAX), ms_of)?,
            letters: row.moved,
        })
    }
}

/// How a minute changed how many jobs are to do.
struct Change {
    began_ms: u64,
    more: u64,
    fewer: u64,
}

impl From<&Minute> for Change {
    fn from(minute: &Minute) -> Self {
        Self {
            began_ms: minute.began_ms,
            more: minute.enqueued,
            fewer: minute.completed + minute.dead + minute.cancelled,
        }
    }
}

/// Goes back from how many there are now, minute by minute in which anything happened, and straight on between these.
fn to_do_by_minute(
    now: u64,
    minutes: impl DoubleEndedIterator<Item = Change>,
    now_ms: u64,
) -> Vec<u64> {
    let mut points = vec![(now_ms, now)];
    let mut to_do = now;
    for change in minutes.rev() {
        to_do = (to_do + change.fewer).saturating_sub(change.more);
        points.push((change.began_ms, to_do));
    }
    let at = |time: u64| {
        let after = points
            .iter()
            .rposition(|(at, _)| *at >= time)
            .unwrap_or_default();
        let (later, then) = points[after];
        match points.get(after + 1) {
            Some((earlier, before)) => {
                let share =
                    (time.saturating_sub(*earlier)) as f64 / (later - earlier).max(1) as f64;
                (*before as f64 + (then as f64 - *before as f64) * share).round() as u64
            }
            None => then,
        }
    };
    let times = (0..=MINUTES).rev();
    times
        .map(|ago| at(now_ms.saturating_sub(ago * 60_000)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_to_do_is_told_back_from_now() {
        let now_ms = 100 * 60_000 + 30_000;
        let minute = |ago: u64, more: u64, fewer: u64| Change {
            began_ms: (100 - ago) * 60_000,
            more,
            fewer,
        };
        // Ten minutes ago forty came, and since then ten were done a minute in the last two.
        let minutes = [minute(10, 40, 0), minute(1, 0, 10), minute(0, 0, 10)];
        let series = to_do_by_minute(20, minutes.into_iter(), now_ms);
        assert_eq!(series.len(), 61);
        assert_eq!((series[60], series[0]), (20, 0), "now, and an hour ago");
        assert!(series[55] > 20 && series[55] <= 40, "{series:?}");
        assert_eq!(series[59], 35, "between thirty and forty");
    }

    #[test]
    fn what_was_replayed_was_not_to_do_before() {
        let minute = |n: u64, completed: u64| {
            let mut minute = Minute::default();
            minute.began_ms = n * 60_000;
            minute.completed = completed;
            minute
        };
        let hour = Hour {
            slots: 1,
            minutes: vec![minute(98, 400), minute(99, 500), minute(100, 100)],
            replayed: vec![Replayed {
                from_ms: 98 * 60_000 + 5_000,
                until_ms: 99 * 60_000 + 50_000,
                letters: 1_000,
            }],
        };
        let series = hour.to_do_by_minute(0, 100 * 60_000 + 30_000);
        assert_eq!(&series[..50], &[0; 50], "{series:?}");
        assert_eq!(series.iter().max(), Some(&100), "{series:?}");
    }

    #[test]
    fn what_somebody_took_away_never_makes_it_less_than_nothing() {
        let minute = Change {
            began_ms: 60_000,
            more: 1000,
            fewer: 0,
        };
        let series = to_do_by_minute(3, [minute].into_iter(), 120_000);
        assert_eq!((series[60], series[59]), (3, 0));
    }
}
