//! The application is told what became of its jobs.

mod library;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use longshore_client::kinds::{SendEmail, SendSms};
use longshore_client::{JobId, JobState};
use longshore_events::sandbox::{EventsSandbox, Told};
use longshore_queue::{JobScan, Place, Queue};
use longshore_sandbox::{Fault, FaultRule, Only};
use longshore_tests::{Act, Stage, eventually, outcomes};

/// This answer, and nothing is carried out.
fn answers(status: u16) -> Fault {
    Fault::Answer {
        status,
        headers: BTreeMap::new(),
        body: None,
        effect: false,
    }
}

/// Has events posted there.
fn on(stage: &mut Stage, url: &str, on: &str) {
    stage.set_for_all("EVENTS__URL", url);
    stage.set_for_all("EVENTS__SECRET", EventsSandbox::SECRET);
    stage.set_for_all("EVENTS__ON", on);
}

/// The queue that delivers them.
fn events(stage: &Stage) -> Queue {
    stage.queue.sibling("events").expect("a good name")
}

/// The application on a stage, which is told of these.
async fn application(stage: &mut Stage, wanted: &str) -> EventsSandbox {
    let any = "127.0.0.1:0".parse().expect("an address");
    let application = EventsSandbox::start(any).await.expect("a free port");
    on(stage, &application.origin(), wanted);
    application
}

