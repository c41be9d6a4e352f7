//! A queue on a real Redis and its model, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_queue::{CronBook, JobState, Link, NewJob, Queue, RawId};

use crate::calls;
use crate::model::{Job, JobNo, Model, Place};
use crate::step::{Args, End, Step, Word};
use crate::workers::Worker;

/// How many processes there are.
const WORKERS: usize = 3;

/// A lease that nobody ended yet, as far as anybody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaseState {
    Fresh,
    Frozen,
    Ended,
}

pub(crate) struct World {
    pub(crate) link: Link,
    pub(crate) namespace: String,
    /// For what no worker does.
    pub(crate) queue: Queue,
    pub(crate) workers: Vec<Worker>,
    /// By the number of the lease: its worker's name, and how it stands.
    pub(crate) leases: Vec<(String, LeaseState)>,
    pub(crate) model: Model,
    /// Each job as it was enqueued.
    pub(crate) jobs: Vec<NewJob>,
    pub(crate) args: Vec<Option<(u8, Args)>>,
    /// The claim that has a running job, where its answer was not lost: a worker may have claimed one twice.
    pub(crate) tokens: BTreeMap<JobNo, Arc<str>>,
    /// Goes up with every time that is given to a job: each comes after all that were given before.
    pub(crate) times: u64,
    /// Jobs that the holder of a lease has by a claim whose answer it never got, and which claim.
    pub(crate) unseen: BTreeSet<(usize, JobNo, u64)>,
    pub(crate) saved: Option<Saved>,
    /// What two processes have seen last of the cron entries.
    pub(crate) books: [Option<CronBook>; 2],
}

/// A copy of Redis, and of the model at that moment.
pub(crate) struct Saved {
    pub(crate) model: Model,
    pub(crate) leases: Vec<(String, LeaseState)>,
    pub(crate) tokens: BTreeMap<JobNo, Arc<str>>,
    pub(crate) unseen: BTreeSet<(usize, JobNo, u64)>,
    /// Who had each running job.
    pub(crate) owners: BTreeMap<JobNo, String>,
    pub(crate) keys: Vec<(Vec<u8>, Vec<u8>, i64)>,
    /// Each job's payload then.
    pub(crate) payloads: Vec<Vec<u8>>,
    /// The newest moment of the timeline then.
    pub(crate) place: (u64, u64),
}

/// What went wrong, in words.
pub(crate) type Taken = Result<(), String>;

impl World {
    pub(crate) async fn new(link: &Link, namespace: &str) -> Self {
        let queue = || {
            let queue = Queue::new(link.clone(), namespace, "email");
            let queue = queue.expect("the names are good");
            queue.with_provider(calls::policy(0))
        };
        let mut world = Self {
            link: link.clone(),
            namespace: namespace.to_owned(),
            queue: queue(),
            workers: Vec::new(),
            leases: Vec::new(),
            model: Model::default(),
            jobs: Vec::new(),
            args: Vec::new(),
            tokens: BTreeMap::new(),
            times: 0,
            unseen: BTreeSet::new(),
            saved: None,
            books: [None, None],
        };
        for no in 0..WORKERS {
            let worker = Worker::join(queue(), no).await;
            let name = worker.lease.worker().to_string();
            world.leases.push((name, LeaseState::Fresh));
            world.workers.push(worker);
        }
        world
    }

    /// Carries a step out on both, and compares them.
    pub(crate) async fn take(&mut self, step: &Step) -> Taken {
        match *step {
            Step::Enqueue {
                jobs,
                lane,
                later,
                key,
            } => self.enqueue(jobs, lane, later, key).await?,
            Step::EnqueueAgain { job } => self.enqueue_again(job).await?,
            Step::Due => self.make_due().await?,
            Step::Claim { worker, want } => self.claim(worker.into(), want.into()).await?,
            Step::LoseClaim { worker, want } => self.lose_claim(worker.into(), want.into()).await?,
            Step::Settle { worker, jobs, end } => {
                self.settle(worker.into(), jobs, end, Word::Silent).await?;
            }
            Step::SettleSaying {
                worker,
                jobs,
                end,
                word,
            } => self.settle(worker.into(), jobs, end, word).await?,
            Step::Ask { worker, job } => self.ask_for_call(worker.into(), job.into()).await?,
            Step::Tell { worker, word } => self.tell(worker.into(), word).await?,
            Step::HoldsOver => self.holds_over().await?,
            Step::Lift => self.lift().await?,
            Step::Credentials { worker } => self.renew_credentials(worker.into()),
            Step::Jump { back } => self.jump(back).await?,
            Step::SettleAgain { worker } => self.settle_again(worker.into()).await?,
            Step::ForgetSettled { worker } => {
                let worker = &mut self.workers[usize::from(worker)];
                worker.settled.clear();
                worker.last = 0;
            }
            Step::Freeze { worker } => self.freeze(worker.into()).await,
            Step::Sweep { worker } => self.sweep(worker.into()).await?,
            Step::Pause => self.pause().await?,
            Step::Resume => self.resume().await?,
            Step::Replay { letters } => self.replay(letters.into()).await?,
            Step::Discard { letter } => self.discard(letter.into()).await?,
            Step::Cancel { job, force } => self.cancel(job.into(), force).await?,
            Step::Reschedule { job, later } => self.reschedule(job.into(), later).await?,
            Step::RunNow { job } => self.run_now(job.into()).await?,
            Step::Edit { job, force } => self.edit(job.into(), force).await?,
            Step::Cron(tick) => self.tick(tick).await?,
            Step::Push { with_meta } => self.push(with_meta).await?,
            Step::Save => self.save().await,
            Step::Restore => self.restore(false).await?,
            Step::RestoreBehind => self.restore(true).await?,
        }
        self.compare().await
    }

