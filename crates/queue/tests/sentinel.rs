//! Redis behind Sentinels: the primary is who they say, and after a failover another one.

use std::time::{Duration, Instant};

use longshore_queue::{Address, Link, LinkOptions, QueueError, Sentinel};
use longshore_sandbox::RedisServer;

fn open(address: Address) -> Link {
    Link::open_later(address, LinkOptions::default()).expect("the address is good")
}

async fn command(link: &Link, words: &str) -> Result<redis::Value, QueueError> {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().unwrap_or_default());
    words.for_each(|word| {
        command.arg(word);
    });
    link.command(&command).await
}

fn behind(sentinels: &str, name: &str) -> Address {
    Address::new(sentinels).behind_sentinels(Sentinel {
        master: name.to_owned(),
        username: None,
        password: None,
    })
}

#[tokio::test]
async fn sentinels_name_the_primary_and_its_successor() {
    let mut first = RedisServer::start().expect("Redis");
    let second = first.replica().expect("a replica");
    let sentinel = first.sentinel("prim").expect("a Sentinel");
    // The first of them is not there.
    let both = format!("redis://127.0.0.1:1,{}", sentinel.url());
    let unknown = open(behind(&both, "prime"))
        .ping()
        .await
        .expect_err("is not watched");
    assert!(
        unknown
            .to_string()
            .contains("watches no primary called prime"),
        "{unknown}"
    );

    let link = open(behind(&both, "prim"));
    command(&link, "SET a 1").await.expect("writes");
    let sentinel_link = Link::new(&sentinel.url(), LinkOptions::default()).expect("a URL");
    // It asks every ten seconds: only then does it know that there is a replica.
    let begun = Instant::now();
    loop {
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("REPLICAS").arg("prim");
        let replicas: Vec<redis::Value> = sentinel_link.command(&ask).await.expect("answers");
        if !replicas.is_empty() {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "no replica is found"
        );
        tokio::task::yield_now().await;
    }
    let waits = command(&link, "WAIT 1 1000").await.expect("is copied");
    assert_eq!(waits, redis::Value::Int(1));
    first.kill();
    let begun = Instant::now();
    let read = loop {
        match link.command::<u8>(redis::cmd("INCR").arg("a")).await {
            Ok(read) => break read,
            Err(error) => assert!(error.may_pass(), "{error}"),
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "nobody takes its place"
        );
        tokio::task::yield_now().await;
    };
    assert_eq!(read, 2, "the successor has what was copied");
    let info: String = link.command(&redis::cmd("INFO")).await.expect("says");
    assert!(
        info.contains(&format!("tcp_port:{}", second.port())),
        "{info}"
    );

    // The old one comes back as a primary of its own until it is told; nobody goes there.
    first.restart().expect("comes back");
    let another = link.another(LinkOptions::default());
    let info: String = another.command(&redis::cmd("INFO")).await.expect("says");
    assert!(
        info.contains(&format!("tcp_port:{}", second.port())),
        "{info}"
    );
}

/// The Sentinels name a server that was told to follow another.
#[tokio::test]
async fn a_primary_that_became_a_replica_is_asked_for_anew() {
    let first = RedisServer::start().expect("Redis");
    let sentinel = first.sentinel("prim").expect("a Sentinel");
    let link = open(behind(&sentinel.url(), "prim"));
    command(&link, "SET a 1").await.expect("writes");
    let root = Link::new(&first.url(), LinkOptions::default()).expect("a URL");
    command(&root, "REPLICAOF 127.0.0.1 1")
        .await
        .expect("follows");
    for _ in 0..2 {
        let refused = command(&link, "SET a 2").await.expect_err("a replica");
        assert!(refused.may_pass(), "{refused}");
    }
    command(&root, "REPLICAOF NO ONE")
        .await
        .expect("is a primary");
    command(&link, "SET a 2").await.expect("writes");
}

/// A primary whose replicas have gone to another one refuses writes, and is told only later that it is none any more.
#[tokio::test]
async fn a_primary_without_replicas_is_asked_for_anew() {
    let first = RedisServer::start().expect("Redis");
    let second = RedisServer::start().expect("Redis");
    let sentinel = first.sentinel("prim").expect("a Sentinel");
    let link = open(behind(&sentinel.url(), "prim"));
    command(&link, "SET a 1").await.expect("writes");
    let root = Link::new(&first.url(), LinkOptions::default()).expect("a URL");
    command(&root, "CONFIG SET min-replicas-to-write 1")
        .await
        .expect("sets");
    let refused = command(&link, "SET a 2").await.expect_err("no replica");
    assert!(refused.may_pass(), "{refused}");
    let told = Link::new(&sentinel.url(), LinkOptions::default()).expect("a URL");
    command(&told, "SENTINEL REMOVE prim")
        .await
        .expect("forgets");
    let now = format!("SENTINEL MONITOR prim 127.0.0.1 {} 1", second.port());
    command(&told, &now).await.expect("watches the other");
    let begun = Instant::now();
    while let Err(error) = command(&link, "SET a 2").await {
        assert!(error.may_pass(), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
        tokio::task::yield_now().await;
    }
    let there = Link::new(&second.url(), LinkOptions::default()).expect("a URL");
    let written: u8 = there
        .command(redis::cmd("GET").arg("a"))
        .await
        .expect("reads");
    assert_eq!(written, 2);
}
