//! What is tried: which servers, what happens to them, and what is promised.

use std::time::{Duration, Instant};

use longshore_client::Client;
use longshore_queue::{Link, LinkOptions, Queue};
use longshore_sandbox::{Fault, FaultRule, RedisCluster};
use longshore_tests::{NAMESPACE, Stage, gone_by};

use crate::place::Place;
use crate::producers::Producers;
use crate::report::{Outcome, look};

/// How many workers there are.
const WORKERS: usize = 4;
/// How long all is well at first.
const WELL: Duration = Duration::from_secs(10);
/// How long replicas lag behind, where they do.
const LAG: Duration = Duration::from_millis(600);
/// How long a frozen primary is away: longer than it takes to be replaced.
const FROZEN: Duration = Duration::from_secs(8);
/// How long writes are held: longer than until the old primary is told that it is none.
const HELD: Duration = Duration::from_secs(15);
/// How long a killed server is away, where it comes back.
const AWAY: Duration = Duration::from_secs(5);

/// What happens to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A replica takes the place of a primary that is well, and that holds writes meanwhile.
    Planned,
    /// It does not hold them.
    Unheld,
    /// The primary is killed, and comes back as a replica a while later.
    Killed,
    /// The replicas lack the last 0.6 s when it is killed.
    KilledAhead,
    /// The primary hangs until another has taken its place, and goes on: two primaries stand.
    Frozen,
}

/// Servers, what happens to them, and how sure producers want to be.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) cluster: bool,
    pub(crate) trouble: Trouble,
    /// `redis.wait_replicas`, for producers and workers.
    pub(crate) wait: u32,
}

const fn case(name: &'static str, cluster: bool, trouble: Trouble, wait: u32) -> Case {
    Case {
        name,
        cluster,
        trouble,
        wait,
    }
}

/// All of them.
pub(crate) const CASES: [Case; 14] = [
    case("sentinel-planned", false, Trouble::Planned, 0),
    case("sentinel-unheld", false, Trouble::Unheld, 0),
    case("sentinel-killed", false, Trouble::Killed, 0),
    case("sentinel-lagging", false, Trouble::KilledAhead, 0),
    case("sentinel-frozen", false, Trouble::Frozen, 0),
    case("sentinel-wait-killed", false, Trouble::Killed, 1),
    case("sentinel-wait-lagging", false, Trouble::KilledAhead, 1),
    case("sentinel-wait-frozen", false, Trouble::Frozen, 1),
    case("cluster-planned", true, Trouble::Planned, 0),
    case("cluster-killed", true, Trouble::Killed, 0),
    case("cluster-lagging", true, Trouble::KilledAhead, 0),
    case("cluster-frozen", true, Trouble::Frozen, 0),
    case("cluster-wait-killed", true, Trouble::Killed, 1),
    case("cluster-wait-frozen", true, Trouble::Frozen, 1),
];

impl Case {
    /// Tries it, with so many mails a second, for so many seconds after the fault.
    pub(crate) async fn run(&self, rate: u64, seconds: u64) -> Outcome {
        let mut place = match self.cluster {
            true => Place::cluster(slot_of_queue),
            false => Place::with_sentinels(),
        };
        let mut stage = Stage::set().await;
        stage.faults([FaultRule::always(Fault::Delay { ms: 40 })]);
        let link = Link::open_later(place.address(), LinkOptions::default()).expect("an address");
        let client = Client::connect(place.address(), NAMESPACE).expect("an address");
        stage.client = client.with_wait_replicas(self.wait);
        stage.queue = Queue::new(link, NAMESPACE, stage.act.queue()).expect("good names");
        let mut urls = String::new();
        for (name, value) in place.settings() {
            if name == "REDIS__URL" {
                urls.clone_from(&value);
            }
            stage.set_for_all(name, value);
        }
        stage.set_for_all("REDIS__WAIT_REPLICAS", self.wait.to_string());
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(stage.worker().by(&urls).start().await);
        }
        let began = Instant::now();
        let producers = Producers::start(stage.client.clone(), rate, began);
        gone_by(WELL, began).await;
        self.happens(&mut place).await;
        let after = WELL + Duration::from_secs(seconds);
        gone_by(after, began).await;
        let requests = producers.end().await;
        let mut ended = 0;
        for worker in &mut workers {
            ended += usize::from(worker.ended().is_some());
        }
        look(self, &stage, requests, began, ended).await
    }

    async fn happens(&self, place: &mut Place) {
        let since = Instant::now();
        let before = match place {
            Place::Sentinels(servers) => servers.primary().expect("there is one"),
            Place::Cluster(_, primary) => *primary,
        };
        match self.trouble {
            Trouble::Planned => {
                place.hold_writes(HELD).await;
                place.fail_over();
            }
            Trouble::Unheld => place.fail_over(),
            Trouble::Killed | Trouble::KilledAhead => {
                if self.trouble == Trouble::KilledAhead {
                    place.freeze_replicas();
                    gone_by(LAG, since).await;
                }
                let killed = Instant::now();
                place.server(before).kill();
                place.wake();
                place.replaced(before).await;
                gone_by(AWAY, killed).await;
                place.server(before).restart().expect("it comes back");
            }
            Trouble::Frozen => {
                place.server(before).pause().expect("it runs");
                gone_by(FROZEN, since).await;
                place.server(before).resume().expect("it runs");
            }
        }
    }
}

/// Where a cluster has the queue of the trial.
fn slot_of_queue(cluster: &RedisCluster) -> u16 {
    let slot = cluster.slot(&format!("{{{NAMESPACE}:email}}"));
    slot.expect("a node says")
}
