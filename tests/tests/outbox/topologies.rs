//! Carriers of a Redis behind Sentinels, and of a cluster whose queues are on different nodes.

use longshore_client::{Address, Client, JobId, JobState, Sentinel};
use longshore_queue::{Link, LinkOptions, Queue};
use longshore_sandbox::RedisCluster;
use longshore_tests::{Act, NAMESPACE, Stage, eventually, shipped_sentinels};

use super::{insert, postgres, rows};

/// Looks at and enqueues into the Redis at this address from now on.
fn look_at(stage: &mut Stage, at: &Address, namespace: &str) {
    let link = Link::open_later(at.clone(), LinkOptions::default()).expect("a good address");
    stage.client = Client::connect(at.clone(), namespace).expect("a good address");
    stage.queue = Queue::new(link, namespace, stage.act.queue()).expect("good names");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_killed_and_a_replica_takes_its_place_and_each_row_is_carried_once() {
    let (mut stage, postgres) = (Stage::set().await, postgres());
    let mut servers = shipped_sentinels();
    // The first that is named is not there; and a list names no user, of whom these servers know nothing.
    let urls = format!("redis://127.0.0.1:1,{}", servers.urls());
    let at = Address::new(&urls).behind_sentinels(Sentinel {
        master: servers.name().to_owned(),
        username: None,
        password: None,
    });
    look_at(&mut stage, &at, NAMESPACE);
    for (name, value) in [
        ("REDIS__MODE", "sentinel"),
        ("REDIS__SENTINEL_MASTER", servers.name()),
        ("REDIS__WAIT_REPLICAS", "1"),
        ("WORKER__HEARTBEAT_SECONDS", "1"),
        ("WORKER__LOST_AFTER_SECONDS", "3"),
    ] {
        stage.set_for_all(name, value);
    }
    let carrier = stage.outbox(&postgres).by(&urls).start().await;
    let _worker = stage.worker().by(&urls).start().await;
    let mut ids = insert(&postgres, 1, 300);
    stage.completed(20).await;
    servers.servers[0].kill();
    ids.extend(insert(&postgres, 301, 300));
    eventually("no row is left", || async { rows(&postgres) == "0" }).await;
    stage.done_once(&ids).await;
    assert!(!carrier.says("panicked"), "{}", carrier.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_several_queues_are_carried_to_several_nodes() {
    let cluster = RedisCluster::start(3).expect("a cluster");
    let (mut stage, postgres) = (Stage::set().await, postgres());
    // In the flows' own namespace all queues are of one node.
    let namespace = "longshore";
    look_at(
        &mut stage,
        &Address::new(cluster.urls()).of_cluster(),
        namespace,
    );
    stage.set_for_all("REDIS__NAMESPACE", namespace);
    stage.set_for_all("REDIS__URL", cluster.nodes[1].url());
    stage.set_for_all("REDIS__MODE", "cluster");
    stage.with_queues_of(&[Act::Sms, Act::Geocode]);
    for act in [Act::Sms, Act::Geocode] {
        let provider = act.provider().to_uppercase();
        let rate = format!("PROVIDERS__{provider}__RATE_PER_SECOND");
        stage.set_for_all(&rate, "100000");
    }
    let carriers = [
        stage.outbox(&postgres).start().await,
        stage.outbox(&postgres).start().await,
    ];
    let _worker = stage.worker().all_queues().start().await;
    let mut ids = insert(&postgres, 1, 200);
    for (kind, args) in [
        (
            "send_sms",
            r#"json_build_object('to', '+479' || lpad(n::text, 7, '0'), 'body', 'Bordet er klart')"#,
        ),
        (
            "geocode_address",
            "json_build_object('address', 'Storgata ' || n)",
        ),
    ] {
        let more = postgres.sql(&format!(
            "INSERT INTO longshore_outbox (kind, args) SELECT '{kind}', {args} FROM generate_series(1, 100) AS n RETURNING id"
        ));
        ids.extend(more.lines().map(|id| id.parse::<JobId>().expect("an id")));
    }
    assert_eq!(ids.len(), 400);
    let client = &stage.client;
    eventually("all are done", || async {
        for id in &ids {
            let status = client.status(*id).await.ok().flatten();
            if status.is_none_or(|status| status.state != JobState::Completed) {
                return false;
            }
        }
        true
    })
    .await;
    eventually("no row is left", || async { rows(&postgres) == "0" }).await;
    for (act, count) in [(Act::Email, 200), (Act::Sms, 100)] {
        let summary = stage.ledger_of(act).summary();
        assert_eq!((summary.jobs, summary.duplicates), (count, 0), "{act:?}");
    }
    for carrier in carriers {
        assert!(!carrier.says("panicked"), "{}", carrier.log());
    }
}
