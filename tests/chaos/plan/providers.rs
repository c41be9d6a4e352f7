//! What befalls providers, and the app that is told of jobs.

use std::time::Duration;

use super::{Planner, TROUBLED};
use crate::faults::{AppAction, AppTrouble, ProviderAction, Trouble};

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

    pub(super) fn provider(&mut self, now: Duration) -> bool {
        let which = self.dice.roll(TROUBLED.len());
        if self.providers[which] > now {
            return false;
        }
        let trouble = Trouble::ALL[self.dice.roll(Trouble::ALL.len())];
        let span = self.between(1000, 5000);
        self.providers[which] = now + span;
        self.at(now, ProviderAction::Begin(TROUBLED[which], trouble));
        self.at(now + span, ProviderAction::Mend(TROUBLED[which]));
        true
    }
}