    pub(crate) fn number(&self, id: &RawId) -> Result<JobNo, String> {
        let job = self.jobs.iter().position(|job| RawId::from(job.id) == *id);
        job.ok_or_else(|| format!("nobody enqueued {id}"))
    }

    /// Each job is where the model says, and the queue counts what the model counts.
    pub(crate) async fn compare(&self) -> Taken {
        for (job, new) in self.jobs.iter().enumerate() {
            let known = &self.model.jobs[job];
            let found = self.queue.job(&new.id.into()).await;
            let found = found.map_err(|error| error.to_string())?;
            let state = found.as_ref().map(|found| found.state);
            if state != known.state() {
                return Err(format!(
                    "job {job} is {state:?}, and should be {:?}",
                    known.place
                ));
            }
            if let Some(found) = found.filter(|_| state != Some(JobState::Completed))
                && (found.run.used, found.run.lost) != (known.used, known.lost)
            {
                return Err(format!(
                    "job {job} has run {:?}, and should be {known:?}",
                    found.run
                ));
            }
        }
        self.compare_keys().await?;
        let stats = self
            .queue
            .stats()
            .await
            .map_err(|error| error.to_string())?;
        for (state, counted) in [
            (JobState::Scheduled, stats.scheduled),
            (JobState::Retryable, stats.retryable),
            (JobState::Running, stats.running),
            (JobState::Dead, stats.dead),
        ] {
            agree(counted, self.model.count(state), state.as_str())?;
        }
        let shown: BTreeSet<_> = stats.holds.iter().map(|hold| hold.cause.as_str()).collect();
        let expected = self.model.provider.holds();
        if shown != expected {
            return Err(format!("holds: {shown:?}, and should be {expected:?}"));
        }
        let breaker = stats.breakers.first();
        let breaker = breaker.map_or("closed", |breaker| breaker.state.as_str());
        agree(breaker, self.model.provider.breaker(), "the breaker")?;
        match self.model.any_order {
            true => Ok(()),
            false => agree(
                stats.pending,
                self.model.count(JobState::Pending),
                "pending",
            ),
        }
    }

    /// What is kept of a job's runs is bounded.
    async fn compare_histories(&self) -> Taken {
        for (job, new) in self.jobs.iter().enumerate() {
            let fields = self.queue.fields_of(&new.id.into()).await;
            let fields = fields.map_err(|error| error.to_string())?;
            let is_entry = |name: &&String| {
                name.strip_prefix('h')
                    .is_some_and(|n| n.parse::<u32>().is_ok())
            };
            let entries = fields.keys().filter(is_entry).count();
            if entries > 10 {
                return Err(format!("job {job} keeps {entries} entries of its history"));
            }
        }
        Ok(())
    }

    /// Whatever happened: once workers go on, every job comes to its end, and nothing is left over.
    pub(crate) async fn end(mut self) -> Taken {
        self.resume().await?;
        for no in 0..self.leases.len() {
            let own = self.workers.iter().find(|worker| worker.no == no);
            match (own, self.leases[no].1) {
                (_, LeaseState::Ended) => {}
                (Some(worker), _) => {
                    worker.beat().await;
                    self.leases[no].1 = LeaseState::Fresh;
                }
                (None, _) => {
                    self.leases[no].1 = LeaseState::Frozen;
                    self.back_date(no).await;
                }
            }
        }
        for _ in 0..100 {
            self.make_due().await?;
            self.holds_over().await?;
            for worker in 0..WORKERS {
                self.sweep(worker).await?;
                self.claim(worker, 5).await?;
                self.settle(worker, 5, End::Completed, Word::Well).await?;
            }
            self.compare().await?;
            let over = |job: &Job| {
                matches!(
                    job.place,
                    Place::Completed | Place::Dead | Place::Cancelled | Place::Gone
                )
            };
            if self.model.jobs.iter().all(over) {
                return self.compare_histories().await;
            }
        }
        Err(format!(
            "jobs are stuck in {}: {:?}",
            self.namespace, self.model.jobs
        ))
    }
}

pub(crate) fn agree<T: Copy + PartialEq + std::fmt::Debug>(
    found: T,
    expected: T,
    what: &str,
) -> Taken {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{what}: {found:?}, and should be {expected:?}")),
    }
}
