//! A Redis that is what it was: a copy of every key of the queue, put back later.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_queue::{Fate, RunState, Stamp};

use crate::model::{JobNo, Place};
use crate::step::End;
use crate::support::kari;
use crate::workers::Kept;
use crate::world::{LeaseState, Saved, World};

impl World {
    pub(crate) async fn save(&mut self) {
        let mut keys = Vec::new();
        for key in self.names().await {
            let dump: Option<Vec<u8>> = self.ask(redis::cmd("DUMP").arg(&key)).await;
            let ttl: i64 = self.ask(redis::cmd("PTTL").arg(&key)).await;
            if let Some(dump) = dump {
                keys.push((key, dump, ttl.max(0)));
            }
        }
        let newest = self
            .workers
            .iter()
            .map(|worker| worker.queue.newest().place());
        let mut owners = BTreeMap::new();
        for (job, new) in self.jobs.iter().enumerate() {
            let owner = self.queue.owner(&new.id.into()).await;
            owners.extend(owner.expect("looks").map(|token| (job, token.to_string())));
        }
        self.saved = Some(Saved {
            owners,
            model: self.model.clone(),
            leases: self.leases.clone(),
            tokens: self.tokens.clone(),
            unseen: self.unseen.clone(),
            keys,
            payloads: self.jobs.iter().map(|job| job.payload.clone()).collect(),
            place: newest.max().unwrap_or_default(),
        });
    }

    async fn names(&self) -> Vec<Vec<u8>> {
        let all = format!("{{{}:email}}*", self.namespace);
        self.ask(redis::cmd("KEYS").arg(all)).await
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let answer = self.link.command(command).await;
        answer.expect("Redis takes the command")
    }

    /// Redis is what it was. Every process that lives beats, and tells what it remembers; an operator lifts the hold.
    pub(crate) async fn restore(&mut self, behind: bool) -> Result<(), String> {
        let Some(saved) = self.saved.take() else {
            return Ok(());
        };
        for key in self.names().await {
            let _: u8 = self.ask(redis::cmd("DEL").arg(key)).await;
        }
        for (key, dump, ttl) in &saved.keys {
            let _: String = self
                .ask(redis::cmd("RESTORE").arg(key).arg(*ttl).arg(dump))
                .await;
        }
        // A copy is put back into another process of Redis than it was made of.
        let timeline = &self.queue.keys().timeline;
        let mut other = redis::cmd("HSET");
        other.arg(timeline).arg("server").arg("another 1000 0 ");
        let _: u8 = self.ask(&other).await;
        self.tokens.clone_from(&saved.tokens);
        let now = std::mem::replace(&mut self.model, saved.model.clone());
        // Jobs that were enqueued since then are gone, unless a worker tells of them.
        for job in &now.jobs[self.model.jobs.len()..] {
            self.model.jobs.push(job.clone());
            self.model.jobs.last_mut().expect("pushed").place = Place::Gone;
        }
        for (job, payload) in self.jobs.iter_mut().zip(&saved.payloads) {
            job.payload.clone_from(payload);
        }
        self.put_back_leases(&saved).await;
        self.expect_what_is_told(&saved);
        self.unseen.retain(|claim| saved.unseen.contains(claim));
        self.resend().await?;
        match behind {
            true => self.jump(true).await?,
            false => {
                let lifted = self.queue.lift_holds(&kari()).await;
                lifted.map_err(|error| error.to_string())?;
                self.model.provider.lift();
            }
        }
        self.model.forget_order();
        if behind {
            self.compare().await?;
            // It is void; where the clock goes ahead again it would hold once more.
            let mut gone = redis::cmd("HDEL");
            gone.arg(&self.queue.keys().timeline)
                .arg("hold")
                .arg("check");
            let _: u8 = self.ask(&gone).await;
        }
        Ok(())
    }

