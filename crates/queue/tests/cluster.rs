//! Redis as a cluster: calls go to the node that has the slot, also while that moves.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    Address, Claimed, Fate, JobFilter, JobState, Key, KeyScan, Lease, Link, LinkOptions, NewJob,
    Queue, QueueError, ScanFor, Selection, WorkerFacts, WorkerId,
};
use longshore_sandbox::RedisCluster;

use support::{LOST, RETENTION, STALE, done, job, kari, raw, refused, verdict};

fn open(cluster: &RedisCluster) -> Link {
    // The others are found.
    let address = Address::new(cluster.nodes[0].url()).of_cluster();
    Link::open_later(address, LinkOptions::default()).expect("the address is good")
}

async fn set(link: &Link, key: &str, value: usize) -> Result<(), QueueError> {
    link.command(redis::cmd("SET").arg(key).arg(value)).await
}

async fn get(link: &Link, key: &str) -> Result<Option<usize>, QueueError> {
    link.command(redis::cmd("GET").arg(key)).await
}

async fn slot(link: &Link, key: &str) -> u16 {
    let mut ask = redis::cmd("CLUSTER");
    ask.arg("KEYSLOT").arg(key);
    link.command(&ask).await.expect("says")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_is_followed_while_it_moves_and_after() {
    let cluster = RedisCluster::start(3).expect("a cluster");
    let link = open(&cluster);
    let other = open(&cluster);
    for n in 0..60 {
        set(&link, &format!("{{a{n}}}k"), n).await.expect("is set");
        let found = get(&other, &format!("{{a{n}}}k")).await.expect("is read");
        assert_eq!(found, Some(n));
    }
    for key in ["{a7}x", "{a7}y", "{a7}z"] {
        set(&link, key, 1).await.expect("is set");
    }
    let moving = slot(&link, "{a7}k").await;
    let from = usize::from(moving / 16384_u16.div_ceil(3));
    let between = || {
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for key in ["{a7}k", "{a7}x", "{a7}y", "{a7}z"] {
                    assert!(
                        get(&link, key).await.expect("is asked for").is_some(),
                        "{key}"
                    );
                }
                set(&link, "{a7}new", 7)
                    .await
                    .expect("is set where it goes");
                let mut both = redis::cmd("EXISTS");
                both.arg("{a7}k")
                    .arg("{a7}x")
                    .arg("{a7}y")
                    .arg("{a7}z")
                    .arg("{a7}none");
                let split = link.command::<u8>(&both).await.expect_err("they are apart");
                assert!(
                    split.may_pass() && split.to_string().contains("TRYAGAIN"),
                    "{split}"
                );
            });
        });
    };
    cluster
        .migrate(moving, from, (from + 1) % 3, between)
        .expect("moves");
    for link in [&link, &other, &link.another(LinkOptions::default())] {
        assert_eq!(get(link, "{a7}new").await.expect("is followed"), Some(7));
        assert_eq!(get(link, "{a7}k").await.expect("is followed"), Some(7));
    }
}

#[tokio::test]
async fn queues_of_all_nodes_are_found_and_a_node_that_is_away_takes_only_its_own() {
    let mut cluster = RedisCluster::start(3).expect("a cluster");
    let link = open(&cluster);
    let names = ["email", "sms", "geocode"];
    let queue = |name| Queue::new(link.clone(), "longshore", name).expect("good names");
    for name in names {
        queue(name).enqueue(&[job()]).await.expect("is taken");
    }
    let mut scan = KeyScan::new("longshore", ScanFor::Strays);
    scan.walk(&link, Duration::from_secs(10))
        .await
        .expect("walks");
    let found: BTreeSet<&str> = scan.queues.iter().map(String::as_str).collect();
    assert_eq!(found, BTreeSet::from(names));
    assert_eq!(scan.strays.len(), 0, "{:?}", scan.strays);

    // That of `geocode`.
    cluster.nodes[0].kill();
    let away = queue("geocode")
        .enqueue(&[job()])
        .await
        .expect_err("its node is away");
    assert!(away.may_pass(), "{away}");
    for name in ["email", "sms"] {
        queue(name).enqueue(&[job()]).await.expect("is taken");
    }
}

fn keyed(name: &str) -> NewJob {
    NewJob {
        key: Some(Key::new("send_email", name)),
        ..job()
    }
}

/// A queue in which each kind of thing stands.
struct Moving {
    queue: Queue,
    worker: Lease,
    /// To complete, to try again, to die and to park.
    running: Vec<Claimed>,
    /// One that waits, one that is dead; each has a key.
    waiting: JobId,
    dead: JobId,
    group: Selection,
    replay: JobId,
    cancel: JobId,
    new: NewJob,
}

impl Moving {
    async fn new(link: Link) -> Self {
        let queue = Queue::new(link, "t", "email").expect("good names");
        let worker = Lease::new(WorkerId::generate("w"));
        queue.join(&worker, STALE).await.expect("joins");
        let enqueue = async |names: &[&str]| {
            let jobs: Vec<NewJob> = names.iter().map(|name| keyed(name)).collect();
            queue.enqueue(&jobs).await.expect("enqueues")
        };
        let claim = async |want| queue.claim(&worker, want, None).await.expect("claims").jobs;
        enqueue(&["dies", "dies_too", "parks"]).await;
        let jobs = claim(3).await;
        let kind = "send_fax".to_owned();
        let fates = [refused("400"), refused("400"), Fate::Parked { kind }];
        let verdicts = jobs.iter().zip(fates).map(|(job, fate)| verdict(job, fate));
        let verdicts: Vec<_> = verdicts.collect();
        queue.settle(&verdicts, RETENTION).await.expect("settles");
        let group = queue.dead_groups().await.expect("lists").remove(0).id;
        enqueue(&["r1", "r2", "r3", "r4"]).await;
        let running = claim(4).await;
        let waiting = enqueue(&["waits"]).await[0].id;
        Self {
            dead: jobs[0].id.job_id().expect("an id"),
            queue,
            worker,
            running,
            waiting,
            group: Selection::Group(group),
            replay: JobId::generate(),
            cancel: JobId::generate(),
            new: keyed("new"),
        }
    }

