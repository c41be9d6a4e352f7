//! Redis by TLS and with a password that changes, behind Sentinels, and as a cluster: jobs are done once all the same.

pub(crate) mod commands;
mod slots;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use longshore_client::kinds::SendEmail;
use longshore_client::{Address, Client, JobId, JobState, Sentinel};
use longshore_queue::{LetterFilter, Link, LinkOptions, Queue, Replay, Selection, Signed};
use longshore_sandbox::RedisCluster;
use longshore_tests::{
    Act, NAMESPACE, Stage, Start, Tls, address, email, eventually, shipped_cluster,
    shipped_sentinels, sms,
};

/// The fleet discards these, and nothing dead is left.
async fn discard(stage: &Stage, group: &Selection, signed: &Signed) {
    let (id, all) = (JobId::generate(), LetterFilter::default());
    let begun = stage.queue.begin_discard(id, group, &all, 0, signed).await;
    begun.expect("begins");
    eventually("they are discarded by the fleet", || async {
        stage.stats().await.dead == 0
    })
    .await;
}

async fn tell(link: &Link, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    let _: redis::Value = link.command(&command).await.expect(words[0]);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// A worker reaches Redis by TLS, with a certificate that only a file of its own vouches for, and as a user whose password is
/// in another file. The password becomes another one under it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_changes_under_a_worker_that_uses_tls() {
    let stage = Stage::set().await;
    let tls = Tls::before(&stage.redis.url().replace("redis:", "http:")).await;
    let ca = tls.certificate(stage.dir());
    let url = |password: &str| {
        tls.origin()
            .replace("https://", &format!("rediss://app:{password}@"))
    };
    let kept = stage.dir().join("redis-url");
    let link = stage.queue.link();
    let user = |password| {
        [
            "ACL", "SETUSER", "app", "reset", "on", password, "~*", "&*", "+@all",
        ]
    };
    tell(link, &user(">old")).await;
    fs::write(&kept, url("old")).expect("written");

    let worker = stage.worker().by(format!("file:{}", text(&kept)));
    let worker = worker.set("REDIS__CA_FILE", text(&ca));
    let worker = worker.short_lease().start().await;
    let mut ids = stage.enqueue(20).await;
    stage.completed(20).await;

    fs::write(&kept, url("new")).expect("written");
    tell(link, &user(">new")).await;
    tell(link, &["CLIENT", "KILL", "USER", "app"]).await;
    ids.extend(stage.enqueue(20).await);
    stage.completed(40).await;
    stage.done_once(&ids).await;
    eventually("its connections are back, and named", || async {
        let list: String = link
            .command(redis::cmd("CLIENT").arg("LIST"))
            .await
            .expect("lists");
        let mut theirs = list.lines().filter(|line| line.contains("user=app"));
        let name = "name=longshore:work:";
        theirs.clone().count() > 0 && theirs.all(|line| line.contains(name))
    })
    .await;
    assert!(!worker.says("panicked"), "{}", worker.log());
    let untrusted = [("LONGSHORE_REDIS__URL", url("new"))];
    let untrusted = untrusted
        .each_ref()
        .map(|(name, url)| (*name, url.as_str()));
    let wrong = stage.longshore_with(&["queues"], &untrusted).await;
    assert_eq!(
        wrong.code,
        Some(3),
        "nobody vouches for it here: {}",
        wrong.stderr
    );
}

