//! Which faults come when: a pure function of the seed, so that a run can be had again.

mod acts;
mod providers;
mod redis;
mod rows;
mod workers;

use std::time::Duration;

use longshore_tests::{Act, Dice};

use crate::faults::{Action, Persistence, RedisAction, Step, Topology};

/// How many workers there are beside the sick ones.
pub(crate) const WORKERS: usize = 4;

/// How many carriers bring rows of Postgres into the queue.
pub(crate) const CARRIERS: usize = 2;

/// The faults of one leg. In the last fifth of its time nothing new breaks.
///
/// They come from a deck that holds every sort and is shuffled anew when it is used up, so that a short leg meets all of
/// them. One that cannot be at its turn comes later.
pub(crate) fn plan(
    seed: u64,
    length: Duration,
    topology: Topology,
    persistence: Persistence,
) -> Vec<Step> {
    let mut planner = Planner {
        topology,
        calm: Duration::ZERO,
        dice: Dice::of(seed ^ ((persistence as u64 + 1) << 56)),
        steps: Vec::new(),
        places: [Duration::ZERO; WORKERS],
        killed: false,
        starts: Duration::ZERO,
        redis: Duration::ZERO,
        carriers: [Duration::ZERO; CARRIERS],
        carrier_starts: Duration::ZERO,
        postgres: Duration::ZERO,
        app: Duration::ZERO,
        sick: Duration::ZERO,
        providers: [Duration::ZERO; TROUBLED.len()],
    };
    let mut now = Duration::from_secs(2);
    let last = length * 4 / 5;
    let mut deck = Vec::new();
    while now < last {
        if deck.is_empty() {
            deck = planner.shuffled();
        }
        let possible = (0..deck.len()).find(|&n| planner.play(deck[n], now, persistence));
        match possible {
            Some(n) => drop(deck.remove(n)),
            // What is left cannot be for a while: the others go on.
            None => deck.extend(planner.shuffled()),
        }
        now += planner.between(600, 2000);
    }
    planner.steps.extend(acts::plan(seed, length, persistence));
    planner.steps.sort_by_key(|step| step.at);
    planner.steps
}

/// A sort of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Card {
    Kill,
    Deploy,
    Freeze,
    KillRedis,
    FreezeRedis,
    CutConnections,
    KillPrimary,
    KillAhead,
    FreezePrimary,
    FailOver,
    MoveSlot,
    KillCarrier,
    FreezeCarrier,
    Postgres,
    App,
    Sick,
    Provider,
}

const DECK: [Card; 15] = [
    Card::Kill,
    Card::Kill,
    Card::Deploy,
    Card::Freeze,
    Card::KillRedis,
    Card::FreezeRedis,
    Card::CutConnections,
    Card::KillCarrier,
    Card::FreezeCarrier,
    Card::Postgres,
    Card::App,
    Card::Sick,
    Card::Provider,
    Card::Provider,
    Card::Provider,
];

/// What happens to one server, and to one that has replicas; a cluster's slots move as well.
const OF_ONE: [Card; 2] = [Card::KillRedis, Card::FreezeRedis];
const OF_SEVERAL: [Card; 4] = [
    Card::KillPrimary,
    Card::KillAhead,
    Card::FreezePrimary,
    Card::FailOver,
];

/// How long Sentinels begin no second failover: twice their `failover-timeout`, and a little.
const SENTINELS_CALM: Duration = Duration::from_secs(22);

/// How long a cluster has until the next failover, so that each primary has its replica again.
const CLUSTER_CALM: Duration = Duration::from_secs(12);

/// For how long no worker leaves after most rollbacks: the fleet's own repair takes a lease's time.
const QUIET: Duration = Duration::from_secs(20);

/// The providers that misbehave.
const TROUBLED: [Act; 4] = [Act::Email, Act::Sms, Act::Payments, Act::Service];

/// What is at the same time: until when each thing is taken.
struct Planner {
    topology: Topology,
    /// Until when no other server may take a primary's place.
    calm: Duration,
    dice: Dice,
    steps: Vec<Step>,
    places: [Duration; WORKERS],
    /// Whether a worker was killed.
    killed: bool,
    /// Until when a worker may be starting: one that finds no Redis then gives up, as it should.
    starts: Duration,
    redis: Duration,
    carriers: [Duration; CARRIERS],
    carrier_starts: Duration,
    postgres: Duration,
    app: Duration,
    sick: Duration,
    providers: [Duration; TROUBLED.len()],
}

impl Planner {
    fn shuffled(&mut self) -> Vec<Card> {
        let mut deck = DECK.to_vec();
        if self.topology != Topology::Single {
            deck.retain(|card| !OF_ONE.contains(card));
            deck.extend(OF_SEVERAL);
        }
        if self.topology == Topology::Cluster {
            deck.push(Card::MoveSlot);
        }
        for n in (1..deck.len()).rev() {
            deck.swap(n, self.dice.roll(n + 1));
        }
        deck
    }

    /// Plans a fault for this moment; `false` where it cannot be now.
    fn play(&mut self, card: Card, now: Duration, persistence: Persistence) -> bool {
        let place = self.free_place(now);
        match (card, place) {
            (Card::Kill, Some(place)) => self.kill(place, now),
            (Card::Deploy, Some(place)) => self.deploy(place, now),
            (Card::Freeze, Some(place)) => self.freeze(place, now),
            (Card::Kill | Card::Deploy | Card::Freeze, None) => return false,
            (Card::KillRedis | Card::FreezeRedis | Card::CutConnections, _)
                if self.redis > now || self.starts > now =>
            {
                return false;
            }
            // After it no worker may be killed for half of a short leg.
            (Card::KillRedis, _) if !self.killed => return false,
            (Card::KillRedis, _) => self.kill_redis(now, persistence),
            (Card::FreezeRedis, _) => {
                let span = self.between(500, 4000);
                self.at(now, RedisAction::Freeze);
                self.at(now + span, RedisAction::Thaw);
                self.redis = now + span;
            }
            (Card::CutConnections, _) => self.at(now, RedisAction::CutConnections),
            (
                Card::KillPrimary
                | Card::KillAhead
                | Card::FreezePrimary
                | Card::FailOver
                | Card::MoveSlot,
                _,
            ) => return self.replaced(card, now),
            (Card::KillCarrier | Card::FreezeCarrier, _) => return self.carrier(card, now),
            (Card::Postgres, _) => return self.postgres(now),
            (Card::App, _) => return self.app(now),
            (Card::Sick, _) => return self.sick(now),
            (Card::Provider, _) => return self.provider(now),
        }
        true
    }

    fn at(&mut self, at: Duration, action: impl Into<Action>) {
        let action = action.into();
        self.steps.push(Step { at, action });
    }

    fn between(&mut self, from: usize, to: usize) -> Duration {
        Duration::from_millis((from + self.dice.roll(to - from)) as u64)
    }
}

#[cfg(test)]
mod tests;
