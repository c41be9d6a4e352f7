//! The sorts of faults, which of them can be in a leg, and in which order they come first.

use std::time::Duration;

use longshore_tests::{Dice, Line};

use crate::faults::{Persistence, Refusal, Signals, Topology, Trouble};

/// A sort of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Card {
    Kill,
    Deploy,
    StopBy(Signals),
    RollingDeploy,
    Freeze,
    FillOutput,
    Sick,
    Poor,
    KillRedis,
    FreezeRedis,
    CutConnections,
    Refuse(Refusal),
    SetClock,
    Rollback,
    KillPrimary,
    KillAhead,
    FreezePrimary,
    FailOver,
    MoveSlot,
    KillCarrier,
    FreezeCarrier,
    Postgres,
    App,
    Provider,
    LinkRedis(Line),
    LinkProvider(Line),
    Vault,
}

impl Card {
    /// Whether it has a process started that gives up where there is no Redis.
    pub(super) fn starts_somebody(self) -> bool {
        matches!(
            self,
            Self::Kill
                | Self::Deploy
                | Self::StopBy(_)
                | Self::RollingDeploy
                | Self::Sick
                | Self::Poor
                | Self::KillCarrier
        )
    }
}

/// Gives an order of the first deck by which the short legs of the run in CI, seed 1, meet every sort. A test says whether it does.
const ORDER: u64 = 21;

/// What a way between processes may become, but for being open.
pub(super) const LINES: [Line; 5] = [
    Line::Down,
    Line::Refused,
    Line::Silent,
    Line::Slow(Duration::from_millis(300)),
    Line::Narrow(2000),
];

/// What can be everywhere.
const ALWAYS: [Card; 21] = [
    Card::Kill,
    Card::Kill,
    Card::Deploy,
    Card::StopBy(Signals::Terms),
    Card::StopBy(Signals::InterruptThenTerm),
    Card::RollingDeploy,
    Card::Freeze,
    Card::FillOutput,
    Card::Sick,
    Card::Poor,
    Card::CutConnections,
    Card::Refuse(Refusal::Full),
    Card::Refuse(Refusal::NoReplicas),
    Card::KillCarrier,
    Card::FreezeCarrier,
    Card::Postgres,
    Card::App,
    Card::Provider,
    Card::Provider,
    Card::Provider,
    Card::Vault,
];

/// What happens to one server alone: others have replicas, which follow, or are reached by addresses that they say themselves.
const OF_ONE: [Card; 5] = [
    Card::KillRedis,
    Card::FreezeRedis,
    Card::Refuse(Refusal::ReadOnly),
    Card::SetClock,
    Card::Provider,
];

/// What happens where there are replicas; a cluster's slots move as well.
const OF_SEVERAL: [Card; 4] = [
    Card::KillPrimary,
    Card::KillAhead,
    Card::FreezePrimary,
    Card::FailOver,
];

/// All that can be in a leg.
pub(super) fn cards(topology: Topology, persistence: Persistence) -> Vec<Card> {
    let mut cards = all(topology);
    cards.retain(|card| is_possible(*card, persistence));
    cards
}

/// All that can be in some leg of a run.
fn all(topology: Topology) -> Vec<Card> {
    let mut cards = ALWAYS.to_vec();
    match topology {
        Topology::Single => {
            cards.extend(OF_ONE);
            cards.extend(LINES.map(Card::LinkRedis));
            cards.extend([
                Card::Refuse(Refusal::NoSnapshot),
                Card::Refuse(Refusal::FullDisk),
                Card::Rollback,
            ]);
        }
        Topology::Sentinel => cards.extend(OF_SEVERAL),
        Topology::Cluster => {
            cards.extend(OF_SEVERAL);
            cards.push(Card::MoveSlot);
        }
    }
    cards.extend(LINES.map(Card::LinkProvider));
    cards
}

fn is_possible(card: Card, persistence: Persistence) -> bool {
    match card {
        // A Redis that writes each change before it answers ends when it cannot.
        Card::Refuse(Refusal::FullDisk) => persistence == Persistence::EverySecond,
        Card::Refuse(Refusal::NoSnapshot) => persistence != Persistence::Snapshots,
        Card::Rollback => persistence == Persistence::Snapshots,
        _ => true,
    }
}

/// The first deck of a leg: that of the run, begun at the leg's own place. What no other leg can have comes before all.
pub(super) fn first(seed: u64, topology: Topology, persistence: Persistence) -> Vec<Card> {
    let mut cards = shuffled(all(topology), &mut Dice::of(seed ^ ORDER));
    turn(&mut cards, topology, persistence);
    cards.retain(|card| is_possible(*card, persistence));
    let others = topology.legs().iter().filter(|leg| **leg != persistence);
    let its_own = |card: &Card| !others.clone().any(|leg| is_possible(*card, *leg));
    cards.sort_by_key(|card| !its_own(card));
    cards
}

/// What providers do wrong, in an order whose first ones are others in each leg.
pub(super) fn troubles(seed: u64, topology: Topology, persistence: Persistence) -> Vec<Trouble> {
    let mut troubles = shuffled(Trouble::ALL.to_vec(), &mut Dice::of(!seed));
    turn(&mut troubles, topology, persistence);
    troubles
}

fn turn<T>(all: &mut [T], topology: Topology, persistence: Persistence) {
    let legs = topology.legs();
    let place = legs.iter().position(|leg| *leg == persistence);
    all.rotate_left(place.unwrap_or(0) * all.len() / legs.len());
}

pub(super) fn shuffled<T>(mut all: Vec<T>, dice: &mut Dice) -> Vec<T> {
    for n in (1..all.len()).rev() {
        all.swap(n, dice.roll(n + 1));
    }
    all
}
