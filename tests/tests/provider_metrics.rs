//! What a `work` process counts of its providers: what calls came to, what they take money for, and what the inventory
//! says of them.

use longshore_client::JobState;
use longshore_client::kinds::{SendEmail, SendSms};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Stage, Worker, eventually};

/// Waits until its metrics have these lines.
async fn counts(worker: &Worker, lines: &[&str]) {
    let what = format!("the metrics have {lines:?}");
    eventually(&what, || async {
        let (_, metrics) = worker.get("/metrics").await;
        lines
            .iter()
            .all(|line| metrics.lines().any(|found| found == *line))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_are_counted_one_by_one_and_by_what_calls_came_to() {
    let stage = Stage::set().await;
    let refusal = Fault::Answer {
        status: 400,
        headers: [].into(),
        body: None,
        effect: false,
    };
    stage.faults([
        FaultRule::first(1, refusal),
        FaultRule::first(1, Fault::HangUp { effect: false }),
    ]);
    let worker = stage
        .worker()
        .concurrency(1)
        .set("PROVIDERS__SENDGRID__OWNER", "Mail \"room\"")
        .start()
        .await;
    let ids = stage.enqueue(4).await;
    for id in &ids[2..] {
        stage.is(*id, JobState::Completed).await;
    }
    // Never asked about: nothing of it is a call.
    let strange = SendEmail::new("farewell", "ada@example.com");
    let strange = stage.client.enqueue(strange).await.expect("accepted");
    stage.is(strange, JobState::Dead).await;
    counts(
        &worker,
        &[
            // The refused one was answered, too.
            r#"longshore_provider_calls_total{provider="sendgrid",outcome="answered"} 3"#,
            r#"longshore_provider_calls_total{provider="sendgrid",outcome="failed"} 1"#,
            r#"longshore_provider_billable_units_total{provider="sendgrid",unit="mail"} 2"#,
            r#"longshore_provider_info{provider="sendgrid",criticality="high",owner="Mail \"room\"",sla="99.95"} 1"#,
            r#"longshore_queue_info{queue="email",provider="sendgrid",criticality="high",owner="Mail \"room\""} 1"#,
            r#"longshore_provider_sla_ratio{provider="sendgrid"} 0.9995"#,
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_messages_are_counted_by_segments_also_those_whose_answer_was_lost() {
    let stage = Stage::set_for(Act::Sms).await;
    let worker = stage.worker().start().await;
    let long = SendSms::new("+4790000000", "x".repeat(161));
    let long = stage.client.enqueue(long).await.expect("accepted");
    stage.is(long, JobState::Completed).await;
    stage.faults([FaultRule::first(1, Fault::HangUp { effect: true })]);
    let lost = stage.enqueue(1).await[0];
    stage.is_in_time(lost, JobState::Completed).await;
    counts(
        &worker,
        &[r#"longshore_provider_billable_units_total{provider="twilio",unit="segment"} 3"#],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_counted_by_requests_and_not_when_they_are_remembered() {
    let stage = Stage::set_for(Act::Geocode).await;
    let worker = stage.worker().start().await;
    for _ in 0..3 {
        let id = stage.enqueue(1).await[0];
        stage.is(id, JobState::Completed).await;
    }
    counts(
        &worker,
        &[
            r#"longshore_provider_billable_units_total{provider="google_maps",unit="request"} 1"#,
            r#"longshore_provider_calls_total{provider="google_maps",outcome="answered"} 1"#,
        ],
    )
    .await;
}
