//! What verdicts tell the operations that replayed their jobs.

use super::{Group, Verdict};
use crate::decide::Fate;

/// What a run of a replayed job came to, for its operation.
pub(super) struct ReplayReport<'a> {
    pub(super) job: &'a [u8],
    pub(super) operation: String,
    pub(super) word: &'static str,
    pub(super) cause: String,
}

/// What a verdict tells the operation that replayed its job: nothing of a job that was only put back. Of what is not watched only that it
/// completed: that it died, or was cancelled, the script finds in its record.
pub(super) fn replay_report(verdict: &Verdict) -> Option<ReplayReport<'_>> {
    let replayed = verdict.context.replayed?;
    if !replayed.is_watched {
        let completed = matches!(verdict.fate, Fate::Completed { .. });
        return completed.then(|| ReplayReport {
            job: verdict.id.as_bytes(),
            operation: replayed.operation.to_string(),
            word: "c",
            cause: String::new(),
        });
    }
    let cause = match &verdict.fate {
        Fate::Completed { .. } => None,
        Fate::Dead { cause } => Some(cause.clone()),
        Fate::Retry { .. } | Fate::Back => Some(verdict.history.as_ref()?.cause()?),
        Fate::Later { .. }
        | Fate::Parked { .. }
        | Fate::Untouched
        | Fate::Cancelled
        | Fate::Forget => return None,
    };
    let probed = verdict.fate == Fate::Back;
    let group = |cause| Group {
        kind: verdict.kind.clone(),
        cause,
    };
    let again = cause
        .as_ref()
        .map(|cause| group(cause.clone()).id().as_bytes() == replayed.group);
    Some(ReplayReport {
        job: verdict.id.as_bytes(),
        operation: replayed.operation.to_string(),
        word: match (again, probed) {
            (None, _) => "s",
            (Some(true), false) => "f",
            (Some(true), true) => "F",
            (Some(false), false) => "o",
            (Some(false), true) => "O",
        },
        // A line in the operation's record.
        cause: cause.map_or_else(String::new, |cause| cause.to_string().replace('\n', " ")),
    })
}
