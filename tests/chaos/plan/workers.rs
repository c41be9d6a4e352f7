//! What befalls workers, and the Vault that they have a key from.

use std::time::Duration;

use super::deck::Card;
use super::{Planner, STARTED, WORKERS};
use crate::faults::{VaultAction, WorkerAction};

impl Planner {
    pub(super) fn free_place(&mut self, now: Duration) -> Option<usize> {
        let first = self.dice.roll(WORKERS);
        let mut places = (0..WORKERS).map(|n| (first + n) % WORKERS);
        places.find(|place| self.places[*place] <= now)
    }

    /// A worker can only be started where Redis and Vault answer.
    fn start(&mut self, place: usize, at: Duration) {
        let at = at.max(self.redis.max(self.vault) + Duration::from_millis(500));
        self.places[place] = at + Duration::from_secs(1);
        self.starts = self.starts.max(at + STARTED);
        self.at(at, WorkerAction::Start(place));
    }

    /// What befalls the worker in one place.
    pub(super) fn worker(&mut self, card: Card, place: usize, now: Duration) {
        match card {
            Card::Kill => {
                self.killed = true;
                self.at(now, WorkerAction::Kill(place));
                let back = now + self.between(100, 1000);
                self.start(place, back);
            }
            Card::StopBy(signals) => {
                self.at(now, WorkerAction::StopBy(place, signals));
                let back = now + self.between(100, 500);
                self.start(place, back);
            }
            Card::Freeze => {
                // Longer than a lease, every second time.
                let span = match self.dice.roll(2) {
                    0 => self.between(500, 6000),
                    _ => self.between(16_000, 20_000),
                };
                self.places[place] = now + span + Duration::from_secs(1);
                self.at(now, WorkerAction::Freeze(place));
                self.at(now + span, WorkerAction::Thaw(place));
            }
            Card::FillOutput => {
                let span = self.between(1000, 5000);
                self.places[place] = now + span;
                self.at(now, WorkerAction::FillOutput(place));
                self.at(now + span, WorkerAction::EmptyOutput(place));
            }
            _ => {
                self.at(now, WorkerAction::Stop(place));
                let back = now + self.between(100, 500);
                self.start(place, back);
            }
        }
    }

    /// One after the other: the next one goes when the new one is there.
    pub(super) fn rolling_deploy(&mut self, now: Duration) -> bool {
        let none_moves = self.places.iter().all(|until| *until <= now);
        if !none_moves || self.redis > now || self.vault > now {
            return false;
        }
        let mut at = now;
        for place in 0..WORKERS {
            self.at(at, WorkerAction::Stop(place));
            let back = at + self.between(100, 300);
            self.start(place, back);
            at = back + self.between(600, 1200);
        }
        self.places = self.places.map(|until| until.max(at));
        true
    }

    pub(super) fn sick(&mut self, now: Duration) -> bool {
        if self.sick > now || self.redis > now || self.vault > now {
            return false;
        }
        let span = self.between(3000, 8000);
        self.at(now, WorkerAction::StartSick);
        self.at(now + span, WorkerAction::StopSick);
        self.sick = now + span;
        self.starts = self.starts.max(now + STARTED);
        true
    }

    pub(super) fn poor(&mut self, now: Duration) -> bool {
        if self.poor > now || self.redis > now || self.vault > now {
            return false;
        }
        let starved = now + self.between(500, 1500);
        let gone = starved + self.between(2000, 6000);
        self.at(now, WorkerAction::StartPoor);
        self.at(starved, WorkerAction::Starve);
        self.at(gone, WorkerAction::StopPoor);
        self.poor = gone;
        self.starts = self.starts.max(now + STARTED);
        true
    }

    pub(super) fn vault(&mut self, now: Duration) -> bool {
        if self.vault > now || !self.has_redis(now) {
            return false;
        }
        let span = self.between(3000, 6000);
        self.at(now, VaultAction::Seal);
        self.at(now + Duration::from_millis(200), VaultAction::StartInVain);
        self.at(now + span, VaultAction::Unseal);
        self.vault = now + span;
        true
    }
}
