//! The morning after: thousands of dead letters of several causes. A drip is rehearsed, stops itself while the provider
//! still refuses, and, resumed after its recovery, comes to its end although its worker and its terminal are killed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_client::{JobId, JobState};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, Worker, eventually, within};
use serde_json::{Value, json};

/// How many letters there are of each of five causes, the largest last. `LONGSHORE_TEST_LETTERS` adds so many to that one,
/// written straight to Redis: to have as many die takes longer than all the rest.
const CAUSES: [(u16, usize); 5] = [(400, 150), (404, 150), (413, 150), (503, 150), (422, 4000)];
const RATE: u64 = 500;

fn answers(status: u16) -> FaultRule {
    FaultRule::always(Fault::Answer {
        status,
        headers: BTreeMap::new(),
        body: None,
        effect: false,
    })
}

/// More letters like this one.
async fn multiply(stage: &Stage, model: JobId, ids: &mut Vec<JobId>) {
    let Ok(more) = std::env::var("LONGSHORE_TEST_LETTERS") else {
        return;
    };
    let more: usize = more.parse().expect("LONGSHORE_TEST_LETTERS is a number");
    let (k, link) = (stage.queue.keys(), stage.queue.link());
    let job = stage.job(model).await;
    let (group, payload) = (job.group.expect("is dead"), job.payload.expect("has one"));
    let mut command = redis::cmd("HGET");
    command.arg(&k.records).arg(model.to_string());
    let record: Vec<u8> = link.command(&command).await.expect("reads");
    for _ in 0..more.div_ceil(1000) {
        let died_ms = stage.queue.now_ms().await.expect("has a clock");
        let died = died_ms as f64 / 1000.0;
        let mut pipeline = redis::pipe();
        for _ in 0..1000 {
            let id = JobId::generate();
            let name = id.to_string();
            pipeline
                .cmd("ZADD")
                .arg(&k.dead)
                .arg(died)
                .arg(&name)
                .ignore();
            pipeline
                .cmd("ZADD")
                .arg(&k.letters)
                .arg(0)
                .arg(format!("{group} {died_ms:013} {name}"))
                .ignore();
            pipeline
                .cmd("HSET")
                .arg(&k.data)
                .arg(&name)
                .arg(&payload)
                .ignore();
            pipeline
                .cmd("HSET")
                .arg(&k.records)
                .arg(&name)
                .arg(&record)
                .ignore();
            ids.push(id);
        }
        link.pipeline::<()>(&pipeline).await.expect("writes");
    }
}

/// A worker whose jobs die of their first failure, with nothing that holds them back.
async fn worker(stage: &Stage) -> Worker {
    let start = stage.worker().short_lease().concurrency(20);
    let start = start.set("RETRY__SCHEDULE_SECONDS", "[]");
    let start = start.queue("COMPLETED_SECONDS", "86400");
    start.start().await
}

async fn replay(stage: &Stage, id: &str) -> Value {
    let rows = stage.longshore(&["dead", "replays", "--json"]).await.json();
    let rows = rows.as_array().expect("a list").clone();
    let found = rows.into_iter().find(|row| row["id"] == id);
    found.expect("it is remembered")
}