async fn hears(application: &EventsSandbox, n: usize) -> Vec<Told> {
    eventually(&format!("it is told of {n}"), || async {
        application.told().len() >= n
    })
    .await;
    let mut told = application.told();
    assert_eq!(told.len(), n, "{told:?}");
    told.sort_by_key(|told| told.event.data.sequence);
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_hears_of_every_end_and_never_of_args() {
    let mut stage = Stage::set().await;
    let application = application(&mut stage, r#"["completed", "dead", "cancelled"]"#).await;
    let worker = stage.worker().all_queues().start().await;
    let refused = Only {
        recipient: Some("refused@example.com".to_owned()),
        ..Only::default()
    };
    stage.faults([FaultRule::always(answers(400)).only(refused)]);
    let client = &stage.client;
    let mail = |to: &str| SendEmail::new("welcome", to);
    let done = client
        .enqueue(mail("ada@example.com"))
        .key("order-7")
        .tag("spring")
        .tenant("acme")
        .await
        .expect("accepted");
    let dead = client
        .enqueue(mail("refused@example.com"))
        .await
        .expect("accepted");
    let later = client
        .enqueue(mail("grace@example.com"))
        .delay(Duration::from_secs(3600))
        .await
        .expect("accepted");
    client.cancel(later, "as asked").await.expect("cancels");
    eventually("the three are told", || async {
        let told = application.told();
        [done, dead, later]
            .iter()
            .all(|id| told.iter().any(|told| told.event.data.id == id.to_string()))
    })
    .await;
    let told = application.told();
    let of = |id: JobId| {
        let of = told
            .iter()
            .find(|told| told.event.data.id == id.to_string());
        &of.expect("is told").event
    };
    assert_eq!(of(done).event_type, "job.completed");
    let data = &of(done).data;
    assert_eq!(
        (data.key.as_deref(), data.tenant.as_deref()),
        (Some("order-7"), Some("acme"))
    );
    assert_eq!(
        (data.tags.clone(), data.kind.as_deref()),
        (vec!["spring".to_owned()], Some("send_email"))
    );
    assert_eq!(of(dead).event_type, "job.dead");
    assert_eq!(of(dead).data.reason.as_deref(), Some("refused"));
    assert!(
        of(dead)
            .data
            .code
            .as_deref()
            .is_some_and(|code| code.starts_with("400"))
    );
    assert_eq!(of(later).event_type, "job.cancelled");
    let everything = serde_json::to_string(&told).expect("JSON");
    assert!(!everything.contains("example.com"), "{everything}");
    assert!(!worker.says("example.com"));
    // The queue that tells is never told of: it has ended as many jobs as there were events.
    eventually("the events are delivered", || async {
        events(&stage)
            .stats()
            .await
            .is_ok_and(|stats| stats.counter("completed") >= 3)
    })
    .await;
    assert!(!everything.contains("deliver_event") && !everything.contains(r#""queue":"events""#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_hears_how_far_a_message_has_come() {
    let mut stage = Stage::set_for(Act::Sms).await;
    let application = application(&mut stage, r#"["delivered"]"#).await;
    let _worker = stage.worker().all_queues().start().await;
    let _webhooks = stage.webhooks().start().await;
    let id = stage
        .client
        .enqueue(SendSms::new("+4790000000", "Hello"))
        .await
        .expect("accepted");
    stage.is(id, JobState::Completed).await;
    let told = hears(&application, 1).await;
    let event = &told[0].event;
    assert_eq!(
        (&*event.event_type, &*event.data.id),
        ("delivery.delivered", &*id.to_string())
    );
    assert_eq!(event.data.delivery.as_deref(), Some("delivered"));
    assert_eq!(event.data.kind.as_deref(), Some("send_sms"));
}

/// Has the one job that waits for its next attempt be due now. Returns for how long it would have waited.
async fn comes_due(events: &Queue) -> Duration {
    let mut waits = None;
    eventually("it waits for its next attempt", || async {
        events.stats().await.is_ok_and(|stats| stats.retryable == 1)
    })
    .await;
    let now_ms = events.now_ms().await.expect("a clock");
    let mut scan = JobScan::new(Place::Scheduled);
    for job in events.scan(&mut scan).await.expect("looks") {
        let due = job.next_run_at_ms.expect("is due some time");
        waits = Some(Duration::from_millis(due.saturating_sub(now_ms)));
        let id = job.id.clone();
        let ran = events
            .run_now(&id, &longshore_queue::Signed::new("flow", ""))
            .await;
        assert_eq!(ran.expect("is asked"), longshore_queue::Rescheduled::Yes);
    }
    waits.expect("one waits")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_down_for_longer_than_the_schedule_leaves_dead_letters_that_are_replayed()
 {
    let mut stage = Stage::set().await;
    let application = application(&mut stage, r#"["completed", "dead"]"#).await;
    let broken = FaultRule::always(answers(500));
    application.faults().set(vec![broken]).expect("a rule");
    let _worker = stage.worker().all_queues().start().await;
    let events = events(&stage);
    let id = stage.enqueue(1).await[0];
    // 60, 300 and 900 s, as for all.
    for wanted in [60, 300, 900] {
        let waits = comes_due(&events).await.as_secs();
        assert!(waits.abs_diff(wanted) <= 5, "{waits} s instead of {wanted}");
    }
    eventually("it is a dead letter", || async {
        events.stats().await.is_ok_and(|stats| stats.dead == 1)
    })
    .await;
    assert_eq!(application.told(), []);
    let requests = application.ledger().requests();
    assert_eq!(requests, 4);
    application.faults().set(Vec::new()).expect("none");
    let said = stage
        .longshore(&[
            "dead",
            "replay",
            "--queue",
            "events",
            "--yes",
            "--reason",
            "it is back",
        ])
        .await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let told = hears(&application, 1).await;
    assert_eq!(
        (&*told[0].event.event_type, &*told[0].event.data.id),
        ("job.completed", &*id.to_string())
    );
    // The same webhook-id as before: that of the job that delivers it.
    eventually("it has completed", || async {
        events
            .stats()
            .await
            .is_ok_and(|stats| stats.counter("completed") == 1)
    })
    .await;
    let mut scan = JobScan::new(Place::Completed);
    let mut delivered = events.scan(&mut scan).await.expect("looks");
    let job = delivered.pop().expect("is kept");
    assert_eq!(job.id.to_string(), told[0].webhook_id);
    assert_eq!(outcomes(&job).last(), Some(&"completed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_killed_tell_each_end_at_least_once() {
    let mut stage = Stage::set().await;
    let application = application(&mut stage, r#"["completed"]"#).await;
    let first = stage.worker().all_queues().start().await;
    let ids = stage.enqueue(400).await;
    stage.completed(120).await;
    first.kill().await;
    let second = stage.worker().all_queues().start().await;
    stage.completed(250).await;
    second.kill().await;
    let _third = stage.worker().all_queues().start().await;
    eventually("every job has completed", || async {
        let stats = stage.stats().await;
        stats.pending + stats.running + stats.scheduled + stats.retryable == 0
    })
    .await;
    eventually("each end is told", || async {
        let told = application.told();
        let heard: BTreeSet<_> = told.iter().map(|told| &*told.event.data.id).collect();
        ids.iter().all(|id| heard.contains(&*id.to_string()))
    })
    .await;
    // What was told twice was told under the same webhook-id, but for what was settled twice.
    let told = application.told();
    let settled = stage.stats().await.counter("completed");
    assert!(told.len() as u64 <= settled, "{} of {settled}", told.len());
}