/// A lease of three seconds: another process of Redis holds claims for half of it.
fn lease(worker: Start<'_>) -> Start<'_> {
    worker
        .set("WORKER__HEARTBEAT_SECONDS", "1")
        .set("WORKER__LOST_AFTER_SECONDS", "3")
}

/// Looks at and enqueues into the Redis at this address from now on.
fn look_at(stage: &mut Stage, at: &Address, namespace: &str, wait_replicas: u32) -> Link {
    let link = Link::open_later(at.clone(), LinkOptions::default()).expect("a good address");
    let client = Client::connect(at.clone(), namespace).expect("a good address");
    stage.client = client.with_wait_replicas(wait_replicas);
    stage.queue = Queue::new(link.clone(), namespace, stage.act.queue()).expect("good names");
    link
}

/// Who waits for jobs is told of their ends: five in a row take less time than to look once a second for each.
async fn is_told_of_ends(client: &Client) {
    let began = Instant::now();
    for n in 0..5 {
        let ended = client.enqueue_and_wait(email(5000 + n), Duration::from_secs(30));
        let state = ended.await.expect("it ends").state;
        assert_eq!(state, JobState::Completed);
    }
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

/// The primary is killed under load. What was accepted one more replica has, and one of them takes its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_put_a_replica_in_the_place_of_the_primary() {
    let mut stage = Stage::set().await;
    let mut servers = shipped_sentinels();
    // The first that is named is not there.
    let urls = format!("redis://127.0.0.1:1,{}", servers.urls());
    let at = Address::new(&urls).behind_sentinels(Sentinel {
        master: "longshore".to_owned(),
        username: None,
        password: None,
    });
    look_at(&mut stage, &at, NAMESPACE, 1);
    for (name, value) in [
        ("REDIS__MODE", "sentinel"),
        ("REDIS__SENTINEL_MASTER", "longshore"),
        ("REDIS__WAIT_REPLICAS", "1"),
    ] {
        stage.set_for_all(name, value);
    }
    let worker = lease(stage.worker().by(&urls)).start().await;
    is_told_of_ends(&stage.client).await;
    let mut ids = stage.enqueue(50).await;
    stage.completed(15).await;

    servers.servers[0].kill();
    // It takes some seconds until another is there, and producers wait for five; on a busy machine that is not enough.
    for n in 0..50 {
        loop {
            match stage.client.enqueue(email(n)).await {
                Ok(id) => break ids.push(id),
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        }
    }
    stage.done_once(&ids).await;
    let doctor = [("LONGSHORE_REDIS__URL", urls.as_str())];
    let doctor = stage.longshore_with(&["doctor"], &doctor).await;
    assert!(
        doctor.stdout.contains("is the primary longshore"),
        "{doctor:?}"
    );
    assert!(!worker.says("panicked"), "{}", worker.log());
}

/// A worker of three queues on a cluster of three primaries: every command, and a thousand jobs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_runs_a_thousand_jobs_of_several_queues_and_every_command() {
    let cluster = shipped_cluster();
    let mut stage = Stage::set().await;
    let at = Address::new(cluster.urls()).of_cluster();
    let link = look_at(&mut stage, &at, "longshore", 0);
    // In the flows' own namespace all three queues are of one node.
    stage.set_for_all("REDIS__NAMESPACE", "longshore");
    // One node is enough to find the others.
    stage.set_for_all("REDIS__URL", cluster.nodes[1].url());
    stage.set_for_all("REDIS__MODE", "cluster");
    stage.with_queues_of(&[Act::Sms, Act::Geocode]);
    for act in [Act::Sms, Act::Geocode] {
        let rate = format!(
            "PROVIDERS__{}__RATE_PER_SECOND",
            act.provider().to_uppercase()
        );
        stage.set_for_all(&rate, "100000");
    }
    let yearly = [
        ("SCHEDULE", "0 0 1 1 *"),
        ("KIND", "send_sms"),
        ("ARGS", r#"{"to":"+4790000000","body":"Godt nytt"}"#),
    ];
    for (key, value) in yearly {
        stage.set_for_all(&format!("CRON__YEARLY__{key}"), value);
    }
    let worker = stage.worker().all_queues().start().await;
    let client = &stage.client;
    is_told_of_ends(client).await;
    let mails = client
        .enqueue_all((0..600).map(email))
        .await
        .expect("accepted");
    let texts = client
        .enqueue_all((0..200).map(sms))
        .await
        .expect("accepted");
    let places = client
        .enqueue_all((0..200).map(address))
        .await
        .expect("accepted");
    let all: Vec<&JobId> = mails.iter().chain(&texts).chain(&places).collect();
    eventually("all are done", || async {
        for id in &all {
            let status = client.status(**id).await.ok().flatten();
            if status.is_none_or(|status| status.state != JobState::Completed) {
                return false;
            }
        }
        true
    })
    .await;
    for (act, count) in [(Act::Email, 605), (Act::Sms, 200)] {
        let summary = stage.ledger_of(act).summary();
        assert_eq!((summary.jobs, summary.duplicates), (count, 0), "{act:?}");
    }
    // A place is not looked for twice, and its provider knows no jobs.
    assert_eq!(stage.ledger_of(Act::Geocode).requests(), 200);
    let nodes = link.nodes().await.expect("has nodes");
    assert_eq!(nodes.len(), 3);
    let mut used = HashSet::new();
    for node in &nodes {
        let keys: u64 = link
            .command_at(node, &redis::cmd("DBSIZE"))
            .await
            .expect("counts");
        used.extend((keys > 0).then_some(node));
    }
    assert_eq!(used.len(), 3, "each has a queue");
    commands::each_of_them(&stage, &mails[0].to_string()).await;
    let doctor = stage.longshore(&["doctor"]).await.stdout;
    assert!(doctor.contains("a cluster of 3 primaries"), "{doctor}");
    assert!(!worker.says("panicked"), "{}", worker.log());
    drop(worker);
}

/// The slot of a queue moves to another node, key by key, under a worker that works it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_moves_to_another_node_loses_and_doubles_nothing() {
    let cluster = RedisCluster::start(3).expect("a cluster");
    let mut stage = Stage::set().await;
    let at = Address::new(cluster.urls()).of_cluster();
    let link = look_at(&mut stage, &at, NAMESPACE, 0);
    stage.set_for_all("REDIS__URL", cluster.urls());
    stage.set_for_all("REDIS__MODE", "cluster");
    stage.slow_calls_take(300);
    let worker = lease(stage.worker()).start().await;
    let slot: u16 = {
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("KEYSLOT").arg(&stage.queue.keys().active);
        link.command(&ask).await.expect("says")
    };
    let mut ids = stage.slow_calls(5).await;
    for n in 0..10 {
        let keyed = stage.client.enqueue(email(1000 + n)).key(format!("k{n}"));
        ids.push(keyed.await.expect("accepted"));
    }
    // Their template is none, so they are dead letters with keys.
    let mut dead = Vec::new();
    for n in 0..10 {
        let bad = SendEmail::new("nowhere", format!("bad{n}@example.com"));
        dead.push(
            stage
                .client
                .enqueue(bad)
                .key(format!("bad{n}"))
                .await
                .expect("accepted"),
        );
    }
    ids.extend(stage.enqueue(100).await);
    stage.completed(20).await;
    stage.is(dead[9], JobState::Dead).await;
    // They die again while the slot moves.
    let signed = Signed::new("kari", "because");
    let replay = stage
        .queue
        .begin_replay(JobId::generate(), &Selection::All, None, &signed);
    replay.await.expect("begins");
    let from = usize::from(slot / 16384_u16.div_ceil(3));
    let to = (from + 1) % 3;
    cluster.migrate(slot, from, to, || {}).expect("it moves");
    ids.extend(stage.enqueue(50).await);
    stage.done_once(&ids).await;
    let again = |replay: Result<Replay, _>| replay.expect("reads").moved == 10;
    eventually("the replay is done, and they are dead again", || async {
        let replays = stage.queue.replays().await.expect("lists");
        replays.into_iter().all(again) && stage.stats().await.dead == 10
    })
    .await;
    let groups = stage.queue.dead_groups().await.expect("lists");
    assert_eq!((groups.len(), groups[0].count), (1, 10), "{groups:?}");
    let group = Selection::Group(groups[0].id.clone());
    discard(&stage, &group, &signed).await;
    for (key, is_held) in [("k0", true), ("bad0", false)] {
        let mut left = redis::cmd("PTTL");
        left.arg(format!(
            "{}:send_email:{key}",
            stage.queue.keys().idempotency
        ));
        let left: i64 = link.command(&left).await.expect("says");
        assert!(if is_held { left > 0 } else { left == -2 }, "{key}: {left}");
    }
    let here: u64 = {
        let node = &cluster.nodes[to];
        let there = Link::new(&node.url(), LinkOptions::default()).expect("a URL");
        there.command(&redis::cmd("DBSIZE")).await.expect("counts")
    };
    assert!(here > 0, "it is there now");
    assert!(!worker.says("lease lost"), "{}", worker.log());
}

/// However many queues a process works, it has three connections, and they say whose they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_of_five_queues_has_three_connections() {
    let mut stage = Stage::set().await;
    stage.with_queues_of(&[Act::Sms, Act::Geocode, Act::Payments, Act::Storage]);
    let worker = stage.worker().all_queues().start().await;
    eventually("it works five queues", || async {
        worker.log().matches("concurrency=").count() == 5
    })
    .await;
    let ids = stage.enqueue(20).await;
    stage.done_once(&ids).await;
    let texts = stage
        .client
        .enqueue_all((0..5).map(sms))
        .await
        .expect("accepted");
    for id in texts {
        eventually("a text is sent", || async {
            let status = stage.client.status(id).await.ok().flatten();
            status.is_some_and(|status| status.state == JobState::Completed)
        })
        .await;
    }
    assert_eq!(worker.get("/metrics").await.0, 200);
    let mut list = redis::cmd("CLIENT");
    list.arg("LIST");
    let list: String = stage.queue.link().command(&list).await.expect("lists");
    let name = |line: &str| {
        let name = line
            .split(' ')
            .find_map(|field| field.strip_prefix("name="));
        name.unwrap_or_default().to_owned()
    };
    let names: Vec<_> = list.lines().map(name).collect();
    let pid = worker.pid().to_string();
    let theirs: Vec<_> = names.iter().filter(|name| name.contains(&pid)).collect();
    assert!(theirs.len() <= 3, "{list}");
    for what in [":keeper", ":wakes"] {
        assert!(theirs.iter().any(|name| name.ends_with(what)), "{list}");
    }
    assert!(
        names.iter().all(|name| name.starts_with("longshore:")),
        "{list}"
    );
}