async fn moved(stage: &Stage, id: &str) -> u64 {
    replay(stage, id).await["moved"].as_u64().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drip_stops_itself_and_finishes_without_its_worker_and_its_terminal() {
    let stage = Stage::set().await;
    let first = worker(&stage).await;
    let mut ids = Vec::new();
    for (status, count) in CAUSES {
        stage.faults([answers(status)]);
        ids.extend(stage.enqueue(count).await);
        within(Duration::from_secs(120), "all are dead letters", || async {
            stage.stats().await.dead == ids.len() as u64
        })
        .await;
    }
    let model = *ids.last().expect("some");
    multiply(&stage, model, &mut ids).await;
    let began = Instant::now();
    let groups = stage.queue.dead_groups().await.expect("lists");
    println!("groups of {} letters: {:?}", ids.len(), began.elapsed());
    assert_eq!(groups.len(), CAUSES.len());
    let groups = stage.longshore(&["dead", "groups", "--json"]).await.json();
    let many = (ids.len() - CAUSES.iter().take(4).map(|cause| cause.1).sum::<usize>()) as u64;
    assert_eq!(groups[0]["count"], many);
    let group = groups[0]["group"].as_str().expect("a text").to_owned();

    // What would happen, and nothing does.
    let drip = ["dead", "replay", "--group", &group, "--rate", "500"];
    let rehearse = [&drip[..], &["--dry-run", "--json"]].concat();
    let rehearsed = stage.longshore(&rehearse).await.json();
    assert_eq!(
        (
            &rehearsed["letters"],
            &rehearsed["would_run"],
            &rehearsed["may_double"]
        ),
        (&json!(many), &json!(many), &json!(0))
    );
    assert_eq!(rehearsed["seconds"], json!(many.div_ceil(RATE)));
    assert_eq!(rehearsed["queues"][0]["workers"], 1);
    assert_eq!(stage.stats().await.dead, ids.len() as u64);

    // The provider still refuses.
    let calls = stage.ledger().requests();
    let run = [
        "--yes",
        "--as",
        "kari",
        "--reason",
        "the template is mended",
    ];
    let said = stage.longshore(&[&drip[..], &run].concat()).await;
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("stopped itself"), "{}", said.stderr);
    let replays = stage.longshore(&["dead", "replays", "--json"]).await.json();
    let row = &replays[0];
    let id = row["id"].as_str().expect("a text").to_owned();
    assert_eq!(row["state"], "stopped", "{row}");
    assert!(row["again"].as_u64() >= Some(10), "{row}");
    assert!(
        row["cause"]
            .as_str()
            .is_some_and(|cause| cause.contains("422")),
        "{row}"
    );
    eventually("what it moved has died again", || async {
        stage.stats().await.dead == ids.len() as u64
    })
    .await;
    let burnt = stage.ledger().requests() - calls;
    assert!(burnt < 1500, "{burnt} calls before it stopped");

    // It recovers. The terminal is closed, and the worker dies.
    stage.faults([]);
    let mut terminal = stage.start(&["dead", "replays", "resume", &id, "--as", "kari"]);
    let before = moved(&stage, &id).await;
    eventually("it goes on", || async {
        moved(&stage, &id).await > before + RATE / 2
    })
    .await;
    terminal.kill().await.expect("is killed");
    first.kill().await;
    let stood = moved(&stage, &id).await;
    assert!(stood < many, "both were killed in the middle: {stood}");
    let _second = worker(&stage).await;
    within(
        Duration::from_secs(60 + many / 100),
        "it is done",
        || async { replay(&stage, &id).await["state"] == "done" },
    )
    .await;
    assert_eq!(moved(&stage, &id).await, many);

    // Those that died again, and those of the other causes.
    let rest = [
        "dead", "replay", "--queue", "email", "--rate", "500", "--yes", "--as", "ola",
    ];
    let said = stage.longshore(&rest).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    eventually("every job ends", || async {
        let stats = stage.stats().await;
        stats.pending + stats.running + stats.scheduled + stats.retryable == 0
    })
    .await;
    assert_eq!(stage.stats().await.dead, 0);
    let effects = stage.ledger().count_by_job();
    for id in &ids {
        let job = stage.job(*id).await;
        assert_eq!(job.state, JobState::Completed, "{id}: {:?}", job.history);
        assert!(
            effects.contains_key(&id.to_string()),
            "{id} completed without an effect"
        );
    }

    let audit = stage.longshore(&["audit", "--json"]).await.json();
    let audit = audit.as_array().expect("a list").clone();
    let told: Vec<_> = audit
        .iter()
        .map(|row| (&row["by"], &row["action"]))
        .collect();
    let story = [
        ("kari", "replay"),
        ("longshore", "replay_stopped"),
        ("kari", "replay_resume"),
        ("longshore", "replay_done"),
        ("ola", "replay"),
        ("longshore", "replay_done"),
    ]
    .map(|(by, action)| (json!(by), json!(action)));
    let story: Vec<_> = story.iter().map(|(by, action)| (by, action)).collect();
    assert_eq!(told, story);
    assert_eq!(audit[0]["reason"], "the template is mended");
    let of = format!("group {group}");
    assert_eq!(audit[0]["target"], json!(of));
    // As many as it moved, and what each of them came to: some died again before it stopped itself.
    let result = audit[3]["result"].as_str().expect("a text");
    let numbers: Vec<u64> = result
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    let [moved, completed, failed] = numbers[..] else {
        panic!("{result}");
    };
    assert_eq!(
        result,
        format!("{moved} replayed: {completed} completed, {failed} failed")
    );
    assert!(moved == many && failed >= 10, "{result}");
    assert_eq!(completed + failed, many);
}
