//! Several servers of Redis, and what is done to them: who copies whom changes meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_client::Client;
use longshore_queue::{Link, LinkOptions, Queue};
use longshore_sandbox::RedisServer;
use longshore_tests::{NAMESPACE, Place, Stage};

use crate::facts::{Facts, Forgotten};
use crate::faults::{Persistence, ServersAction, Topology};
use crate::leg::ACTS;
use crate::produce::now_ms;

/// How long a write may be on its way to a replica that keeps up, on a machine that is busy.
const ON_ITS_WAY_MS: u64 = 1000;

/// How long one that went on may take jobs on though another one has its place: `min-replicas-max-lag`, and in a cluster less.
const TWO_PRIMARIES_MS: u64 = 5000;

/// How long writes are held: longer than until the old primary is told that it is none.
const HELD: Duration = Duration::from_secs(15);

/// The servers of a leg.
#[derive(Debug)]
pub(crate) struct Servers {
    place: Place,
    /// The slots of the queues, where they may move.
    slots: Vec<u16>,
    waited: bool,
    /// Since when replicas copy nothing.
    behind_since_ms: Option<u64>,
    killed: Option<usize>,
    /// Who is frozen, and since when.
    frozen: Option<(usize, u64)>,
}

impl Servers {
    /// Starts them, and has the stage use them. `None` where Redis is the stage's own.
    pub(crate) async fn start(
        stage: &mut Stage,
        topology: Topology,
        persistence: Persistence,
    ) -> Option<Self> {
        let key = |queue: &str| format!("{{{NAMESPACE}:{queue}}}");
        let (place, mut slots) = match topology {
            Topology::Single => return None,
            Topology::Sentinel => (Place::with_sentinels(), Vec::new()),
            Topology::Cluster => (Place::cluster(|_| 0), Vec::new()),
        };
        if let Place::Cluster(nodes, _) = &place {
            let queues = ACTS.iter().map(|act| act.queue()).chain(["events"]);
            slots.extend(queues.map(|queue| nodes.slot(&key(queue)).expect("a node says")));
            // Each primary has some of the queues.
            for (number, slot) in slots.iter().enumerate() {
                let (from, to) = (place.owner(*slot).await, number % 3);
                if from != to {
                    place.move_slot(*slot, from, to).await;
                }
            }
        }
        let waited = persistence == Persistence::Waited;
        let replicas = if waited { topology.replicas() } else { 0 };
        for (name, value) in place.settings() {
            stage.set_for_all(name, value);
        }
        stage.set_for_all("REDIS__WAIT_REPLICAS", replicas.to_string());
        let link = Link::open_later(place.address(), LinkOptions::default()).expect("an address");
        let client = Client::connect(place.address(), NAMESPACE).expect("an address");
        stage.client = client.with_wait_replicas(replicas);
        stage.queue = Queue::new(link, NAMESPACE, stage.act.queue()).expect("good names");
        Some(Self {
            place,
            slots,
            waited,
            behind_since_ms: None,
            killed: None,
            frozen: None,
        })
    }

    /// Where each of them is.
    pub(crate) fn urls(&self) -> Vec<String> {
        let servers = self.place.servers().iter();
        servers.map(RedisServer::url).collect()
    }

    /// Does it, and notes what may be lost by it.
    pub(crate) async fn carry_out(
        &mut self,
        action: ServersAction,
        facts: &mut Facts,
        counts: &mut BTreeMap<&'static str, usize>,
    ) {
        let mut count = |what| *counts.entry(what).or_default() += 1;
        match action {
            ServersAction::FreezeReplicas => {
                count("lags of replicas");
                self.behind_since_ms = Some(now_ms());
                self.place.freeze_all_replicas().await;
            }
            ServersAction::KillPrimary(which) => {
                count("primaries killed");
                let primary = self.primary(which).await;
                self.place.server(primary).kill();
                self.place.wake();
                self.killed = Some(primary);
                let behind = self.behind_since_ms.take().unwrap_or_else(now_ms);
                self.may_be_lost(facts, behind, now_ms());
            }
            ServersAction::StartKilled => {
                if let Some(killed) = self.killed.take() {
                    self.place.server(killed).restart().expect("it comes back");
                }
                back(facts);
            }
            ServersAction::FreezePrimary(which) => {
                count("primaries frozen");
                let primary = self.primary(which).await;
                self.place.server(primary).pause().expect("it runs");
                self.frozen = Some((primary, now_ms()));
            }
            ServersAction::ThawPrimary => {
                if let Some((primary, since_ms)) = self.frozen.take() {
                    self.place.server(primary).resume().expect("it runs");
                    self.may_be_lost(facts, since_ms, now_ms() + TWO_PRIMARIES_MS);
                    back(facts);
                }
            }
            ServersAction::FailOver(which) => {
                let primary = self.primary(which).await;
                self.place.hold_writes(HELD).await;
                match self.place.fail_over_from(primary) {
                    Ok(()) => count("failovers asked for"),
                    Err(_) => {
                        count("failovers refused");
                        self.place.release_writes().await;
                    }
                }
            }
            ServersAction::MoveSlot(which) => self.move_slot(which, &mut count).await,
        }
    }

    async fn primary(&self, which: usize) -> usize {
        let primaries = self.place.primaries().await;
        primaries[which % primaries.len()]
    }

    async fn move_slot(&self, which: usize, count: &mut impl FnMut(&'static str)) {
        let Place::Cluster(..) = &self.place else {
            return;
        };
        let slot = self.slots[which % self.slots.len()];
        let from = self.place.owner(slot).await;
        let others = self.place.primaries().await.into_iter();
        let others: Vec<_> = others.filter(|place| *place != from).collect();
        let to = others[which % others.len()];
        count("slots moved");
        self.place.move_slot(slot, from, to).await;
    }

    fn may_be_lost(&self, facts: &mut Facts, since_ms: u64, until_ms: u64) {
        facts.forgotten.push(Forgotten {
            from_ms: since_ms - ON_ITS_WAY_MS,
            killed_ms: until_ms,
            back_ms: until_ms,
            keeps_accepted: self.waited,
        });
    }
}

/// The last one that was away is back.
fn back(facts: &mut Facts) {
    if let Some(forgotten) = facts.forgotten.last_mut() {
        forgotten.back_ms = forgotten.back_ms.max(now_ms());
    }
}
