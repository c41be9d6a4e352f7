//! What is tried: which servers, what happens to them, and what is promised.

use std::time::{Duration, Instant};

use longshore_client::Client;
use longshore_queue::{Link, LinkOptions, Queue};
use longshore_sandbox::{Fault, FaultRule, RedisCluster};
use longshore_tests::{Act, Authority, Line, NAMESPACE, Place, Stage, User, Wire, gone_by};

use crate::one;
use crate::producers::Producers;
use crate::report::{Outcome, look, most_connections};

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
/// How long mails are enqueued at least once it is over: else no caller may see the gap's end.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// Which servers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Servers {
    /// One.
    One,
    /// A primary, two replicas, three Sentinels.
    Sentinels,
    /// Three primaries and a replica of each.
    Cluster,
}

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
    /// It lacks replicas, and takes no writes.
    WithoutReplicas,
    /// Its node of the cluster sees no other, and takes nothing.
    Minority,
    /// Half of the workers and producers reach it no more, and the others do.
    Cut(Line),
    /// It takes fewer connections than there are.
    Crowded,
    /// It is started again, and reads its data for seconds.
    Loads,
}

/// Servers, what happens to them, and how sure producers want to be.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) servers: Servers,
    pub(crate) trouble: Trouble,
    /// `redis.wait_replicas`, for producers and workers.
    pub(crate) wait: u32,
    /// By TLS with an authority of one's own and certificates of clients, for the users of `users.acl`.
    pub(crate) secured: bool,
}

const fn case(name: &'static str, servers: Servers, trouble: Trouble, wait: u32) -> Case {
    Case {
        name,
        servers,
        trouble,
        wait,
        secured: false,
    }
}

const fn secured(name: &'static str, servers: Servers) -> Case {
    Case {
        secured: true,
        ..case(name, servers, Trouble::Killed, 1)
    }
}

/// What each call takes longer by a slow network, there and back.
const SLOW: Line = Line::Slow(Duration::from_millis(150));

/// All of them.
pub(crate) const CASES: [Case; 23] = [
    case("sentinel-planned", Servers::Sentinels, Trouble::Planned, 0),
    case("sentinel-unheld", Servers::Sentinels, Trouble::Unheld, 0),
    case("sentinel-killed", Servers::Sentinels, Trouble::Killed, 0),
    case(
        "sentinel-lagging",
        Servers::Sentinels,
        Trouble::KilledAhead,
        0,
    ),
    case("sentinel-frozen", Servers::Sentinels, Trouble::Frozen, 0),
    case(
        "sentinel-noreplicas",
        Servers::Sentinels,
        Trouble::WithoutReplicas,
        0,
    ),
    case(
        "sentinel-wait-killed",
        Servers::Sentinels,
        Trouble::Killed,
        1,
    ),
    case(
        "sentinel-wait-lagging",
        Servers::Sentinels,
        Trouble::KilledAhead,
        1,
    ),
    case(
        "sentinel-wait-frozen",
        Servers::Sentinels,
        Trouble::Frozen,
        1,
    ),
    case("cluster-planned", Servers::Cluster, Trouble::Planned, 0),
    case("cluster-killed", Servers::Cluster, Trouble::Killed, 0),
    case("cluster-lagging", Servers::Cluster, Trouble::KilledAhead, 0),
    case("cluster-frozen", Servers::Cluster, Trouble::Frozen, 0),
    case("cluster-minority", Servers::Cluster, Trouble::Minority, 0),
    case("cluster-wait-killed", Servers::Cluster, Trouble::Killed, 1),
    case("cluster-wait-frozen", Servers::Cluster, Trouble::Frozen, 1),
    secured("sentinel-secured-killed", Servers::Sentinels),
    secured("cluster-secured-killed", Servers::Cluster),
    case("network-cut", Servers::One, Trouble::Cut(Line::Down), 0),
    case(
        "network-silent",
        Servers::One,
        Trouble::Cut(Line::Silent),
        0,
    ),
    case("network-slow", Servers::One, Trouble::Cut(SLOW), 0),
    case("maxclients", Servers::One, Trouble::Crowded, 0),
    case("loading", Servers::One, Trouble::Loads, 0),
];

