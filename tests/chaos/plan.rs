//! Which faults come when: a pure function of the seed, so that a run can be had again.

mod acts;
mod deck;
mod links;
mod providers;
mod redis;
mod rows;
mod workers;

use std::time::Duration;

use longshore_tests::{Act, Dice};

use crate::faults::{Action, Persistence, Step, Topology, Trouble};
use deck::Card;

/// How many workers there are beside the sick ones.
pub(crate) const WORKERS: usize = 4;

/// How many carriers bring rows of Postgres into the queue.
pub(crate) const CARRIERS: usize = 2;

/// How many of the workers reach Redis by a way that can be cut.
pub(crate) const LINKED: usize = 2;

/// The faults of one leg. In the last fifth of its time nothing new breaks.
///
/// They come from a deck that holds every sort that can be in the leg, and is shuffled anew when it is used up. The first one is the same
/// for all legs of a run, and each begins it at another place: so short legs meet all sorts together. One that cannot be at
/// its turn comes later.
pub(crate) fn plan(
    seed: u64,
    length: Duration,
    topology: Topology,
    persistence: Persistence,
) -> Vec<Step> {
    let mut planner = Planner::new(seed, length, topology, persistence);
    let mut now = Duration::from_secs(2);
    let last = length * 4 / 5;
    let mut deck = deck::first(seed, topology, persistence);
    while now < last {
        if deck.is_empty() {
            deck = planner.shuffled();
        }
        let possible = (0..deck.len()).find(|&n| planner.play(deck[n], now));
        match possible {
            Some(n) => drop(deck.remove(n)),
            // What is left cannot be for a while: the others go on.
            None => deck.extend(planner.shuffled()),
        }
        now += planner.between(500, 1500);
    }
    planner.steps.extend(acts::plan(seed, length, persistence));
    planner.steps.sort_by_key(|step| step.at);
    planner.steps
}

/// How long Sentinels begin no second failover: twice their `failover-timeout`, and a little.
const SENTINELS_CALM: Duration = Duration::from_secs(22);

/// How long a cluster has until the next failover, so that each primary has its replica again.
const CLUSTER_CALM: Duration = Duration::from_secs(12);

/// For how long no worker leaves after most rollbacks: the fleet's own repair takes a lease's time.
const QUIET: Duration = Duration::from_secs(20);

/// How long a process may take until it has found its Redis.
const STARTED: Duration = Duration::from_millis(1500);

/// The providers that misbehave.
pub(crate) const TROUBLED: [Act; 4] = [Act::Email, Act::Sms, Act::Payments, Act::Service];

/// What is at the same time: until when each thing is taken.
struct Planner {
    topology: Topology,
    persistence: Persistence,
    /// It is long enough for faults that are longer than a lease.
    long: bool,
    /// Until when no other server may take a primary's place.
    calm: Duration,
    dice: Dice,
    steps: Vec<Step>,
    places: [Duration; WORKERS],
    /// Whether a worker was killed.
    killed: bool,
    /// Until when a worker may be starting: one that finds no Redis then gives up, as it should.
    starts: Duration,
    /// Something is to befall Redis as soon as nobody is starting: nobody begins to.
    redis_is_next: bool,
    /// Something is to befall Redis as soon as all is repaired: it does not forget anything more until then.
    keeps_all: bool,
    /// From when on Redis may forget something: what must not come after that has its time before.
    may_forget: Duration,
    redis: Duration,
    /// Until when the fleet repairs what Redis forgot: what keeps workers from Redis meanwhile may double what was done, and so may a
    /// clock that jumps over the time that they are given.
    repaired: Duration,
    carriers: [Duration; CARRIERS],
    carrier_starts: Duration,
    postgres: Duration,
    app: Duration,
    sick: Duration,
    poor: Duration,
    providers: [Duration; TROUBLED.len()],
    /// What providers will do wrong, in this order, again and again.
    troubles: Vec<Trouble>,
    /// Until when Vault is sealed: no worker starts then.
    vault: Duration,
}

impl Planner {
    fn new(seed: u64, length: Duration, topology: Topology, persistence: Persistence) -> Self {
        Self {
            topology,
            persistence,
            long: length > Duration::from_secs(90),
            calm: Duration::ZERO,
            dice: Dice::of(seed ^ ((persistence as u64 + 1) << 56)),
            steps: Vec::new(),
            places: [Duration::ZERO; WORKERS],
            killed: false,
            starts: Duration::ZERO,
            redis_is_next: false,
            keeps_all: false,
            may_forget: length * 2 / 5,
            redis: Duration::ZERO,
            repaired: Duration::ZERO,
            carriers: [Duration::ZERO; CARRIERS],
            carrier_starts: Duration::ZERO,
            postgres: Duration::ZERO,
            app: Duration::ZERO,
            sick: Duration::ZERO,
            poor: Duration::ZERO,
            providers: [Duration::ZERO; TROUBLED.len()],
            troubles: deck::troubles(seed, topology, persistence),
            vault: Duration::ZERO,
        }
    }

    fn shuffled(&mut self) -> Vec<Card> {
        deck::shuffled(deck::cards(self.topology, self.persistence), &mut self.dice)
    }

    /// Plans a fault for this moment; `false` where it cannot be now.
    fn play(&mut self, card: Card, now: Duration) -> bool {
        if self.redis_is_next && card.starts_somebody() {
            return false;
        }
        match card {
            Card::Kill | Card::Deploy | Card::StopBy(_) | Card::Freeze | Card::FillOutput => {
                let Some(place) = self.free_place(now) else {
                    return false;
                };
                self.worker(card, place, now);
                true
            }
            Card::RollingDeploy => self.rolling_deploy(now),
            Card::Sick => self.sick(now),
            Card::Poor => self.poor(now),
            Card::KillRedis | Card::FreezeRedis | Card::CutConnections => self.stops(card, now),
            Card::Refuse(_) | Card::SetClock | Card::Rollback => self.misbehaves(card, now),
            Card::KillPrimary
            | Card::KillAhead
            | Card::FreezePrimary
            | Card::FailOver
            | Card::MoveSlot => self.replaced(card, now),
            Card::KillCarrier | Card::FreezeCarrier => self.carrier(card, now),
            Card::Postgres => self.postgres(now),
            Card::App => self.app(now),
            Card::Provider => self.provider(now),
            Card::LinkRedis(line) => self.link_to_redis(line, now),
            Card::LinkProvider(line) => self.link_to_provider(line, now),
            Card::Vault => self.vault(now),
        }
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
