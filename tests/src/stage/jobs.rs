//! The jobs of a flow: what is enqueued, and what is waited for.

use std::time::{Duration, Instant};

use longshore_client::kinds::{BucketName, SendEmail, SweepBucket};
use longshore_client::{JobId, JobState, QueueError};
use longshore_queue::{JobInfo, Stats};
use longshore_sandbox::{Fault, FaultRule, Only};

use super::Stage;
use crate::act::{address, contact, email, payment, sms};
use crate::{Act, eventually, gone_by};

impl Stage {
    /// Enqueues this many jobs, each for somebody else.
    ///
    /// # Panics
    /// When they are not accepted.
    pub async fn enqueue(&self, count: usize) -> Vec<JobId> {
        let all = 0..count;
        let accepted = match self.act {
            Act::Email => self.client.enqueue_all(all.map(email)).await,
            Act::Sms => self.client.enqueue_all(all.map(sms)).await,
            Act::Geocode => self.client.enqueue_all(all.map(address)).await,
            Act::Payments => self.client.enqueue_all(all.map(payment)).await,
            Act::Storage => return self.enqueue_sweeps(count).await,
            Act::Service => self.client.enqueue_all(all.map(contact)).await,
        };
        accepted.expect("accepted")
    }

    /// Of the exports, one like the other.
    async fn enqueue_sweeps(&self, count: usize) -> Vec<JobId> {
        let jobs = (0..count).map(|_| SweepBucket::new(BucketName::EXPORTS));
        self.client.enqueue_all(jobs).await.expect("accepted")
    }

    /// Enqueues this many mails of another template (`d-invoice`), which a rule makes slow, and waits until the provider
    /// has them all.
    ///
    /// # Panics
    /// When it does not get them.
    pub async fn slow_calls(&self, count: usize) -> Vec<JobId> {
        let jobs = (0..count).map(|n| SendEmail::new("invoice", format!("slow{n}@example.com")));
        let ids = self.client.enqueue_all(jobs).await.expect("accepted");
        eventually("the slow calls are out", || async {
            ids.iter().all(|id| self.effects(*id) == 1)
        })
        .await;
        ids
    }

    /// The rules for that: slow calls take this long, and all others 50 ms.
    ///
    /// # Panics
    /// When they cannot be followed.
    pub fn slow_calls_take(&self, ms: u64) {
        let slow = Only {
            template: Some("d-invoice".to_owned()),
            ..Only::default()
        };
        self.faults([
            FaultRule::always(Fault::Delay { ms }).only(slow),
            FaultRule::always(Fault::Delay { ms: 50 }),
        ]);
    }

    /// Counts the queue, once Redis is there.
    ///
    /// # Panics
    /// When it stays away.
    pub async fn stats(&self) -> Stats {
        answered(|| self.queue.stats()).await
    }

    /// One job, from the queue itself, once Redis is there.
    ///
    /// # Panics
    /// When Redis stays away, or the job is not there: accepted means kept.
    pub async fn job(&self, id: JobId) -> JobInfo {
        let id = id.into();
        let job = answered(|| self.queue.job(&id)).await;
        job.unwrap_or_else(|| panic!("{id} is nowhere"))
    }

    /// Waits until a job is in this state.
    ///
    /// # Panics
    /// When it does not come to it.
    pub async fn is(&self, id: JobId, state: JobState) {
        eventually(&format!("{id} is {state}"), || async {
            self.job(id).await.state == state
        })
        .await;
    }

    /// Waits until this many jobs run.
    ///
    /// # Panics
    /// When they do not.
    pub async fn running(&self, count: u64) {
        eventually(&format!("{count} jobs run"), || async {
            self.stats().await.running == count
        })
        .await;
    }

    /// Waits until this many jobs have completed since the stage was set.
    ///
    /// # Panics
    /// When they do not.
    pub async fn completed(&self, count: u64) {
        eventually(&format!("{count} jobs have completed"), || async {
            self.stats().await.counter("completed") >= count
        })
        .await;
    }

    /// Waits until this many more jobs have completed: the workers work.
    ///
    /// # Panics
    /// When they do not.
    pub async fn progress(&self, count: u64) {
        let before = self.stats().await.counter("completed");
        self.completed(before + count).await;
    }

    /// Waits until every job has ended, and checks that these have completed, and that the provider has carried out
    /// each job once.
    ///
    /// # Panics
    /// When one was lost, or doubled.
    pub async fn done_once(&self, ids: &[JobId]) {
        eventually("every job ends", || async {
            let stats = self.stats().await;
            stats.pending + stats.running + stats.scheduled + stats.retryable == 0
        })
        .await;
        for &id in ids {
            let job = self.job(id).await;
            assert_eq!(job.state, JobState::Completed, "{id}: {:?}", job.history);
            assert!(self.effects(id) >= 1, "{id} completed without an effect");
        }
        let summary = self.ledger().summary();
        assert_eq!(summary.duplicates, 0, "of {} jobs", ids.len());
    }

    /// Waits until the provider has had this many requests.
    ///
    /// # Panics
    /// When it does not get them.
    pub async fn requests(&self, count: u64) {
        eventually(&format!("{count} requests came"), || async {
            self.ledger().requests() >= count
        })
        .await;
    }

    /// How many effects a job has had.
    #[must_use]
    pub fn effects(&self, id: JobId) -> u64 {
        let counts = self.ledger().count_by_job();
        counts.get(&id.to_string()).copied().unwrap_or(0)
    }
}

/// Looks until Redis answers: a connection that a restart has broken only shows when it is used.
async fn answered<T, Fut>(mut look: impl FnMut() -> Fut) -> T
where
    Fut: Future<Output = Result<T, QueueError>>,
{
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        match look().await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < give_up, "{error}"),
        }
        gone_by(Duration::from_millis(10), Instant::now()).await;
    }
}

/// What a job's history says came of each of its runs, oldest first.
#[must_use]
pub fn outcomes(job: &JobInfo) -> Vec<&str> {
    let history = job.history.iter();
    history
        .map(|recorded| recorded.entry.outcome.as_str())
        .collect()
}
