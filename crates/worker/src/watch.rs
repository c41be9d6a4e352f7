//! What a process tells whoever watches over it, beside its log: the few things that somebody should look at.

use std::fmt;
use std::sync::Arc;

use longshore_job::{Answer, Blame, Cause, JobId};
use longshore_queue::{Fate, Verdict};

/// Whoever watches over a process. What it is told holds no args; reasons are texts of ours and of providers, and it
/// redacts what it passes on.
///
/// It is called between jobs: it must not wait, and must not panic.
pub trait Watch: fmt::Debug + Send + Sync {
    /// A job has become a dead letter, and stands in Redis as one.
    fn dead(&self, letter: &NewDeadLetter<'_>);

    /// A queue has paused itself: its provider refuses our credentials.
    fn refused(&self, queue: &str, provider: &str);
}

/// A job that has become a dead letter.
#[derive(Debug, Clone, Copy)]
pub struct NewDeadLetter<'a> {
    /// Its queue.
    pub queue: &'a str,
    /// Its id, unless what stands for one is no id of ours: then it may be anything.
    pub job_id: Option<JobId>,
    /// Its kind; `None` where its payload does not say.
    pub kind: Option<&'a str>,
    /// The attempt that was its last, from 1.
    pub attempt: u32,
    /// What it died of.
    pub cause: &'a Cause,
    /// The group of its cause: 12 hex digits, as `dead groups` shows them.
    pub group: &'a str,
    /// Whose mistake it is, where it was refused.
    pub blame: Option<Blame>,
    /// What the provider said last.
    pub answer: &'a Answer,
    /// Why, in words.
    pub reason: &'a str,
}

/// Notifies the watch of the dead letters among verdicts that were written.
pub(crate) fn notify_dead<'a>(
    watch: Option<&Arc<dyn Watch>>,
    queue: &str,
    written: impl IntoIterator<Item = &'a Verdict>,
) {
    let Some(watch) = watch else { return };
    for verdict in written {
        let (Fate::Dead { cause }, Some(group)) = (&verdict.fate, verdict.group()) else {
            continue;
        };
        let entry = verdict.history.as_ref();
        watch.dead(&NewDeadLetter {
            queue,
            job_id: verdict.id.job_id(),
            kind: verdict.kind.as_deref(),
            attempt: entry.map_or(verdict.state.used, |entry| entry.attempt),
            cause,
            group: &group,
            blame: entry.and_then(|entry| entry.blame),
            answer: entry.map_or(&Answer::default(), |entry| &entry.answer),
            reason: entry
                .and_then(|entry| entry.reason.as_deref())
                .unwrap_or_default(),
        });
    }
}