impl Case {
    /// Tries it, with so many mails a second, for so many seconds after the fault.
    pub(crate) async fn run(&self, rate: u64, seconds: u64) -> Outcome {
        let authority = Authority::new();
        let mut place = match (self.servers, self.secured) {
            (Servers::One, _) => None,
            (Servers::Sentinels, false) => Some(Place::with_sentinels()),
            (Servers::Sentinels, true) => Some(Place::secured_sentinels(&authority)),
            (Servers::Cluster, false) => Some(Place::cluster(slot_of_queue)),
            (Servers::Cluster, true) => Some(Place::secured_cluster(&authority, slot_of_queue)),
        };
        let mut stage = Stage::set_on(one::server(self.trouble), Act::Email).await;
        stage.faults([FaultRule::always(Fault::Delay { ms: 40 })]);
        let wire = match self.trouble {
            Trouble::Cut(_) => Some(Wire::to(stage.redis.port()).await),
            _ => None,
        };
        if let Some(place) = &place {
            self.use_place(&mut stage, place, &authority);
        }
        let mut workers = Vec::new();
        for number in 0..WORKERS {
            let start = stage.worker();
            let start = match (&wire, &place) {
                (Some(wire), _) if number < WORKERS / 2 => start.by(wire.url()),
                _ => start,
            };
            workers.push(start.start().await);
        }
        let began = Instant::now();
        let mut producers = Vec::new();
        if let Some(wire) = &wire {
            let url = User::Producer.at(&wire.url());
            let client = Client::in_namespace(&url, NAMESPACE).expect("an address");
            producers.push(Producers::start(client, rate / 2, began));
        }
        let rest = rate - rate / 2 * producers.len() as u64;
        producers.push(Producers::start(stage.client.clone(), rest, began));
        gone_by(WELL, began).await;
        let connections = most_connections(stage.queue.link()).await;
        let wrong = match &mut place {
            Some(place) => self.happens(place).await,
            None => one::happens(self.trouble, &mut stage, wire.as_ref(), &workers).await,
        };
        let after = WELL + Duration::from_secs(seconds);
        gone_by(after.max(began.elapsed() + AFTERWARDS), began).await;
        let mut requests = Vec::new();
        for producers in producers {
            requests.extend(producers.end().await);
        }
        let mut ended = 0;
        for worker in &mut workers {
            ended += usize::from(worker.ended().is_some());
        }
        let mut outcome = look(self, &stage, requests, began, ended).await;
        outcome.connections = connections;
        outcome.wrong = wrong;
        if wire.is_some() {
            outcome.after_the_fence(&stage, began, WELL + one::FENCED);
        }
        outcome
    }

    fn use_place(&self, stage: &mut Stage, place: &Place, authority: &Authority) {
        let address = |user| match self.secured {
            true => place.secured_address(user, authority),
            false => place.address(),
        };
        let link = Link::open_later(address(User::Operator), LinkOptions::default());
        let link = link.expect("an address");
        let client = Client::connect(address(User::Producer), NAMESPACE).expect("an address");
        stage.client = client.with_wait_replicas(self.wait);
        stage.queue = Queue::new(link, NAMESPACE, stage.act.queue()).expect("good names");
        let settings = match self.secured {
            true => place.secured_settings(User::Worker, authority),
            false => place.settings(),
        };
        for (name, value) in settings {
            stage.set_for_all(name, value);
        }
        stage.set_for_all("REDIS__WAIT_REPLICAS", self.wait.to_string());
    }

    /// Does it to several servers. Returns what did not come as it was to.
    async fn happens(&self, place: &mut Place) -> Vec<String> {
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
            Trouble::WithoutReplicas => {
                place.freeze_replicas();
                gone_by(FROZEN, since).await;
                place.wake();
                return one::not_said(&place.server(before).url(), "NOREPLICAS").await;
            }
            Trouble::Minority => {
                let others = (0..place.servers().len()).filter(|other| other % 3 != before % 3);
                let others: Vec<_> = others.collect();
                for other in &others {
                    place.server(*other).pause().expect("it runs");
                }
                gone_by(FROZEN, since).await;
                place.wake();
                return one::not_said(&place.server(before).url(), "CLUSTERDOWN").await;
            }
            Trouble::Cut(_) | Trouble::Crowded | Trouble::Loads => {}
        }
        Vec::new()
    }
}

/// Where a cluster has the queue of the trial.
fn slot_of_queue(cluster: &RedisCluster) -> u16 {
    let slot = cluster.slot(&format!("{{{NAMESPACE}:email}}"));
    slot.expect("a node says")
}
