//! What producers do, and time.

use std::time::Duration;

use longshore_email::SendEmail;
use longshore_job::{JobId, Prepared};
use longshore_queue::{ClaimState, Key, NewJob, QueueError, RunAt};

use crate::lanes::{self, LaneNo};
use crate::model::Place;
use crate::step::Args;
use crate::world::{LeaseState, Taken, World};

impl World {
    pub(crate) fn new_job(&mut self, lane: LaneNo, later: bool, key: Option<(u8, Args)>) -> NewJob {
        let template = match key {
            Some((_, Args::Those)) => "farewell",
            _ => "welcome",
        };
        let job = SendEmail::new(template, "ada@example.com");
        let prepared = Prepared::new(&job).expect("good");
        let key = key.map(|(key, _)| Key::of(&prepared, &format!("k{key}")));
        NewJob {
            id: JobId::generate(),
            payload: prepared.payload,
            run_at: match later {
                true => RunAt::In(self.later()),
                false => RunAt::Now,
            },
            key,
            expires_in: None,
            traceparent: None,
            tracestate: None,
            lane: lanes::lane(lane),
            tags: Vec::new(),
            by: None,
        }
    }

    /// Later than every time before, and never within the test.
    pub(crate) fn later(&mut self) -> Duration {
        self.times += 1;
        Duration::from_secs(10_000 + 10 * self.times)
    }

    /// The model's word for the time that was given out last.
    pub(crate) fn due(&self) -> i64 {
        i64::try_from(self.times).expect("fits") * 2
    }

    pub(crate) async fn enqueue(
        &mut self,
        jobs: u8,
        lane: LaneNo,
        later: bool,
        key: Option<(u8, Args)>,
    ) -> Taken {
        let first_due = self.due() + 2;
        let all: Vec<NewJob> = (0..jobs)
            .map(|n| self.new_job(lane, later, key.filter(|_| n == 0)))
            .collect();
        let holder = key.and_then(|(key, args)| Some((self.model.holder(key)?, args)));
        let enqueued = match (self.queue.enqueue(&all).await, holder) {
            (Err(QueueError::KeyTaken(_)), Some(((_, of), args))) if of != args => return Ok(()),
            (Ok(enqueued), Some(((_, of), args))) if of == args => enqueued,
            (Ok(enqueued), None) => enqueued,
            (answer, holder) => return Err(format!("{answer:?} where {holder:?} has the key")),
        };
        for (n, (job, enqueued)) in all.into_iter().zip(enqueued).enumerate() {
            let holder = holder
                .filter(|_| n == 0)
                .map(|((holder, _), _)| self.jobs[holder].id);
            if enqueued.id != holder.unwrap_or(job.id) || enqueued.duplicate != holder.is_some() {
                return Err(format!(
                    "job {n} of it: {enqueued:?}, and the key has {holder:?}"
                ));
            }
            if holder.is_none() {
                let key = key.filter(|_| n == 0);
                let at = later.then(|| first_due + 2 * i64::try_from(n).expect("fits"));
                self.model.put(self.jobs.len(), lane, at, key);
                self.jobs.push(job);
                self.args.push(key);
            }
        }
        Ok(())
    }

    pub(crate) async fn enqueue_again(&mut self, job: u8) -> Taken {
        let Some(job) = usize::from(job).checked_rem(self.jobs.len()) else {
            return Ok(());
        };
        let new = self.jobs[job].clone();
        let enqueued = self.queue.enqueue(std::slice::from_ref(&new)).await;
        let key = self.args[job];
        let held = key.and_then(|(key, args)| Some((self.model.holder(key)?, args)));
        match (enqueued, held) {
            (Err(QueueError::KeyTaken(_)), Some(((holder, of), args)))
                if holder != job && of != args =>
            {
                Ok(())
            }
            (Ok(enqueued), Some(((holder, of), args))) if holder != job && of == args => {
                match enqueued[0].duplicate && enqueued[0].id == self.jobs[holder].id {
                    true => Ok(()),
                    false => Err(format!("{enqueued:?}, and job {holder} has the key")),
                }
            }
            (Ok(enqueued), _) if !enqueued[0].duplicate && enqueued[0].id == new.id => {
                match self.model.jobs[job].place {
                    Place::Gone => {
                        let at = matches!(new.run_at, RunAt::In(_)).then(|| {
                            let RunAt::In(after) = new.run_at else {
                                return 0;
                            };
                            i64::try_from(after.as_secs() - 10_000).expect("fits") / 5
                        });
                        let lane = self.model.jobs[job].lane;
                        self.model.put(job, lane, at, key);
                    }
                    // It has given its key away.
                    Place::Cancelled => {}
                    // Its key is its own again, where a Redis that was restored does not know it.
                    _ => self.model.take_key(job, key),
                }
                Ok(())
            }
            (answer, held) => Err(format!("{answer:?} where {held:?}")),
        }
    }

    pub(crate) async fn make_due(&mut self) -> Taken {
        let ended = |no: usize| self.leases[no].1 == LeaseState::Ended;
        let Some(worker) = self.workers.iter().find(|worker| !ended(worker.no)) else {
            return Ok(());
        };
        self.queue
            .make_due()
            .await
            .map_err(|error| error.to_string())?;
        // What is due is promoted by the next claim, whether that takes any or not.
        let claim = worker.queue.claim(&worker.lease, 0, None).await;
        let claim = claim.map_err(|error| error.to_string())?;
        let expected = if self.model.paused {
            ClaimState::Paused
        } else {
            ClaimState::Ok
        };
        if claim.state != expected {
            return Err(format!("{:?}", claim.state));
        }
        self.model.make_due();
        Ok(())
    }
}
