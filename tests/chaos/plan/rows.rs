//! What befalls Postgres, and those who carry its rows.

use std::time::Duration;

use super::deck::Card;
use super::{Planner, STARTED};
use crate::faults::RowsAction;

impl Planner {
    pub(super) fn carrier(&mut self, card: Card, now: Duration) -> bool {
        let carriers = self.carriers.iter();
        let Some(place) = carriers.clone().position(|until| *until <= now) else {
            return false;
        };
        let end = match card {
            Card::KillCarrier => {
                let back = now + self.between(100, 1000);
                // It can only be started where Redis and Postgres answer.
                let back = back.max(self.redis.max(self.postgres) + Duration::from_millis(500));
                self.at(now, RowsAction::KillCarrier(place));
                self.at(back, RowsAction::StartCarrier(place));
                self.carrier_starts = back + STARTED;
                self.starts = self.starts.max(self.carrier_starts);
                back
            }
            _ => {
                // Longer than Redis may take for an answer, now and then.
                let back = now + self.between(500, 8000);
                self.at(now, RowsAction::FreezeCarrier(place));
                self.at(back, RowsAction::ThawCarrier(place));
                back
            }
        };
        self.carriers[place] = end + Duration::from_secs(1);
        true
    }

    pub(super) fn postgres(&mut self, now: Duration) -> bool {
        if self.postgres > now || self.carrier_starts > now {
            return false;
        }
        let back = now + self.between(100, 3000);
        self.at(now, RowsAction::KillPostgres);
        self.at(back, RowsAction::StartPostgres);
        self.postgres = back;
        true
    }
}
