//! What a test gets from this crate, against a handler that does as its args say.

mod attempts;
mod fleet;
mod memory;
mod recorder;

use std::panic::catch_unwind;
use std::time::Duration;

use longshore_job::{Answer, Handler, InvalidArgs, Job, JobError, Outcome, Run, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    does: String,
}

impl Job for Act {
    const KIND: &'static str = "act";
    const QUEUE: &'static str = "stage";
    const PUBLIC_ARGS: &'static [&'static str] = &["does"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        match self.does.as_str() {
            "" => Err(InvalidArgs::field("does", "must not be empty")),
            _ => Ok(()),
        }
    }
}

fn act(does: &str) -> Act {
    Act {
        does: does.to_owned(),
    }
}

#[derive(Clone)]
struct Actor;

impl Handler for Actor {
    type Job = Act;

    async fn run(&self, job: Act, run: Run) -> Result<Outcome, JobError> {
        run.clear_to_send().await;
        match job.does.as_str() {
            "work" => Ok(Outcome::Done {
                result: Some(json!({ "attempt": run.attempt, "key": run.idempotency_key })),
                answer: Default::default(),
            }),
            "refuse" => Err(JobError::refusal("no", "it does not want to")),
            "fail" => Err(JobError::transient("it fell")),
            "lose" => Err(JobError::OutcomeUnknown {
                reason: "no answer".to_owned(),
                answer: Default::default(),
            }),
            "fail twice" if run.attempt < 3 => Err(JobError::transient("not yet")),
            "fail twice" => Ok(Outcome::done()),
            "wait an hour" if run.memory().recall("waited").await?.is_some() => Ok(Outcome::done()),
            "wait an hour" => {
                let hour = Duration::from_secs(3600);
                run.memory().keep("waited", b"", hour).await?;
                Err(not_now(Scope::Provider))
            }
            "wait for ever" => Err(not_now(Scope::Job)),
            "follow" => {
                let hour = Duration::from_secs(3600);
                let next = run.outbox().prepare("act", r#"{"does":"work"}"#);
                let next = next.expect("its kind is known");
                run.outbox().enqueue(next, "next", hour).await?;
                Ok(Outcome::done())
            }
            "ask with an old key" => Err(JobError::Unauthorized {
                reason: "it is an old key".to_owned(),
                answer: Answer::default(),
            }),
            other => panic!("{other}"),
        }
    }

    async fn verify(&self, _: &Act, run: &Run) -> Result<Option<Outcome>, JobError> {
        run.clear_to_read().await;
        let reason = "it was done".to_owned();
        Ok(Some(Outcome::Skipped { reason }))
    }
}

fn not_now(scope: Scope) -> JobError {
    JobError::Throttled {
        retry_after: Duration::from_secs(3600),
        scope,
        reason: "not now".to_owned(),
        answer: Answer::default(),
    }
}

/// What it says as it panics.
fn panics(does: impl FnOnce()) -> String {
    let said = catch_unwind(std::panic::AssertUnwindSafe(does)).expect_err("it panics");
    let text = said.downcast_ref::<String>().cloned();
    text.or(said.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .expect("a text")
}
