//! What a sweep goes on with.

use std::collections::BTreeMap;

use crate::SweepBucket;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// How much of the bucket would go.
    Count,
    /// Objects go.
    Objects,
    /// Versions go.
    Versions,
    /// Unfinished uploads go.
    Uploads,
    Done,
}

/// How far it is, and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) versioned: bool,
    /// Which of the prefixes is being listed.
    pub(super) prefix: usize,
    /// Everything of it up to this key is dealt with.
    pub(super) after: Option<String>,
    pub(super) underway: Option<Underway>,
    pub(super) share: Share,
    pub(super) tally: Tally,
}

/// A deletion that was begun: how much of it was done shows in what is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Underway {
    /// The last key of it.
    pub(super) through: String,
    pub(super) objects: u64,
    pub(super) bytes: u64,
}

/// How much of the bucket would go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Share {
    pub(super) all: u64,
    pub(super) expired: u64,
}

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// What was looked at.
    pub(super) listed: u64,
    /// What went: objects, or versions.
    pub(super) objects: u64,
    pub(super) bytes: u64,
    pub(super) uploads: u64,
    /// What the store did not delete, by its code.
    pub(super) kept: BTreeMap<String, u64>,
}

impl State {
    pub(super) fn new(versioned: bool, count: bool) -> Self {
        let phase = match (count, versioned) {
            (true, _) => Phase::Count,
            (false, true) => Phase::Versions,
            (false, false) => Phase::Objects,
        };
        Self {
            phase,
            versioned,
            prefix: 0,
            after: None,
            underway: None,
            share: Share::default(),
            tally: Tally::default(),
        }
    }

    /// Goes on to something else, from its beginning.
    pub(super) fn begin_phase(&mut self, phase: Phase) {
        self.phase = phase;
        self.prefix = 0;
        self.after = None;
    }

    /// What operators see while it runs: no keys.
    pub(super) fn progress(&self) -> Value {
        json!({
            "phase": self.phase,
            "listed": self.tally.listed,
            "objects": self.tally.objects,
            "bytes": self.tally.bytes,
            "uploads": self.tally.uploads,
        })
    }

    pub(super) fn result(&self, job: &SweepBucket) -> Value {
        let tally = &self.tally;
        let mut result = json!({
            "bucket": job.bucket,
            "store": job.store,
            "dry_run": job.dry_run,
            "versioned": self.versioned,
            "listed": tally.listed,
            "kept": tally.kept,
        });
        let name = match job.dry_run {
            true => "would_delete",
            false => "deleted",
        };
        result[name] = json!({
            "objects": tally.objects,
            "bytes": tally.bytes,
            "uploads": tally.uploads,
        });
        result
    }
}
