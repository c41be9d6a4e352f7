//! What claims hand out, and what becomes of one whose answer is lost.

use std::pin::pin;
use std::sync::Arc;

use longshore_queue::{Claim, ClaimState, Claimed, Fate};
use tokio::task::yield_now;

use crate::support::{RETENTION, verdict};
use crate::workers::Worker;
use crate::world::{LeaseState, Taken, World};

impl World {
    pub(crate) async fn claim(&mut self, worker: usize, want: usize) -> Taken {
        let Worker { queue, lease, .. } = &self.workers[worker];
        let claim = queue.claim(lease, want, None).await;
        self.claimed(worker, want, claim.map_err(|error| error.to_string())?)
            .await
    }

    pub(crate) async fn claimed(&mut self, worker: usize, want: usize, claim: Claim) -> Taken {
        let no = self.workers[worker].no;
        let expected = match self.leases[no].1 {
            LeaseState::Ended => ClaimState::Lost,
            _ if self.model.paused => ClaimState::Paused,
            _ => ClaimState::Ok,
        };
        if claim.state != expected {
            return Err(format!("{:?}, not {expected:?}", claim.state));
        }
        if expected == ClaimState::Lost {
            self.rejoin(worker).await;
            return Ok(());
        }
        let (ended, given): (Vec<_>, Vec<_>) =
            claim.jobs.into_iter().partition(|job| self.is_over(job));
        self.forget(worker, &ended).await;
        let most = match expected {
            ClaimState::Ok => want.min(self.model.pending()),
            _ => 0,
        };
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

    /// In a Redis that was restored, ids may be listed whose jobs have ended.
    pub(crate) fn is_over(&self, claimed: &Claimed) -> bool {
        self.model.any_order && claimed.has_ended
    }

    pub(crate) async fn forget(&self, worker: usize, ended: &[Claimed]) {
        for claimed in ended {
            let mut verdict = verdict(claimed, Fate::Forget);
            (verdict.state, verdict.history) = (claimed.run, None);
            let settled = self.workers[worker]
                .queue
                .settle(&[verdict], RETENTION)
                .await;
            settled.expect("settles");
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
        let most = want.min(self.model.pending());
        let may = self.leases[no].1 != LeaseState::Ended && !self.model.paused;
        let whole = may && taken.len() == most;
        if !whole && !taken.is_empty() {
            return Err(format!("a claim took {} of {most}", taken.len()));
        }
        for job in &taken {
            self.tokens.remove(job);
        }
        self.model.claim_unseen(no, &taken)
    }
}
