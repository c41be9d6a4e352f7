//! What befalls Redis, one server or several.

use std::time::Duration;

use super::deck::Card;
use super::{CLUSTER_CALM, Planner, QUIET, SENTINELS_CALM};
use crate::faults::{Persistence, RedisAction, Refusal, ServersAction, Topology};

/// How far Redis's clock is set. Ended jobs are kept for an hour: a longer step would have them forgotten, as it should.
const STEPS: [i64; 6] = [-1800, -40, -10, 20, 90, 1800];

/// How long every worker has to beat once, after the clock was set.
const BEATEN: Duration = Duration::from_millis(5500);

impl Planner {
    /// Nothing is wrong with Redis, and no worker is about to look for it. If only the latter is, it is Redis's turn next.
    pub(super) fn has_redis(&mut self, now: Duration) -> bool {
        self.redis_is_next = self.redis_is_next || self.redis <= now && self.starts > now;
        let free = self.redis <= now && self.starts <= now;
        self.redis_is_next = self.redis_is_next && !free;
        free
    }

    /// The same, where the fleet is to have repaired what Redis forgot before. If it has not, Redis forgets nothing more until then.
    pub(super) fn has_repaired_redis(&mut self, now: Duration) -> bool {
        let repaired = self.repaired <= now;
        // In a short leg there is no time for both.
        self.keeps_all = !repaired && self.long;
        repaired && self.has_redis(now)
    }

    /// How long Redis is in trouble, where that is longer than a lease now and then.
    pub(super) fn in_trouble(&mut self) -> Duration {
        match self.long && self.dice.roll(4) == 0 {
            true => self.between(16_000, 19_000),
            false => self.between(700, 2500),
        }
    }

    /// It is late enough for Redis to forget something.
    fn may_forget(&self, now: Duration) -> bool {
        self.persistence == Persistence::Always || (now >= self.may_forget && !self.keeps_all)
    }

    /// It stops for a while.
    pub(super) fn stops(&mut self, card: Card, now: Duration) -> bool {
        // After a kill no worker may be killed for half of a short leg.
        let may_kill = self.killed && self.may_forget(now);
        if (card == Card::KillRedis && !may_kill) || !self.has_redis(now) {
            return false;
        }
        match card {
            Card::KillRedis => self.kill_redis(now),
            Card::FreezeRedis => {
                let span = self.between(500, 4000);
                self.at(now, RedisAction::Freeze);
                self.at(now + span, RedisAction::Thaw);
                self.redis = now + span;
            }
            _ => self.at(now, RedisAction::CutConnections),
        }
        true
    }

    /// It answers, and not as it should.
    pub(super) fn misbehaves(&mut self, card: Card, now: Duration) -> bool {
        let may_roll_back = self.killed && self.may_forget(now);
        if (card == Card::Rollback && !may_roll_back) || !self.has_repaired_redis(now) {
            return false;
        }
        match card {
            Card::Refuse(refusal) => {
                let span = self.in_trouble();
                self.at(now, RedisAction::Refuse(refusal));
                self.at(now + span, RedisAction::TakeAgain);
                self.redis = now + span;
                if refusal == Refusal::FullDisk {
                    // It tries its file once a second.
                    self.redis += Duration::from_millis(1500);
                }
            }
            Card::SetClock => {
                let off = STEPS[self.dice.roll(STEPS.len())];
                let span = self.between(1000, 4000);
                self.at(now, RedisAction::SetClock(off));
                self.at(now + span, RedisAction::SetClock(0));
                self.redis = now + span + BEATEN;
            }
            _ => {
                let kill = now + self.between(4000, 10_000);
                let back = kill + self.between(100, 2000);
                self.at(now, RedisAction::PutAside);
                self.at(kill, RedisAction::Kill);
                self.at(back, RedisAction::StartFromAside);
                self.is_back(back);
            }
        }
        true
    }

    fn kill_redis(&mut self, now: Duration) {
        let mut kill = now;
        if self.persistence == Persistence::Snapshots {
            self.at(now, RedisAction::Save);
            kill += self.between(200, 2500);
        }
        let back = kill + self.between(100, 3000);
        self.at(kill, RedisAction::Kill);
        self.at(back, RedisAction::Start);
        self.is_back(back);
    }

    /// It is there again, and may have forgotten something.
    fn is_back(&mut self, back: Duration) {
        self.redis = back;
        if self.persistence != Persistence::Always {
            self.repaired = back + QUIET;
        }
        // What Redis forgets its living workers know, so mostly they live on: then nothing has an excuse.
        if self.persistence == Persistence::Snapshots && self.dice.roll(3) > 0 {
            for place in &mut self.places {
                *place = (*place).max(back + QUIET);
            }
        }
    }

    /// Another server takes a primary's place, or one of its slots.
    pub(super) fn replaced(&mut self, card: Card, now: Duration) -> bool {
        // As where Redis is killed.
        let may_be =
            (card != Card::KillAhead || self.killed) && (card == Card::MoveSlot || !self.keeps_all);
        if self.calm > now || !may_be || !self.has_redis(now) {
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
        self.repaired = self.redis + QUIET;
        // What Redis forgets its living workers know, as above.
        if self.dice.roll(3) > 0 {
            for place in &mut self.places {
                *place = (*place).max(self.redis + QUIET);
            }
        }
        true
    }
}
