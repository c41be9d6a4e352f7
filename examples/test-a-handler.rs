//! Tests of a handler, and of a producer, without Redis and without a worker: `cargo test -p longshore-examples --test
//! test-a-handler`.
//!
//! The handler calls a printer. In its tests the printer is a closure; where it is a provider over HTTP, give it a server of
//! a few lines, as `outside/harbour/tests` does for Slack.

use std::sync::Arc;
use std::time::Duration;

use longshore_client::Client;
use longshore_job::{Answer, Class, Handler, InvalidArgs, Job, JobError, OnUnknown, Outcome, Run};
use longshore_testing::{Recorder, Script, run_one};
use serde::{Deserialize, Serialize};

/// Prints a label.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrintLabel {
    parcel: String,
}

impl Job for PrintLabel {
    const KIND: &'static str = "print_label";
    const QUEUE: &'static str = "labels";
    const PUBLIC_ARGS: &'static [&'static str] = &["parcel"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];

    fn check(&self) -> Result<(), InvalidArgs> {
        match self.parcel.starts_with("P-") {
            true => Ok(()),
            false => Err(InvalidArgs::field("parcel", "must begin with P-")),
        }
    }
}

/// What the printer said.
enum Printer {
    Printed,
    OutOfPaper,
    NoSuchParcel,
    HungUp,
}

#[derive(Clone)]
struct PrintLabelHandler(Arc<dyn Fn(&str) -> Printer + Send + Sync>);

impl Handler for PrintLabelHandler {
    type Job = PrintLabel;

    async fn run(&self, job: PrintLabel, run: Run) -> Result<Outcome, JobError> {
        // Before each request with an effect. `Http::send` asks by itself.
        run.clear_to_send().await;
        match (self.0)(&job.parcel) {
            Printer::Printed => Ok(Outcome::done()),
            Printer::OutOfPaper => Err(JobError::transient("the printer is out of paper")),
            Printer::NoSuchParcel => Err(JobError::refusal(
                "no_such_parcel",
                "there is no such parcel",
            )),
            Printer::HungUp => Err(JobError::OutcomeUnknown {
                reason: "the printer hung up".to_owned(),
                answer: Answer::default(),
            }),
        }
    }
}

fn printer(says: impl Fn(&str) -> Printer + Send + Sync + 'static) -> PrintLabelHandler {
    PrintLabelHandler(Arc::new(says))
}

fn label() -> PrintLabel {
    PrintLabel {
        parcel: "P-1".to_owned(),
    }
}

#[tokio::test]
async fn a_label_is_printed_once() {
    let ran = run_one(printer(|_| Printer::Printed), &label()).await;
    let ran = ran.expect("the args are good");
    ran.assert_completed();
    assert_eq!(ran.script.gate.sends(), 1, "one request went out");

    let wrong = PrintLabel {
        parcel: "17".to_owned(),
    };
    let refused = run_one(printer(|_| Printer::Printed), &wrong).await;
    let refused = refused.expect_err("no producer could enqueue it either");
    assert_eq!(refused.to_string(), "parcel: must begin with P-");
}

#[tokio::test]
async fn a_printer_without_paper_is_tried_again_and_then_the_job_is_dead() {
    let empty = printer(|_| Printer::OutOfPaper);
    let mut script = Script::new();
    for wait in [60, 300, 900].map(Duration::from_secs) {
        let ran = script.run_one(empty.clone(), &label()).await;
        let ran = ran.expect("the args are good");
        assert_eq!(ran.assert_retry(), wait);
        script = ran.next_attempt();
    }
    let last = script.run_one(empty, &label()).await;
    last.expect("the args are good").assert_dead();
}

#[tokio::test]
async fn a_refusal_is_dead_at_once_and_grouped_by_its_code() {
    let ran = run_one(printer(|_| Printer::NoSuchParcel), &label()).await;
    let cause = ran.expect("the args are good").assert_dead();
    assert_eq!(cause.code.as_deref(), Some("no_such_parcel"));
}

#[tokio::test]
async fn a_lost_answer_follows_the_rule_of_its_queue() {
    let lost = async |rule| {
        let script = Script::new().on_unknown(rule);
        let ran = script.run_one(printer(|_| Printer::HungUp), &label()).await;
        ran.expect("the args are good")
    };
    let again = lost(OnUnknown::Retry).await.assert_retry();
    assert_eq!(again, Duration::from_secs(60));
    let kept = lost(OnUnknown::Hold).await.assert_dead();
    assert_eq!(kept.class, Class::OutcomeUnknown);
}

/// Code of an app's, which is given a client.
async fn ship(client: &Client, parcel: &str) -> Result<(), longshore_client::ClientError> {
    let label = PrintLabel {
        parcel: parcel.to_owned(),
    };
    client.enqueue(label).key(parcel).await?;
    Ok(())
}

#[tokio::test]
async fn a_parcel_gets_one_label_however_often_it_is_shipped() {
    let recorder = Recorder::new();
    let client = recorder.client();
    ship(&client, "P-1").await.expect("accepted");
    ship(&client, "P-1").await.expect("accepted");
    recorder.assert_only(&label());
}