    /// Each worker's own lease is there again or is renewed; those of before are as good as lost.
    async fn put_back_leases(&mut self, saved: &Saved) {
        for no in 0..self.leases.len() {
            let is_own = self.workers.iter().any(|worker| worker.no == no);
            let was = saved.leases.get(no).map(|(_, state)| *state);
            self.leases[no].1 = match was {
                // If it had ended before, its worker finds that out by its beat.
                _ if is_own => LeaseState::Fresh,
                None | Some(LeaseState::Ended) => LeaseState::Ended,
                Some(_) => LeaseState::Frozen,
            };
            if self.leases[no].1 == LeaseState::Frozen {
                self.back_date(no).await;
            }
        }
    }

    /// Of what happened since, the model keeps what living workers know: of each job, the newest.
    fn expect_what_is_told(&mut self, saved: &Saved) {
        let mut newest: Vec<Option<(Stamp, Known, usize)>> = vec![None; self.jobs.len()];
        let mut note = |job: JobNo, at: &Stamp, known: Known, no: usize| {
            let is_newer = newest[job]
                .as_ref()
                .is_none_or(|(other, ..)| other.place() < at.place());
            if at.place() > saved.place && is_newer {
                newest[job] = Some((at.clone(), known, no));
            }
        };
        for worker in &self.workers {
            for (job, claimed) in &worker.jobs {
                note(
                    *job,
                    &claimed.at,
                    Known::Claimed(
                        claimed.run,
                        Arc::clone(&claimed.token),
                        claimed.payload.clone().unwrap_or_default(),
                    ),
                    worker.no,
                );
            }
            for kept in &worker.settled {
                note(
                    kept.job,
                    &kept.at,
                    Known::Settled(Box::new(kept.clone())),
                    worker.no,
                );
            }
        }
        for (job, known) in newest.into_iter().enumerate() {
            match known {
                None => {}
                Some((_, Known::Claimed(run, token, payload), no)) => {
                    self.told_payload(job, saved, payload);
                    self.tokens.insert(job, token);
                    self.model.jobs[job].asked = None;
                    self.end_job(job, End::Back, 0, run);
                    self.model.jobs[job].place = Place::Running(no);
                }
                Some((_, Known::Settled(kept), _)) => {
                    self.told_payload(job, saved, kept.payload.clone());
                    let end = match kept.verdict.fate {
                        Fate::Completed { .. } => End::Completed,
                        Fate::Retry { .. } => End::Failed,
                        Fate::Later { .. } => End::Later,
                        Fate::Dead { .. } => End::Dead,
                        _ => End::Back,
                    };
                    // It was asked to stop by then, or another claim of it was.
                    if saved.owners.get(&job).map(String::as_str) != Some(&*kept.verdict.token) {
                        self.model.jobs[job].asked = None;
                    }
                    self.end_job(job, end, kept.due, kept.verdict.state);
                }
            }
        }
    }

    /// What Redis did not know has the args that a worker tells.
    fn told_payload(&mut self, job: JobNo, saved: &Saved, payload: Vec<u8>) {
        let unknown = saved
            .model
            .jobs
            .get(job)
            .is_none_or(|known| known.place == Place::Gone);
        if unknown {
            self.jobs[job].payload = payload;
        }
    }

    /// Twice, since the first to notice begins a new timeline, on which those that beat before have to tell, too.
    async fn resend(&mut self) -> Result<(), String> {
        for worker in (0..self.workers.len()).chain(0..self.workers.len()) {
            let beat = self.workers[worker].beat().await;
            if beat.forgot {
                let told = self.workers[worker].resend().await;
                told.ok_or("who told at once came too late")?;
            } else if !beat.held {
                let no = self.workers[worker].no;
                self.leases[no].1 = LeaseState::Ended;
                self.rejoin(worker).await;
            }
        }
        Ok(())
    }
}

/// What a worker did last to a job.
#[derive(Clone)]
enum Known {
    /// It claimed it, and the job's record said this of earlier runs.
    Claimed(RunState, Arc<str>, Vec<u8>),
    Settled(Box<Kept>),
}
