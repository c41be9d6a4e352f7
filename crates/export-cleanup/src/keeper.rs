//! How far a job has come, and what it goes on with.
//!
//! The checkpoint is what operators see: counts. What it goes on with holds keys, and is kept beside it, under a key that
//! the checkpoint names. A key is written before the checkpoint that names it, and never while one does: each run has two
//! of its own and takes them in turn, so that whoever resumes finds both of one moment.

use std::time::Duration;

use longshore_job::{Answer, Job, JobError, JobId, Run, Scope};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How long it is kept. A job that waited for longer begins again.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Where a run keeps its state.
pub(crate) struct StateStore<'a> {
    run: &'a Run,
    /// What the job is about: edited, it is another one.
    about: Value,
    /// Nobody else's.
    key: String,
    second: bool,
}

impl<'a> StateStore<'a> {
    pub(crate) fn new<J: Job>(run: &'a Run, job: &J) -> Self {
        Self {
            run,
            about: serde_json::to_value(job).unwrap_or_default(),
            key: format!("cleanup:{}", JobId::generate()),
            second: false,
        }
    }

    /// What an earlier run of the job has left, if it is about the same, and still there.
    pub(crate) async fn load<T: DeserializeOwned>(&self) -> Result<Option<T>, JobError> {
        let memory = self.run.memory();
        let Some(checkpoint) = memory.checkpoint().await? else {
            return Ok(None);
        };
        let key = match &checkpoint["state"] {
            Value::String(key) if checkpoint["v"] == 1 && checkpoint["job"] == self.about => key,
            _ => return Ok(None),
        };
        let state = memory.recall(key).await?;
        let state = state.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if state.is_none() {
            tracing::warn!(job = %self.run.id, "what the checkpoint needs is gone: it begins again");
        }
        Ok(state)
    }

    /// Keeps the state, and shows this of it.
    ///
    /// # Errors
    /// When the memory cannot be asked, or the job is no longer this run's.
    pub(crate) async fn save(
        &mut self,
        state: &impl Serialize,
        progress: Value,
    ) -> Result<(), JobError> {
        let memory = self.run.memory();
        let body = serde_json::to_vec(state)
            .unwrap_or_else(|error| unreachable!("it is texts and numbers: {error}"));
        let key = format!("{}:{}", self.key, if self.second { 2 } else { 1 });
        memory.keep(&key, &body, KEPT).await?;
        let checkpoint = json!({
            "v": 1,
            "job": self.about,
            "state": key,
            "progress": progress,
        });
        self.second = !self.second;
        match memory.save(&checkpoint).await? {
            true => Ok(()),
            // It is about to be dropped.
            false => Err(JobError::Throttled {
                retry_after: Duration::from_secs(1),
                scope: Scope::Job,
                reason: "the job is no longer this run's".to_owned(),
                answer: Answer::default(),
            }),
        }
    }
}
