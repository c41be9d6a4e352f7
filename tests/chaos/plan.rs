//! Which faults come when: a pure function of the seed, so that a run can be had again.

use std::time::Duration;

use longshore_tests::{Act, Dice};

use crate::faults::{Action, AppTrouble, Persistence, Step, Topology, Trouble};

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
                self.at(now, Action::FreezeRedis);
                self.at(now + span, Action::ThawRedis);
                self.redis = now + span;
            }
            (Card::CutConnections, _) => self.at(now, Action::CutConnections),
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

    fn at(&mut self, at: Duration, action: Action) {
        self.steps.push(Step { at, action });
    }

    fn between(&mut self, from: usize, to: usize) -> Duration {
        Duration::from_millis((from + self.dice.roll(to - from)) as u64)
    }

    fn free_place(&mut self, now: Duration) -> Option<usize> {
        let first = self.dice.roll(WORKERS);
        let mut places = (0..WORKERS).map(|n| (first + n) % WORKERS);
        places.find(|place| self.places[*place] <= now)
    }

    /// A worker can only be started where Redis answers.
    fn start(&mut self, place: usize, at: Duration) {
        let at = at.max(self.redis + Duration::from_millis(500));
        self.places[place] = at + Duration::from_secs(1);
        self.starts = self.starts.max(at + Duration::from_secs(2));
        self.at(at, Action::StartWorker(place));
    }

    fn kill(&mut self, place: usize, now: Duration) {
        self.killed = true;
        self.at(now, Action::KillWorker(place));
        let back = now + self.between(100, 1000);
        self.start(place, back);
    }

    fn deploy(&mut self, place: usize, now: Duration) {
        self.at(now, Action::StopWorker(place));
        let back = now + self.between(100, 500);
        self.start(place, back);
    }

    fn freeze(&mut self, place: usize, now: Duration) {
        // Longer than a lease, every second time.
        let span = match self.dice.roll(2) {
            0 => self.between(500, 6000),
            _ => self.between(16_000, 20_000),
        };
        self.places[place] = now + span + Duration::from_secs(1);
        self.at(now, Action::FreezeWorker(place));
        self.at(now + span, Action::ThawWorker(place));
    }

    fn kill_redis(&mut self, now: Duration, persistence: Persistence) {
        let mut kill = now;
        if persistence == Persistence::Snapshots {
            self.at(now, Action::Save);
            kill += self.between(200, 2500);
        }
        let back = kill + self.between(100, 3000);
        self.at(kill, Action::KillRedis);
        self.at(back, Action::StartRedis);
        self.redis = back;
        // What Redis forgets its living workers know, so mostly they live on: then nothing has an excuse.
        if persistence == Persistence::Snapshots && self.dice.roll(3) > 0 {
            for place in &mut self.places {
                *place = (*place).max(back + QUIET);
            }
        }
    }

    /// Another server takes a primary's place, or one of its slots.
    fn replaced(&mut self, card: Card, now: Duration) -> bool {
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
                    self.at(now, Action::FreezeReplicas);
                    kill += self.between(300, 1000);
                }
                let back = kill + self.between(5000, 8000);
                self.at(kill, Action::KillPrimary(which));
                self.at(back, Action::StartKilled);
                self.redis = back + seconds(1);
            }
            Card::FreezePrimary => {
                // Long enough to be replaced, every second time.
                let thaw = now + self.between(500, 6000);
                self.at(now, Action::FreezePrimary(which));
                self.at(thaw, Action::ThawPrimary);
                self.redis = thaw + seconds(5);
            }
            Card::FailOver => {
                self.at(now, Action::FailOver(which));
                self.redis = now + seconds(6);
            }
            _ => {
                self.at(now, Action::MoveSlot(which));
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

    fn carrier(&mut self, card: Card, now: Duration) -> bool {
        let carriers = self.carriers.iter();
        let Some(place) = carriers.clone().position(|until| *until <= now) else {
            return false;
        };
        let end = match card {
            Card::KillCarrier => {
                let back = now + self.between(100, 1000);
                // It can only be started where Redis and Postgres answer.
                let back = back.max(self.redis.max(self.postgres) + Duration::from_millis(500));
                self.at(now, Action::KillCarrier(place));
                self.at(back, Action::StartCarrier(place));
                self.carrier_starts = back + Duration::from_secs(2);
                self.starts = self.starts.max(self.carrier_starts);
                back
            }
            _ => {
                // Longer than Redis may take for an answer, now and then.
                let back = now + self.between(500, 8000);
                self.at(now, Action::FreezeCarrier(place));
                self.at(back, Action::ThawCarrier(place));
                back
            }
        };
        self.carriers[place] = end + Duration::from_secs(1);
        true
    }

    fn postgres(&mut self, now: Duration) -> bool {
        if self.postgres > now || self.carrier_starts > now {
            return false;
        }
        let back = now + self.between(100, 3000);
        self.at(now, Action::KillPostgres);
        self.at(back, Action::StartPostgres);
        self.postgres = back;
        true
    }

    fn app(&mut self, now: Duration) -> bool {
        if self.app > now {
            return false;
        }
        let trouble = AppTrouble::ALL[self.dice.roll(AppTrouble::ALL.len())];
        self.app = now + self.between(1000, 6000);
        self.at(now, Action::BeginApp(trouble));
        self.at(self.app, Action::MendApp);
        true
    }

    fn sick(&mut self, now: Duration) -> bool {
        if self.sick > now || self.redis > now {
            return false;
        }
        let span = self.between(3000, 8000);
        self.at(now, Action::StartSickWorker);
        self.at(now + span, Action::StopSickWorker);
        self.sick = now + span;
        self.starts = self.starts.max(now + Duration::from_secs(2));
        true
    }

    fn provider(&mut self, now: Duration) -> bool {
        let which = self.dice.roll(TROUBLED.len());
        if self.providers[which] > now {
            return false;
        }
        let trouble = Trouble::ALL[self.dice.roll(Trouble::ALL.len())];
        let span = self.between(1000, 5000);
        self.providers[which] = now + span;
        self.at(now, Action::Begin(TROUBLED[which], trouble));
        self.at(now + span, Action::Mend(TROUBLED[which]));
        true
    }
}

#[cfg(test)]
mod tests;
