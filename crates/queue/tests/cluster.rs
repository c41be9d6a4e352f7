//! Redis as a cluster: calls go to the node that has the slot, also while that moves.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_queue::{Address, KeyScan, Link, LinkOptions, Queue, QueueError, ScanFor};
use longshore_sandbox::RedisCluster;

use support::job;

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
