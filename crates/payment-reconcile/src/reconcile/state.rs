//! How far a reconcile has come, and what it takes with it.
//!
//! The checkpoint is what operators see as the job's progress: times and counts. What it goes on with (differences
//! found, and payments whose counterpart is still looked for) is kept beside it, under a key that the checkpoint names.
//! A key is written before the checkpoint that names it, and never while one does: each run has two keys of its own
//! and takes them in turn. So whoever resumes finds both of one moment, also when a run that lost its lease goes on
//! for a while.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::ReconcilePayments;
use longshore_job::{JobError, JobId, Run};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compare::{Entry, Payment};
use super::report::{Row, Tally};
use super::side::Side;
use super::window::{Window, time};

/// How long what a run goes on with is kept. A job that waited for longer begins again.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Everything that a run goes on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Everything from here on is compared, Unix time in seconds: it goes from the newest to the oldest.
    pub(super) compared_from: i64,
    /// Both sides are read to their end, and what was left over is decided.
    pub(super) all_read: bool,
    pub(super) tally: Tally,
    /// As many as the report may hold.
    pub(super) rows: Vec<Row>,
    /// Hashes of payments that were found to differ: a payment is reported once.
    pub(super) reported: BTreeSet<u64>,
    /// Payments at Stripe that no entry of the app's has named yet, by id.
    pub(super) unclaimed: BTreeMap<String, Payment>,
    /// Ids of payments that an entry has named before their time came.
    pub(super) claimed_ahead: BTreeSet<String>,
    /// Entries that name a payment which has not come up yet.
    pub(super) waiting: Vec<Entry>,
    /// Entries without a payment intent, by order, each with the time it came up at.
    pub(super) without_intent: BTreeMap<String, (i64, Entry)>,
    /// Entries that are to be repaired.
    pub(super) repairs: VecDeque<Entry>,
}

impl State {
    pub(super) fn new(window: &Window) -> Self {
        Self {
            compared_from: window.end,
            all_read: false,
            tally: Tally::default(),
            rows: Vec::new(),
            reported: BTreeSet::new(),
            unclaimed: BTreeMap::new(),
            claimed_ahead: BTreeSet::new(),
            waiting: Vec::new(),
            without_intent: BTreeMap::new(),
            repairs: VecDeque::new(),
        }
    }
}

/// Where a run keeps its state.
pub(super) struct StateStore<'a> {
    run: &'a Run,
    job: &'a ReconcilePayments,
    side: Side<'a>,
    /// Nobody else's.
    key: String,
    second: bool,
}

impl<'a> StateStore<'a> {
    pub(super) fn new(run: &'a Run, job: &'a ReconcilePayments, side: Side<'a>) -> Self {
        Self {
            run,
            job,
            side,
            key: format!("reconcile:{}", JobId::generate()),
            second: false,
        }
    }

    /// What an earlier run of the job has left, if it is about the same, and still there.
    pub(super) async fn load(&self) -> Result<Option<State>, JobError> {
        let memory = self.run.memory();
        let Some(checkpoint) = memory.checkpoint().await? else {
            return Ok(None);
        };
        let key = match &checkpoint["state"] {
            Value::String(key) if self.is_of_this_job(&checkpoint) => key,
            _ => return Ok(None),
        };
        let state = memory.recall(key).await?;
        let state = state.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if state.is_none() {
            tracing::warn!(job = %self.run.id, "what the checkpoint needs is gone: it begins again");
        }
        Ok(state)
    }

    /// An operator may have edited the job: then it is another comparison.
    fn is_of_this_job(&self, checkpoint: &Value) -> bool {
        checkpoint["v"] == 1
            && checkpoint["from"] == self.job.from
            && checkpoint["to"] == self.job.to
            && checkpoint["repair"] == self.job.repair
            && checkpoint["provider"] == json!(self.job.provider)
    }

    /// Keeps the state.
    ///
    /// # Errors
    /// When the memory cannot be asked, or the job is no longer this run's.
    pub(super) async fn save(&mut self, state: &State) -> Result<(), JobError> {
        let memory = self.run.memory();
        let body = serde_json::to_vec(state).map_err(|error| {
            JobError::permanent(format!("the state cannot be written as JSON: {error}"))
        })?;
        let key = format!("{}:{}", self.key, if self.second { 2 } else { 1 });
        memory.keep(&key, &body, KEPT).await?;
        let tally = &state.tally;
        let at_provider = self.side.word("payments_at_stripe");
        let mut checkpoint = json!({
            "v": 1,
            "from": self.job.from,
            "to": self.job.to,
            "repair": self.job.repair,
            "compared_from": time(state.compared_from).to_string(),
            at_provider: tally.at_stripe,
            "payments_of_invoices": tally.of_invoices,
            "payments_in_app": tally.in_app,
            "differences": tally.differences(),
            "counts": tally.by_kind(self.side),
            "repaired": tally.repaired,
            "repairs_to_make": state.repairs.len(),
            "state": key,
        });
        if let Some(provider) = &self.job.provider {
            checkpoint["provider"] = provider.as_str().into();
        }
        if !memory.save(&checkpoint).await? {
            return Err(JobError::transient("the job is no longer this run's"));
        }
        self.second = !self.second;
        Ok(())
    }
}
