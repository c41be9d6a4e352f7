//! What the providers here have carried out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::provider::Draft;

/// One effect that was carried out: one mail sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Its place in the ledger, from 1.
    pub seq: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The provider, as configuration names it.
    pub provider: Cow<'static, str>,
    /// The job that asked for it, where the request says so.
    pub job: Option<String>,
    /// The template, where there are templates.
    pub template: Option<String>,
    /// Who or what it is for, as it came: the ledger never leaves the machine.
    pub recipient: String,
    /// The id that the provider gave it.
    pub id: String,
}

/// The ledger in four numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Requests to the provider's API, whatever became of them; those hung up on included.
    pub requests: u64,
    /// Effects carried out.
    pub accepted: u64,
    /// Different jobs among them.
    pub jobs: u64,
    /// Effects beyond the first of the same job.
    pub duplicates: u64,
}

/// The ledger did not come to what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("waited {} ms in vain, the ledger has come to {summary:?}", waited.as_millis())]
pub struct WaitTimeout {
    /// How long.
    pub waited: Duration,
    /// What it has come to.
    pub summary: Summary,
}

/// Everything that was carried out, in order. Clones share it. It is kept in memory and grows for as long as the
/// process lives, some 200 bytes an effect.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    // A std Mutex: it is held for an append, never across an await.
    book: Mutex<Book>,
    summary: watch::Sender<Summary>,
}

#[derive(Debug, Default)]
struct Book {
    effects: Vec<Effect>,
    by_job: HashMap<String, u64>,
}

impl Ledger {
    /// Every effect, oldest first.
    #[must_use]
    pub fn accepted(&self) -> Vec<Effect> {
        self.book().effects.clone()
    }

    /// How many effects each job had.
    #[must_use]
    pub fn count_by_job(&self) -> HashMap<String, u64> {
        self.book().by_job.clone()
    }

    /// How many requests there were, refused ones and those hung up on included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.summary().requests
    }

    /// The numbers.
    #[must_use]
    pub fn summary(&self) -> Summary {
        *self.shared.summary.borrow()
    }

    /// Waits until the numbers are as wanted. Looks when they change, and at once.
    ///
    /// # Errors
    /// When they are not within `deadline`.
    pub async fn wait_until(
        &self,
        deadline: Duration,
        mut wanted: impl FnMut(&Summary) -> bool,
    ) -> Result<Summary, WaitTimeout> {
        let mut changes = self.shared.summary.subscribe();
        let reached = tokio::time::timeout(deadline, changes.wait_for(|s| wanted(s))).await;
        match reached {
            Ok(Ok(summary)) => Ok(*summary),
            _ => Err(WaitTimeout {
                waited: deadline,
                summary: self.summary(),
            }),
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut book = self.book();
        *book = Book::default();
        self.shared.summary.send_replace(Summary::default());
    }

    /// Notes a request and what was carried out for it, in one step: whoever sees the request sees its effects.
    pub(crate) fn note(&self, provider: &'static str, effects: Vec<Draft>) {
        let at_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        let mut book = self.book();
        let mut summary = self.summary();
        summary.requests += 1;
        for draft in effects {
            summary.accepted += 1;
            if let Some(job) = &draft.job {
                let count = book.by_job.entry(job.clone()).or_default();
                *count += 1;
                match *count {
                    1 => summary.jobs += 1,
                    _ => summary.duplicates += 1,
                }
            }
            book.effects.push(Effect {
                seq: summary.accepted,
                at_ms,
                provider: Cow::Borrowed(provider),
                job: draft.job,
                template: draft.template,
                recipient: draft.recipient,
                id: draft.id,
            });
        }
        self.shared.summary.send_replace(summary);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic while holding it could only come from running out of memory.
        self.shared
            .book
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(job: Option<&str>) -> Draft {
        Draft {
            job: job.map(Into::into),
            template: None,
            recipient: "ada@example.com".into(),
            id: "x".into(),
        }
    }

    #[test]
    fn it_counts_requests_effects_jobs_and_duplicates() {
        let ledger = Ledger::default();
        ledger.note("sendgrid", vec![]);
        ledger.note("sendgrid", vec![mail(Some("A"))]);
        ledger.note("sendgrid", vec![mail(Some("B")), mail(Some("A"))]);
        ledger.note("sendgrid", vec![mail(None)]);
        let summary = Summary {
            requests: 4,
            accepted: 4,
            jobs: 2,
            duplicates: 1,
        };
        assert_eq!(ledger.summary(), summary);
        let seqs: Vec<_> = ledger.accepted().iter().map(|e| e.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4]);
        assert_eq!(ledger.count_by_job()["A"], 2);
        ledger.clear();
        assert_eq!(ledger.summary(), Summary::default());
        assert!(ledger.accepted().is_empty() && ledger.count_by_job().is_empty());
    }

    #[tokio::test]
    async fn waiting_ends_with_the_event_or_the_deadline() {
        let ledger = Ledger::default();
        let waiting = ledger.wait_until(Duration::from_secs(10), |s| s.accepted == 2);
        let working = async {
            for job in ["A", "B"] {
                tokio::task::yield_now().await;
                ledger.note("sendgrid", vec![mail(Some(job))]);
            }
        };
        let (waited, ()) = tokio::join!(waiting, working);
        assert_eq!(waited.expect("reached").jobs, 2);

        let error = ledger.wait_until(Duration::ZERO, |s| s.accepted == 3).await;
        assert_eq!(error.expect_err("not reached").summary.accepted, 2);
    }
}
