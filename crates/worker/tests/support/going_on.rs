use longshore_job::{Answer, Handler, InvalidArgs, Job, JobError, Outcome, Run, Scope};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::Probing;

/// A job whose run takes steps, and fails.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoingOn {
    pub steps: Vec<Take>,
    pub fails: Fails,
}

/// One step of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    Send,
    Read,
    Save,
    Keep,
    /// Says that what it sent last was surely not carried out.
    NotCarriedOut,
    /// Asks for a call of a provider that there is not.
    Acquire,
}

/// How its run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fails {
    Throttled,
    Transient,
    /// So, and its last request may have been carried out.
    Unknown,
    Refused,
}

impl Job for GoingOn {
    const KIND: &'static str = "going_on";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const QUEUE: &'static str = "probe";

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

/// Its handler: the run is told where all are.
pub struct Stepping(pub Probing);

impl Handler for Stepping {
    type Job = GoingOn;

    async fn run(&self, job: GoingOn, run: Run) -> Result<Outcome, JobError> {
        for step in job.steps {
            match step {
                Take::Send => self.0.send(&run).await,
                Take::Read => run.clear_to_read().await,
                Take::Save => drop(run.memory().save(&1.into()).await?),
                Take::Keep => {
                    run.memory()
                        .keep("k", b"v", Duration::from_secs(60))
                        .await?;
                }
                Take::NotCarriedOut => run.not_carried_out(),
                Take::Acquire => drop(run.acquire_call("nobody", true).await?),
            }
        }
        let reason = "as asked".to_owned();
        let answer = Answer {
            unknown: job.fails == Fails::Unknown,
            ..Answer::default()
        };
        Err(match job.fails {
            Fails::Throttled => JobError::Throttled {
                retry_after: Duration::from_secs(60),
                scope: Scope::Job,
                reason,
                answer,
            },
            Fails::Transient | Fails::Unknown => JobError::Transient { reason, answer },
            Fails::Refused => JobError::permanent(reason),
        })
    }
}
