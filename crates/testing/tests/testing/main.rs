//! What a test gets from this crate, against a handler that does as its args say.

mod attempts;
mod memory;
mod recorder;

use std::panic::catch_unwind;
use std::time::Duration;

use longshore_job::{Handler, InvalidArgs, Job, JobError, KindPolicy, Outcome, Run};
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
    const POLICY: KindPolicy = KindPolicy::taking(Duration::from_millis(50));
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
            "hang" => std::future::pending().await,
            other => panic!("{other}"),
        }
    }

    async fn verify(&self, _: &Act, run: &Run) -> Result<Option<Outcome>, JobError> {
        run.clear_to_read().await;
        let reason = "it was done".to_owned();
        Ok(Some(Outcome::Skipped { reason }))
    }
}

/// What it says as it panics.
fn panics(does: impl FnOnce()) -> String {
    let said = catch_unwind(std::panic::AssertUnwindSafe(does)).expect_err("it panics");
    let text = said.downcast_ref::<String>().cloned();
    text.or(said.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .expect("a text")
}
