//! Text messages are sent once, whatever is lost on the way, and what becomes of them reaches their jobs.

use std::time::Duration;

use longshore_client::kinds::SendSms;
use longshore_client::{JobId, JobState};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Stage, eventually, outcomes, sms};
use serde_json::{Value, json};

/// What `longshore job` says of it.
async fn shown(stage: &Stage, id: JobId) -> Value {
    stage
        .longshore(&["job", &id.to_string(), "--json"])
        .await
        .json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_answer_was_lost_is_found_and_not_sent_again() {
    let stage = Stage::set_for(Act::Sms).await;
    let _worker = stage.worker().start().await;
    stage.faults([FaultRule::first(20, Fault::HangUp { effect: true })]);
    let ids = stage.enqueue(40).await;
    stage.are_in_time(&ids, JobState::Completed).await;
    stage.done_once(&ids).await;
    let summary = stage.ledger().summary();
    assert_eq!(summary.accepted, 40, "{summary:?}");
    let mut verified = 0;
    for id in ids {
        let job = stage.job(id).await;
        let result = job.result.as_ref().expect("has a result");
        assert!(
            result["sid"]
                .as_str()
                .is_some_and(|sid| sid.starts_with("SM")),
            "{result}"
        );
        match outcomes(&job)[..] {
            ["completed"] => {}
            ["outcome_unknown", "completed"] => verified += 1,
            ref other => panic!("{other:?}"),
        }
    }
    assert_eq!(verified, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_never_arrived_is_sent_again_no_sooner_than_a_minute_later() {
    let stage = Stage::set_for(Act::Sms).await;
    let _worker = stage.worker().start().await;
    stage.faults([FaultRule::first(1, Fault::HangUp { effect: false })]);
    let id = stage.enqueue(1).await[0];
    let asked = || stage.twilio.reads();
    stage.is(id, JobState::Retryable).await;
    // Due, and yet no minute later: only its time is moved, and not the clock.
    stage.back_date().await;
    eventually("Twilio is asked, by day and without", || async {
        asked() == 2
    })
    .await;
    eventually("it waits", || async { stage.stats().await.retryable == 1 }).await;
    let due = stage.job(id).await.next_run_at_ms.expect("is scheduled");
    let now = stage.queue.now_ms().await.expect("has a clock");
    let wait = Duration::from_millis(due - now);
    assert!((40..=60).contains(&wait.as_secs()), "{wait:?}");
    // Sooner, it is looked for again, and still not sent.
    stage.back_date().await;
    eventually("Twilio is asked again", || async { asked() == 4 }).await;
    eventually("it waits on", || async {
        stage.stats().await.retryable == 1
    })
    .await;
    assert_eq!(stage.ledger().summary().accepted, 0);
    let job = stage.job(id).await;
    assert_eq!(
        (outcomes(&job), job.run.used),
        (vec!["outcome_unknown"], 1),
        "waiting uses no attempt"
    );
    // A minute later, as far as its record says.
    let minute = Duration::from_secs(61);
    let moved = stage.queue.back_date(&id.into(), minute).await;
    moved.expect("back-dates");
    stage.back_date().await;
    stage.is(id, JobState::Completed).await;
    assert_eq!(stage.ledger().summary().accepted, 1);
}

/// Its job had waited for longer than the clock was behind, so the times that Redis has of it are in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_the_time_when_rediss_clock_was_behind_is_found() {
    let stage = Stage::set_for(Act::Sms).await;
    stage.faults([FaultRule::first(1, Fault::HangUp { effect: true })]);
    let id = stage.enqueue(1).await[0];
    let hour = Duration::from_secs(3600);
    let moved = stage.queue.back_date(&id.into(), hour).await;
    moved.expect("back-dates");
    let _worker = stage.worker().start().await;
    stage.is(id, JobState::Retryable).await;
    let record = stage.queue.fields_of(&id.into()).await.expect("looks");
    let (at, entry) = record["h1"]
        .split_once(' ')
        .expect("a time, and what happened");
    let behind: u64 = at.parse::<u64>().expect("ms") - 30 * 60_000;
    let entry = format!("{behind} {entry}");
    let fields = [("h1", entry.as_bytes())];
    let seeded = stage.queue.seed_record(&id.into(), &fields).await;
    seeded.expect("writes");
    stage.back_date().await;
    stage.is(id, JobState::Completed).await;
    assert_eq!(stage.ledger().summary().accepted, 1);
    assert_eq!(
        outcomes(&stage.job(id).await),
        ["outcome_unknown", "completed"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_between_acceptance_and_settling_leads_to_one_message() {
    let stage = Stage::set_for(Act::Sms).await;
    // Twilio takes it on and answers a minute later; nobody is there any more then.
    stage.faults([FaultRule::first(3, Fault::Delay { ms: 60_000 })]);
    let worker = stage.worker().short_lease().start().await;
    let ids = stage.enqueue(3).await;
    eventually("Twilio has them", || async {
        stage.ledger().summary().accepted == 3
    })
    .await;
    worker.kill().await;
    let _other = stage.worker().short_lease().start().await;
    stage.done_once(&ids).await;
    assert_eq!(stage.ledger().summary().accepted, 3);
    for id in ids {
        assert_eq!(outcomes(&stage.job(id).await), ["lost", "completed"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_jobs_with_the_same_text_to_the_same_number_are_two_messages() {
    let stage = Stage::set_for(Act::Sms).await;
    let _worker = stage.worker().start().await;
    stage.faults([FaultRule::first(4, Fault::HangUp { effect: true })]);
    let twins = (0..4).map(|_| SendSms::new("+4790000000", "Bordet er klart"));
    let ids = stage.client.enqueue_all(twins).await.expect("accepted");
    stage.are_in_time(&ids, JobState::Completed).await;
    stage.done_once(&ids).await;
    let mut sids = Vec::new();
    for id in ids {
        let result = stage.job(id).await.result.expect("has a result");
        sids.push(result["sid"].as_str().expect("has a sid").to_owned());
    }
    sids.sort();
    sids.dedup();
    assert_eq!(sids.len(), 4, "each found its own");
    assert_eq!(stage.ledger().summary().accepted, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_of_a_message_reaches_its_job() {
    let stage = Stage::set_for(Act::Sms).await;
    let dead_number = sms(2).to;
    stage.twilio.change_callbacks(|callbacks| {
        callbacks.undelivered.insert(dead_number, 30003);
        callbacks.twice = true;
        callbacks.reversed = true;
    });
    let listener = stage.webhooks().start().await;
    let _worker = stage.worker().start().await;
    let ids = stage.enqueue(3).await;
    for (id, state, code) in [
        (ids[0], "delivered", Value::Null),
        (ids[1], "delivered", Value::Null),
        (ids[2], "undelivered", json!("30003")),
    ] {
        eventually(&format!("{id} is {state}"), || async {
            let delivery = &shown(&stage, id).await["delivery"];
            delivery["state"] == state && delivery["code"] == code
        })
        .await;
        let job = shown(&stage, id).await;
        assert_eq!(job["delivery"]["message"], job["result"]["sid"]);
        assert!(job["delivery"]["at"].is_string());
    }
    // Each was told of four times: two words, twice, the last one first.
    let told = stage
        .twilio
        .wait_called_back(Duration::from_secs(30), 12)
        .await;
    assert_eq!(told.len(), 12);
    assert!(told.iter().all(|told| told.answer == Some(204)), "{told:?}");
    assert_eq!(
        shown(&stage, ids[0]).await["delivery"]["state"],
        "delivered"
    );
    let table = stage.longshore(&["job", &ids[2].to_string()]).await.stdout;
    assert!(
        table.contains("undelivered at ") && table.contains(": 30003"),
        "{table}"
    );
    // No log holds a number or a text.
    for text in [sms(2).to.trim_start_matches('+'), "Bordet"] {
        assert!(!listener.says(text), "{text} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_finds_a_job_whose_answer_was_lost() {
    let stage = Stage::set_for(Act::Sms).await;
    let _listener = stage.webhooks().start().await;
    let _worker = stage.worker().start().await;
    stage.faults([FaultRule::first(1, Fault::HangUp { effect: true })]);
    let id = stage.enqueue(1).await[0];
    eventually("the report came", || async {
        shown(&stage, id).await["delivery"]["state"] == "delivered"
    })
    .await;
    stage.is(id, JobState::Retryable).await;
    stage.back_date().await;
    stage.is(id, JobState::Completed).await;
    assert_eq!(stage.ledger().summary().accepted, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_listener_stops_in_good_order() {
    let stage = Stage::set_for(Act::Sms).await;
    let mut listener = stage.webhooks().start().await;
    listener.stop();
    assert_eq!(listener.left_within(Duration::from_secs(15)).await, 0);
    assert!(listener.says("drained"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_became_of_messages_takes_no_more_of_redis_than_it_may() {
    let stage = Stage::set_for(Act::Sms).await;
    let start = stage.worker().queue("DELIVERY_BYTES", "1000");
    let _worker = start.start().await;
    let ids = stage.enqueue(12).await;
    stage.done_once(&ids).await;
    let mut known = redis::cmd("ZCARD");
    known.arg(&stage.queue.keys().delivery_ages);
    let known: usize = stage.queue.link().command(&known).await.expect("counts");
    assert!((2..=4).contains(&known), "{known} of 12 are remembered");
}
