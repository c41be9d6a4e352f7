//! Everything a provider can do to a job, and what the job comes to.

use std::time::Duration;

use longshore_client::{JobId, JobState};
use longshore_queue::JobInfo;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, eventually, outcomes};

/// What a job comes to.
#[derive(Debug, PartialEq)]
struct Comes {
    state: JobState,
    /// The last entry of its history, if there is one.
    outcome: Option<&'static str>,
    /// Attempts used up.
    used: u32,
    /// How often it was put back.
    waits: u32,
    may_have_been_sent: bool,
    effects: u64,
    /// Until it runs again, in seconds.
    wait: Option<f64>,
}

/// A failure that is retried after 60 s.
const RETRIED: Comes = Comes {
    state: JobState::Retryable,
    outcome: Some("failed"),
    used: 1,
    waits: 0,
    may_have_been_sent: false,
    effects: 0,
    wait: Some(60.0),
};

/// No answer came: retried after 60 s, and a second mail is possible.
const UNKNOWN: Comes = Comes {
    outcome: Some("outcome_unknown"),
    may_have_been_sent: true,
    ..RETRIED
};

const COMPLETED: Comes = Comes {
    state: JobState::Completed,
    outcome: Some("completed"),
    effects: 1,
    wait: None,
    ..RETRIED
};

async fn comes(stage: &Stage, id: JobId, expected: &Comes) -> JobInfo {
    stage.is(id, expected.state).await;
    let job = stage.job(id).await;
    let outcome = outcomes(&job).last().map(|outcome| (*outcome).to_owned());
    assert_eq!(outcome.as_deref(), expected.outcome);
    let seen = (
        job.run.used,
        job.waits,
        job.run.may_have_been_sent,
        stage.effects(id),
    );
    let wanted = (
        expected.used,
        expected.waits,
        expected.may_have_been_sent,
        expected.effects,
    );
    // Nothing of that is kept once a job has completed.
    if expected.state != JobState::Completed {
        assert_eq!(seen, wanted);
    }
    assert_eq!(stage.effects(id), expected.effects);
    if let (Some(wait), Some(last)) = (expected.wait, job.history.last()) {
        let due = job.next_run_at_ms.expect("it has a time");
        let waits = (due - last.at_ms) as f64 / 1000.0;
        assert!((waits - wait).abs() < 0.01, "it waits {waits} s");
    }
    job
}

