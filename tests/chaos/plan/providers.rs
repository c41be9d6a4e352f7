//! What befalls providers, and the app that is told of jobs.

use std::time::Duration;

use super::{Planner, TROUBLED};
use crate::faults::{AppAction, AppTrouble, ProviderAction};

impl Planner {
    pub(super) fn app(&mut self, now: Duration) -> bool {
        if self.app > now {
            return false;
        }
        let trouble = AppTrouble::ALL[self.dice.roll(AppTrouble::ALL.len())];
        self.app = now + self.between(1000, 6000);
        self.at(now, AppAction::Begin(trouble));
        self.at(self.app, AppAction::Mend);
        true
    }

    /// Two of them at once.
    pub(super) fn provider(&mut self, now: Duration) -> bool {
        let well = |planner: &mut Self| planner.well_provider(now);
        let Some(first) = well(self) else {
            return false;
        };
        self.misbehave(first, now);
        if let Some(second) = well(self) {
            self.misbehave(second, now);
        }
        true
    }

    /// One of those that nothing is wrong with.
    pub(super) fn well_provider(&mut self, now: Duration) -> Option<usize> {
        let first = self.dice.roll(TROUBLED.len());
        let mut all = (0..TROUBLED.len()).map(|n| (first + n) % TROUBLED.len());
        all.find(|which| self.providers[*which] <= now)
    }

    fn misbehave(&mut self, which: usize, now: Duration) {
        let trouble = self.troubles[0];
        self.troubles.rotate_left(1);
        let span = self.between(1000, 5000);
        self.providers[which] = now + span;
        self.at(now, ProviderAction::Begin(TROUBLED[which], trouble));
        self.at(now + span, ProviderAction::Mend(TROUBLED[which]));
    }
}
