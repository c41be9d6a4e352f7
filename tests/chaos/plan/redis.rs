//! What befalls Redis, one server or several.

use std::time::Duration;

use super::{CLUSTER_CALM, Card, Planner, QUIET, SENTINELS_CALM};
use crate::faults::{Persistence, RedisAction, ServersAction, Topology};

impl Planner {
    pub(super) fn kill_redis(&mut self, now: Duration, persistence: Persistence) {
        let mut kill = now;
        if persistence == Persistence::Snapshots {
            self.at(now, RedisAction::Save);
            kill += self.between(200, 2500);
        }
        let back = kill + self.between(100, 3000);
        self.at(kill, RedisAction::Kill);
        self.at(back, RedisAction::Start);
        self.redis = back;
        // What Redis forgets its living workers know, so mostly they live on: then nothing has an excuse.
        if persistence == Persistence::Snapshots && self.dice.roll(3) > 0 {
            for place in &mut self.places {
                *place = (*place).max(back + QUIET);
            }
        }
    }

    /// Another server takes a primary's place, or one of its slots.
    pub(super) fn replaced(&mut self, card: Card, now: Duration) -> bool {
        if self.redis > now || self.starts > now || self.calm > now {
            return false;
        }
        // As where Redis is killed.
        if card == Card::KillAhead && !self.killed {
            return false;
        }
        let which = self.dice.roll(3);
        let seconds = Duration::from_secs;
        match card {
            Card::KillPrimary | Card::KillAhead => {
                let mut kill = now;
                if card == Card::KillAhead {
                    self.at(now, ServersAction::FreezeReplicas);
                    kill += self.between(300, 1000);
                }
                let back = kill + self.between(5000, 8000);
                self.at(kill, ServersAction::KillPrimary(which));
                self.at(back, ServersAction::StartKilled);
                self.redis = back + seconds(1);
            }
            Card::FreezePrimary => {
                // Long enough to be replaced, every second time.
                let thaw = now + self.between(500, 6000);
                self.at(now, ServersAction::FreezePrimary(which));
                self.at(thaw, ServersAction::ThawPrimary);
                self.redis = thaw + seconds(5);
            }
            Card::FailOver => {
                self.at(now, ServersAction::FailOver(which));
                self.redis = now + seconds(6);
            }
            _ => {
                self.at(now, ServersAction::MoveSlot(which));
                self.redis = now + seconds(3);
                return true;
            }
        }
        self.calm = match self.topology {
            Topology::Sentinel => now + SENTINELS_CALM,
            _ => now + CLUSTER_CALM,
        };
        // What Redis forgets its living workers know, as above.
        if self.dice.roll(3) > 0 {
            for place in &mut self.places {
                *place = (*place).max(self.redis + QUIET);
            }
        }
        true
    }
}