fn answer(status: u16) -> Fault {
    Fault::Answer {
        status,
        headers: [].into(),
        body: None,
        effect: false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_has_its_outcome_and_is_got_over() {
    let stage = Stage::set().await;
    let worker = stage.worker().concurrency(1);
    let worker = worker.set("PROVIDERS__SENDGRID__TIMEOUT_SECONDS", "1");
    let _worker = worker.start().await;
    let table = [
        (answer(500), UNKNOWN),
        (answer(504), UNKNOWN),
        (answer(503), RETRIED),
        (
            Fault::Garbage {
                status: 500,
                effect: false,
            },
            UNKNOWN,
        ),
        (
            // Not what SendGrid accepts a mail with.
            Fault::Garbage {
                status: 200,
                effect: true,
            },
            Comes {
                effects: 1,
                ..UNKNOWN
            },
        ),
        (Fault::HangUp { effect: false }, UNKNOWN),
        (
            Fault::HangUp { effect: true },
            Comes {
                effects: 1,
                ..UNKNOWN
            },
        ),
        (Fault::HangUpUnread, UNKNOWN),
        (
            Fault::NeverAnswer { effect: true },
            Comes {
                effects: 1,
                ..UNKNOWN
            },
        ),
    ];
    for (fault, expected) in table {
        println!("{fault:?}");
        stage.faults([FaultRule::first(1, fault)]);
        let id = stage.enqueue(1).await[0];
        comes(&stage, id, &expected).await;
        stage.back_date().await;
        let got_over = Comes {
            effects: expected.effects + 1,
            ..COMPLETED
        };
        let job = comes(&stage, id, &got_over).await;
        assert_eq!(job.history[1].entry.attempt, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttle_costs_no_attempt_and_is_waited_for() {
    let stage = Stage::set().await;
    let _worker = stage.worker().start().await;
    stage.faults([FaultRule::first(
        1,
        Fault::Throttle {
            retry_after_seconds: Some(2),
            reset_in_seconds: None,
        },
    )]);
    let id = stage.enqueue(1).await[0];
    let throttled = Comes {
        state: JobState::Scheduled,
        outcome: None,
        used: 0,
        waits: 1,
        may_have_been_sent: false,
        effects: 0,
        wait: None,
    };
    let job = comes(&stage, id, &throttled).await;
    let due = job.next_run_at_ms.expect("it has a time");
    let job = comes(&stage, id, &COMPLETED).await;
    assert_eq!(job.history[0].entry.attempt, 1, "the throttle was none");
    let done = job.history[0].at_ms;
    assert!(done >= due, "{} ms too early", due - done);
    assert!(done < due + 2000, "{} ms late", done - due);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_burn_no_attempt() {
    let stage = Stage::set().await;
    let _worker = stage.worker().start().await;
    stage.sendgrid.refuse_key("SG.flow");
    let ids = stage.enqueue(5).await;
    eventually("the queue has paused itself", || async {
        stage.stats().await.paused.is_some()
    })
    .await;
    let rows = stage.longshore(&["queues", "--json"]).await.json();
    let reason = rows[0]["paused"]["reason"]
        .as_str()
        .expect("a reason")
        .to_owned();
    assert!(
        reason.starts_with("sendgrid refuses our credentials"),
        "{reason}"
    );
    eventually("all are back", || async {
        stage.stats().await.pending == 5
    })
    .await;
    for &id in &ids {
        assert_eq!(stage.job(id).await.run.used, 0);
    }
    assert!(
        stage.sendgrid.ledger().requests() <= 5,
        "each was tried once at the most"
    );
    assert_eq!(stage.stats().await.dead, 0);
    // The operator has put the key right.
    stage.sendgrid.accept_key("SG.flow");
    assert_eq!(
        stage.longshore(&["resume", "email", "--holds"]).await.code,
        Some(0)
    );
    for id in ids {
        let job = comes(&stage, id, &COMPLETED).await;
        assert_eq!(job.history.last().expect("a history").entry.attempt, 1);
    }
}

/// Out of attempts, it is a dead letter, and an operator's replay brings it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_stays_down_makes_dead_letters_that_can_be_replayed() {
    let stage = Stage::set().await;
    let _worker = stage.worker().start().await;
    stage.faults([FaultRule::always(answer(503))]);
    let id = stage.enqueue(1).await[0];
    stage.is_in_time(id, JobState::Dead).await;
    let job = stage.job(id).await;
    assert_eq!(outcomes(&job), ["failed"; 4]);
    let attempts: Vec<_> = job.history.iter().map(|h| h.entry.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    let groups = stage.longshore(&["dead", "groups", "--json"]).await.json();
    assert_eq!(groups[0]["count"], 1);
    assert_eq!(groups[0]["provider"], "sendgrid");
    stage.faults([]);
    let replayed = stage.longshore(&["dead", "replay", &id.to_string()]).await;
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    stage.is(id, JobState::Completed).await;
    let (state, effects) = (stage.job(id).await.state, stage.effects(id));
    assert_eq!((state, effects), (JobState::Completed, 1));
    assert_eq!(
        outcomes(&stage.job(id).await),
        [
            "failed",
            "failed",
            "failed",
            "failed",
            "replayed",
            "completed"
        ]
    );
}

/// The run's own limit is the last word when a call has a longer one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_takes_too_long_is_dropped() {
    let stage = Stage::set().await;
    let worker = stage.worker().set("QUEUES__EMAIL__TIMEOUT_SECONDS", "1");
    let worker = worker.start().await;
    stage.faults([FaultRule::first(1, Fault::NeverAnswer { effect: false })]);
    let id = stage.enqueue(1).await[0];
    comes(&stage, id, &UNKNOWN).await;
    let took = stage.job(id).await.history[0].entry.duration_ms;
    let took = Duration::from_millis(took.expect("it ran"));
    // The call has 25 s.
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert_eq!(worker.get("/livez").await.0, 200);
}
