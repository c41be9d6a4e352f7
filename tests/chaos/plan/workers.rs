//! What befalls workers.

use std::time::Duration;

use super::{Planner, WORKERS};
use crate::faults::WorkerAction;

impl Planner {
    pub(super) fn free_place(&mut self, now: Duration) -> Option<usize> {
        let first = self.dice.roll(WORKERS);
        let mut places = (0..WORKERS).map(|n| (first + n) % WORKERS);
        places.find(|place| self.places[*place] <= now)
    }

    /// A worker can only be started where Redis answers.
    pub(super) fn start(&mut self, place: usize, at: Duration) {
        let at = at.max(self.redis + Duration::from_millis(500));
        self.places[place] = at + Duration::from_secs(1);
        self.starts = self.starts.max(at + Duration::from_secs(2));
        self.at(at, WorkerAction::Start(place));
    }

    pub(super) fn kill(&mut self, place: usize, now: Duration) {
        self.killed = true;
        self.at(now, WorkerAction::Kill(place));
        let back = now + self.between(100, 1000);
        self.start(place, back);
    }

    pub(super) fn deploy(&mut self, place: usize, now: Duration) {
        self.at(now, WorkerAction::Stop(place));
        let back = now + self.between(100, 500);
        self.start(place, back);
    }

    pub(super) fn freeze(&mut self, place: usize, now: Duration) {
        // Longer than a lease, every second time.
        let span = match self.dice.roll(2) {
            0 => self.between(500, 6000),
            _ => self.between(16_000, 20_000),
        };
        self.places[place] = now + span + Duration::from_secs(1);
        self.at(now, WorkerAction::Freeze(place));
        self.at(now + span, WorkerAction::Thaw(place));
    }

    pub(super) fn sick(&mut self, now: Duration) -> bool {
        if self.sick > now || self.redis > now {
            return false;
        }
        let span = self.between(3000, 8000);
        self.at(now, WorkerAction::StartSick);
        self.at(now + span, WorkerAction::StopSick);
        self.sick = now + span;
        self.starts = self.starts.max(now + Duration::from_secs(2));
        true
    }
}
