//! What claims hand out, and what becomes of one whose answer is lost.

use std::pin::pin;
use std::sync::Arc;

use longshore_queue::{Claim, ClaimState, Claimed, Fate, Route};
use tokio::task::yield_now;

use crate::support::{RETENTION, verdict};
use crate::workers::Worker;
use crate::world::{LeaseState, Taken, World, agree};

impl World {
    pub(crate) async fn claim(&mut self, worker: usize, want: usize) -> Taken {
        let Worker { queue, lease, .. } = &self.workers[worker];
        let claim = queue.claim(lease, want, None).await;
        self.claimed(worker, want, claim.map_err(|error| error.to_string())?)
            .await
    }

    pub(crate) async fn claimed(&mut self, worker: usize, want: usize, claim: Claim) -> Taken {
        let no = self.workers[worker].no;
        let (state, probe) = self.held_back(worker, want);
        let expected = match self.leases[no].1 {
            LeaseState::Ended => ClaimState::Lost,
            _ if self.model.paused => ClaimState::Paused,
            _ => state,
        };
        if claim.state != expected {
            return Err(format!("{:?}, not {expected:?}", claim.state));
        }
        if expected == ClaimState::Lost {
            self.rejoin(worker).await;
            return Ok(());
        }
        let most = match expected {
            ClaimState::Ok => self.most(want, probe),
            _ => 0,
        };
        self.is_taken(worker, probe, &claim.jobs).await?;
        let (ended, given): (Vec<_>, Vec<_>) =
            claim.jobs.into_iter().partition(|job| self.is_over(job));
        self.forget(worker, &ended).await;
        if given.len() > most || (given.len() < most && !self.model.any_order) {
            return Err(format!("{} of {most}", given.len()));
        }
        let mut numbers = Vec::new();
        for claimed in given {
            let job = self.number(&claimed.id)?;
            let model = &self.model.jobs[job];
            let (used, lost, sent) = (
                claimed.run.used,
                claimed.run.lost,
                claimed.run.may_have_been_sent,
            );
            if (used, lost, sent) != (model.used, model.lost, model.may_have_been_sent) {
                return Err(format!(
                    "job {job} comes with {:?}, and is {model:?}",
                    claimed.run
                ));
            }
            if claimed.payload.as_ref() != Some(&self.jobs[job].payload) || claimed.lost_record {
                return Err(format!("job {job} comes without what it needs"));
            }
            numbers.push(job);
            self.tokens.insert(job, Arc::clone(&claimed.token));
            self.workers[worker].jobs.push((job, claimed));
        }
        self.model.claim_in_turn(no, &numbers)
    }

    /// What holds a claim of so many back, and whether what it takes is a probe.
    fn held_back(&self, worker: usize, want: usize) -> (ClaimState, bool) {
        match want {
            0 => (ClaimState::Ok, false),
            _ => self.model.provider.look(self.workers[worker].version),
        }
    }

    /// How many it may take at the most.
    fn most(&self, want: usize, probe: bool) -> usize {
        let one = probe || self.model.provider.is_void();
        let want = if one { want.min(1) } else { want };
        want.min(self.model.pending())
    }

    /// The model's provider has been called; each job says so.
    async fn is_taken(&mut self, worker: usize, probe: bool, jobs: &[Claimed]) -> Taken {
        if jobs.is_empty() {
            return Ok(());
        }
        let epoch = self.take_calls(worker, probe).await?;
        let route = match probe {
            true => Route::Probe,
            false => Route::Primary,
        };
        for claimed in jobs {
            agree(claimed.context.route, route, "the route")?;
            agree(claimed.context.epoch, epoch, "the epoch")?;
        }
        Ok(())
    }

    async fn take_calls(&mut self, worker: usize, probe: bool) -> Result<u64, String> {
        let was_void = self.model.provider.is_void();
        let version = self.workers[worker].version;
        let epoch = self.model.provider.taken(probe, version);
        if was_void {
            // From that call on the limiter gives out so many a millisecond.
            let now = || async { self.queue.now_ms().await.map_err(|error| error.to_string()) };
            let then = now().await? + 2;
            while now().await? < then {}
        }
        Ok(epoch)
    }

    /// In a Redis that was restored, ids may be listed whose jobs have ended.
    pub(crate) fn is_over(&self, claimed: &Claimed) -> bool {
        self.model.any_order && claimed.has_ended
    }

    pub(crate) async fn forget(&mut self, worker: usize, ended: &[Claimed]) {
        for claimed in ended {
            let mut verdict = verdict(claimed, Fate::Forget);
            (verdict.state, verdict.history) = (claimed.run, None);
            let settled = self.workers[worker]
                .queue
                .settle(std::slice::from_ref(&verdict), RETENTION)
                .await;
            settled.expect("settles");
            let version = self.workers[worker].version;
            let provider = &mut self.model.provider;
            provider.report(&verdict.report, claimed.context, version);
            provider.reported();
        }
    }

    /// Not in a Redis that was restored: such a claim may take ids whose jobs have ended, and nobody says which.
    pub(crate) async fn lose_claim(&mut self, worker: usize, want: usize) -> Taken {
        if self.model.any_order {
            return Ok(());
        }
        let Worker {
            queue, lease, no, ..
        } = &self.workers[worker];
        let no = *no;
        let answered = {
            let mut claim = pin!(queue.claim(lease, want, None));
            tokio::select! {
                biased;
                claim = &mut claim => Some(claim),
                () = async { for _ in 0..want { yield_now().await } } => None,
            }
        };
        if let Some(claim) = answered {
            return self
                .claimed(worker, want, claim.map_err(|error| error.to_string())?)
                .await;
        }
        // Once this is answered, the claim before it has been carried out, or never will be.
        let mut ping = redis::cmd("PING");
        self.link
            .command::<String>(ping.arg("x"))
            .await
            .map_err(|error| error.to_string())?;
        let mut taken = Vec::new();
        for job in self.model.waiting_in_order() {
            let owner = self.queue.owner(&self.jobs[job].id.into()).await;
            if owner.map_err(|error| error.to_string())?.is_some() {
                taken.push(job);
            }
        }
        let (state, probe) = self.held_back(worker, want);
        let most = self.most(want, probe);
        let may = self.leases[no].1 != LeaseState::Ended && !self.model.paused;
        let may = may && state == ClaimState::Ok;
        let whole = may && taken.len() == most;
        if !whole && !taken.is_empty() {
            return Err(format!("a claim took {} of {most}", taken.len()));
        }
        if !taken.is_empty() {
            self.take_calls(worker, probe).await?;
        }
        for job in &taken {
            self.tokens.remove(job);
            self.times += 1;
            self.unseen.insert((no, *job, self.times));
        }
        self.model.claim_unseen(no, &taken)
    }
}
