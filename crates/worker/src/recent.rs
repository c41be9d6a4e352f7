//! What this process has settled lately, to be sent again should Redis forget it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_queue::{Fate, RawId, Stamp, Verdict};
use serde_json::Value;

use crate::clock::Moment;
use crate::entry::Entry;
use crate::lock::lock;

/// At most so many are kept.
const MAX_KEPT: usize = 100_000;
/// And so many bytes, by estimate.
const MAX_BYTES: usize = 64 << 20;

/// A verdict that Redis has taken.
#[derive(Debug, Clone)]
pub(crate) struct WrittenVerdict {
    pub(crate) verdict: Verdict,
    /// When, on the queue's timeline.
    pub(crate) at: Stamp,
    /// When, here.
    pub(crate) written: Moment,
    /// The job itself, where more than the verdict may have to be sent: its payload, or jobs that its run has made.
    pub(crate) entry: Option<Arc<Entry>>,
    bytes: usize,
}

/// The verdicts of one queue, oldest first. A std Mutex: never held across an await.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    kept: VecDeque<WrittenVerdict>,
    bytes: usize,
}

impl Recent {
    /// Keeps what was written, and lets go of what is older than `keep`.
    pub(crate) fn note(
        &self,
        verdict: Verdict,
        at: Stamp,
        entry: Option<Arc<Entry>>,
        keep: Duration,
    ) {
        // A claim that was only forgotten says nothing of its job.
        if verdict.fate == Fate::Forget {
            return;
        }
        let entry = entry.filter(|entry| {
            !matches!(verdict.fate, Fate::Completed { .. }) || entry.has_followers()
        });
        let bytes = weight(&verdict) + entry.as_ref().map_or(0, |entry| entry.weight());
        let mut list = lock(&self.0);
        list.bytes += bytes;
        list.kept.push_back(WrittenVerdict {
            verdict,
            at,
            written: Moment::now(),
            entry,
            bytes,
        });
        while list.kept.front().is_some_and(|oldest| {
            list.kept.len() > MAX_KEPT || list.bytes > MAX_BYTES || oldest.written.ran() > keep
        }) {
            if let Some(oldest) = list.kept.pop_front() {
                list.bytes -= oldest.bytes;
            }
        }
    }

    /// Everything that is kept, newest first.
    pub(crate) fn all(&self) -> Vec<WrittenVerdict> {
        lock(&self.0).kept.iter().rev().cloned().collect()
    }

    /// What was written of a job under this token.
    pub(crate) fn find(&self, id: &RawId, token: &str) -> Option<WrittenVerdict> {
        let list = lock(&self.0);
        let found =
            |kept: &&WrittenVerdict| kept.verdict.id == *id && *kept.verdict.token == *token;
        list.kept.iter().rev().find(found).cloned()
    }
}

/// About how many bytes a verdict takes.
fn weight(verdict: &Verdict) -> usize {
    let result = match &verdict.fate {
        Fate::Completed { result } => result.as_ref().map_or(0, json_weight),
        _ => 0,
    };
    let history = verdict.history.as_ref().map_or(0, |entry| {
        entry.worker.len() + entry.outcome.len() + entry.reason.as_ref().map_or(0, String::len)
    });
    size_of::<WrittenVerdict>() + verdict.id.as_bytes().len() + history + result
}

fn json_weight(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(json_weight).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| name.len() + json_weight(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inside
}

#[cfg(test)]
pub(crate) mod tests {
    use longshore_job::JobId;
    use longshore_queue::{CallReport, ClaimContext, RunState};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Of a job that has completed.
    pub(crate) fn verdict(result: Option<Value>) -> Verdict {
        Verdict {
            id: JobId::generate().into(),
            token: "w:1".into(),
            kind: None,
            fate: Fate::Completed { result },
            state: RunState::default(),
            history: None,
            payload_bytes: 0,
            key: None,
            put_back: None,
            report: CallReport::Nothing,
            context: ClaimContext::default(),
        }
    }

    #[test]
    fn the_newest_are_kept_up_to_a_number_and_64_mib() {
        let recent = Recent::default();
        for _ in 0..MAX_KEPT + 5 {
            recent.note(verdict(None), Stamp::default(), None, MINUTE);
        }
        let last = verdict(None);
        recent.note(last.clone(), Stamp::default(), None, MINUTE);
        let kept = recent.all();
        let most = MAX_KEPT.min(MAX_BYTES / weight(&last));
        assert_eq!((kept.len(), &kept[0].verdict.id), (most, &last.id));
        assert!(recent.find(&last.id, "w:1").is_some());
        assert!(recent.find(&last.id, "w:2").is_none());
    }

    #[test]
    fn large_results_are_kept_up_to_64_mib() {
        let recent = Recent::default();
        for _ in 0..80 {
            let large = Value::String("x".repeat(1 << 20));
            recent.note(verdict(Some(large)), Stamp::default(), None, MINUTE);
        }
        assert!((60..64).contains(&recent.all().len()));
    }

    #[test]
    fn what_is_too_old_goes_with_the_next() {
        let recent = Recent::default();
        for _ in 0..3 {
            recent.note(verdict(None), Stamp::default(), None, Duration::ZERO);
        }
        assert!(recent.all().len() <= 1);
    }
}
