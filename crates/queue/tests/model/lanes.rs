//! Who waits before whom.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_queue::{Lane, Priority};

use crate::model::JobNo;

/// One of the lanes below.
pub(crate) type LaneNo = u8;

/// How many there are.
pub(crate) const LANES: LaneNo = 7;

/// A lane by its number; 0 is that of most jobs.
pub(crate) fn lane(no: LaneNo) -> Lane {
    let lane = Lane::of(priority(no));
    match no {
        1 | 2 => lane.with_tenant(format!("t{no}")),
        4 | 6 => lane.with_tenant("t1"),
        _ => lane,
    }
}

fn priority(no: LaneNo) -> Priority {
    match no {
        0..=2 => Priority::Normal,
        3 | 4 => Priority::High,
        _ => Priority::Low,
    }
}

/// How many others may be claimed while one of this priority waits: of ten places one is for it; of two one may be for
/// those of high priority.
fn most_before(priority: Priority) -> u32 {
    match priority {
        Priority::High => 1,
        Priority::Normal | Priority::Low => 9,
    }
}

/// The jobs that wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lanes {
    /// Of each lane the next one first. Within a set their order is not known.
    waiting: BTreeMap<LaneNo, VecDeque<BTreeSet<JobNo>>>,
    /// Those of them that were put back to the head.
    put_back: BTreeSet<JobNo>,
    /// How many of another priority were claimed in a row while one of this waited.
    passed_over: BTreeMap<Priority, u32>,
}

impl Lanes {
    pub(crate) fn all(&self) -> impl Iterator<Item = JobNo> {
        self.waiting.values().flatten().flatten().copied()
    }

    pub(crate) fn line_up(&mut self, job: JobNo, lane: LaneNo) {
        let waiting = self.waiting.entry(lane).or_default();
        waiting.push_back([job].into());
    }

    pub(crate) fn line_up_first(&mut self, jobs: BTreeSet<JobNo>, lane: LaneNo) {
        self.put_back.extend(&jobs);
        let waiting = self.waiting.entry(lane).or_default();
        match waiting.front_mut() {
            // In lanes they stand beside those that were put back before. In the list they come before them.
            Some(head) if lane != 0 && head.is_subset(&self.put_back) => head.extend(&jobs),
            _ => waiting.push_front(jobs),
        }
    }

    /// Takes one that is next in its lane, or any; `false` where it is not.
    pub(crate) fn take(&mut self, job: JobNo, lane: LaneNo, any: bool) -> bool {
        let waiting = self.waiting.entry(lane).or_default();
        let sets = if any { waiting.len() } else { 1 };
        let found = waiting.iter_mut().take(sets).any(|set| set.remove(&job));
        waiting.retain(|set| !set.is_empty());
        self.put_back.remove(&job);
        found
    }

    /// Counts that one of this lane is claimed next.
    pub(crate) fn pass_over(&mut self, lane: LaneNo) {
        for other in Priority::ALL {
            let waits = self
                .waiting
                .iter()
                .any(|(no, waiting)| priority(*no) == other && !waiting.is_empty());
            let passed = self.passed_over.entry(other).or_default();
            *passed = if waits && other != priority(lane) {
                *passed + 1
            } else {
                0
            };
        }
    }

    /// Somebody was claimed, and it is not known who was passed over.
    pub(crate) fn forget_turns(&mut self) {
        self.passed_over.clear();
    }

    /// A priority that was passed over for too long.
    pub(crate) fn late(&self) -> Option<Priority> {
        let late = |(priority, passed): (&Priority, &u32)| {
            (*passed > most_before(*priority)).then_some(*priority)
        };
        self.passed_over.iter().find_map(late)
    }
}