    /// What stands in the slot, by node and key.
    async fn all(&self, nodes: &[Link]) -> BTreeMap<(usize, Vec<u8>), Vec<u8>> {
        let mut found = BTreeMap::new();
        for (n, node) in nodes.iter().enumerate() {
            let mut list = redis::cmd("KEYS");
            list.arg("{t:email}*");
            let keys: Vec<Vec<u8>> = node.command(&list).await.expect("lists");
            for key in keys {
                let mut dump = redis::pipe();
                dump.cmd("ASKING").ignore().cmd("DUMP").arg(&key);
                let (value,): (Vec<u8>,) = node.pipeline(&dump).await.expect("reads");
                found.insert((n, key), value);
            }
        }
        found
    }

    /// Does all that is done to a queue. What is refused may pass, and has changed nothing. Returns how often.
    async fn everything(&self, nodes: &[Link]) -> usize {
        let Self { queue, worker, .. } = self;
        let mut refused_so_often = 0;
        macro_rules! see {
            ($($call:expr,)+) => {$(
                let before = self.all(nodes).await;
                if let Err(error) = $call.await {
                    let what = stringify!($call);
                    assert!(error.may_pass(), "{what}: {error}");
                    assert!(self.all(nodes).await == before, "{what} has changed something");
                    refused_so_often += 1;
                }
            )+};
        }
        let facts = WorkerFacts {
            kinds: vec!["send_fax".to_owned()],
            ..WorkerFacts::default()
        };
        let kind = "send_fax".to_owned();
        let after = Duration::from_secs(60);
        let fates = [
            done(),
            Fate::Retry { after },
            refused("400"),
            Fate::Parked { kind },
        ];
        for (job, fate) in self.running.iter().zip(fates) {
            let verdict = [verdict(job, fate)];
            see!(queue.settle(&verdict, RETENTION),);
        }
        let (dead, waiting) = ([raw(self.dead)], [raw(self.waiting)]);
        let hour = Duration::from_secs(3600);
        let (kari, filter) = (kari(), JobFilter::default());
        see!(
            queue.enqueue(std::slice::from_ref(&self.new)),
            queue.beat(worker, STALE, 5, 0),
            queue.announce(worker, &facts),
            queue.sweep(worker, LOST),
            queue.bury_parked(worker, hour, "why"),
            queue.dead_groups(),
            queue.dead_letters(&self.group, None, 10),
            queue.discard(&dead, &kari),
            queue.begin_replay(self.replay, &self.group, None, &kari),
            queue.advance_operations(),
            queue.cancel(&waiting, false, &kari),
            queue.begin_cancel(self.cancel, &filter, 1, false, &kari),
            queue.advance_operations(),
            queue.operations(),
            queue.stats(),
            queue.job(&waiting[0]),
            queue.cache("k", b"v", hour),
            queue.prune(RETENTION),
        );
        refused_so_often
    }
}

/// A cluster knows by the keys that a script is given where it may run. So while they are on two nodes it is refused as a whole,
/// and once they are together again all goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_to_a_queue_while_its_slot_moves_is_done_whole_or_not_at_all() {
    let cluster = RedisCluster::start(2).expect("a cluster");
    let moving = Moving::new(open(&cluster)).await;
    let nodes = cluster.nodes.iter();
    let nodes: Vec<Link> = nodes
        .map(|node| Link::new(&node.url(), LinkOptions::default()).expect("a URL"))
        .collect();
    let number = slot(moving.queue.link(), "{t:email}x").await;
    let from = usize::from(number / 16384_u16.div_ceil(2));
    let mut refused_so_often = 0;
    let between = || {
        tokio::task::block_in_place(|| {
            refused_so_often =
                tokio::runtime::Handle::current().block_on(moving.everything(&nodes));
        });
    };
    cluster
        .migrate(number, from, 1 - from, between)
        .expect("moves");
    assert!(refused_so_often > 15, "{refused_so_often}");
    // The first call learns where it is now.
    moving.queue.stats().await.expect("is followed");
    assert_eq!(moving.everything(&nodes).await, 0);

    let Moving { queue, running, .. } = &moving;
    let state = async |id: JobId| {
        queue
            .job(&raw(id))
            .await
            .expect("looks")
            .map(|job| job.state)
    };
    let of = |n: usize| running[n].id.job_id().expect("an id");
    assert_eq!(state(of(0)).await, Some(JobState::Completed));
    assert_eq!(state(moving.dead).await, None, "it is discarded");
    assert_eq!(state(moving.waiting).await, Some(JobState::Cancelled));
    let left = async |name: &str| {
        let mut ask = redis::cmd("PTTL");
        ask.arg(format!("{}:send_email:{name}", queue.keys().idempotency));
        queue.link().command::<i64>(&ask).await.expect("says")
    };
    // Of a job that completed, of one that waits no more, of one that does.
    assert!(left("r1").await > 0);
    assert_eq!((left("waits").await, left("new").await), (-2, -1));
}
