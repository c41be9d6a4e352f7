//! Leases that end, and jobs of workers that are lost.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_queue::{
    CallReport, ClaimContext, Claimed, Fate, RawId, RunState, Stamp, Verdict, decide_lost,
};

use crate::model::{JobNo, Place};
use crate::step::End;
use crate::support::{LOST, policy};
use crate::workers::{Kept, Worker};
use crate::world::{LeaseState, Taken, World};

impl World {
    pub(crate) async fn freeze(&mut self, worker: usize) {
        let no = self.workers[worker].no;
        if self.leases[no].1 == LeaseState::Fresh {
            self.leases[no].1 = LeaseState::Frozen;
            self.back_date(no).await;
        }
    }

    /// Its last beat was a minute ago.
    pub(crate) async fn back_date(&self, no: usize) {
        let now = self.queue.now_ms().await.expect("has a clock");
        let mut command = redis::cmd("ZADD");
        command
            .arg(&self.queue.keys().workers)
            .arg("XX")
            .arg(now - 60_000)
            .arg(&self.leases[no].0);
        self.link.command::<u8>(&command).await.expect("is written");
    }

    /// Under a new identity; what it ran is for others. Where nobody's beat is fresh, Redis was away: all leases are renewed.
    pub(crate) async fn rejoin(&mut self, worker: usize) {
        let no = self.leases.len();
        let of_others = || self.leases.iter().map(|(_, state)| *state);
        if of_others().all(|state| state != LeaseState::Fresh) {
            for (_, state) in &mut self.leases {
                if *state == LeaseState::Frozen {
                    *state = LeaseState::Fresh;
                }
            }
        }
        let before = &self.workers[worker];
        let mut joined = Worker::join(before.queue.clone(), no).await;
        joined.settled.clone_from(&before.settled);
        (joined.passes, joined.version) = (before.passes.clone(), before.version);
        self.leases
            .push((joined.lease.worker().to_string(), LeaseState::Fresh));
        self.workers[worker] = joined;
    }

    pub(crate) async fn sweep(&mut self, worker: usize) -> Taken {
        let Worker {
            queue, lease, no, ..
        } = &self.workers[worker];
        let (no, lease) = (*no, Arc::clone(lease));
        let sweep = queue.sweep(&lease, LOST).await;
        let sweep = sweep.map_err(|error| error.to_string())?;
        let Some(sweep) = sweep else {
            if self.leases[no].1 != LeaseState::Ended {
                return Err("a lease is lost that nobody ended".to_owned());
            }
            self.rejoin(worker).await;
            return Ok(());
        };
        if self.leases[no].1 == LeaseState::Fresh {
            for (_, state) in &mut self.leases {
                if *state == LeaseState::Frozen {
                    *state = LeaseState::Ended;
                }
            }
        }
        let (mut verdicts, mut given_back) = (Vec::new(), Vec::new());
        let mut found = BTreeSet::new();
        for taken in sweep.taken {
            let job = self.number(&taken.id)?;
            found.insert(job);
            self.model.jobs[job].place = match self.model.jobs[job].place {
                Place::Running(of) if self.leases[of].1 == LeaseState::Ended => Place::Running(no),
                ref other => return Err(format!("job {job} was taken over, and is {other:?}")),
            };
            self.tokens.insert(job, Arc::clone(&taken.token));
            verdicts.push(self.lost(job, &taken.id, taken.token, taken.run));
        }
        for (id, token) in sweep.own {
            let job = self.number(&id)?;
            found.insert(job);
            let here = |(at, claimed): &(JobNo, Claimed)| *at == job && *claimed.token == *token;
            if self.workers[worker].jobs.iter().any(here) {
                continue;
            }
            let run = self
                .queue
                .job(&id)
                .await
                .map_err(|error| error.to_string())?;
            let run = run.map_or_else(RunState::default, |job| job.run);
            // What the worker cannot account for never ran only if its claim was not answered.
            let before = self.unseen.len();
            self.unseen
                .retain(|(of, unseen, _)| (*of, *unseen) != (no, job));
            let never_ran = self.unseen.len() < before;
            if lease.is_unanswered(&token) != never_ran {
                return Err(format!("job {job} never ran: {}", !never_ran));
            }
            if never_ran {
                given_back.push(token.clone());
                verdicts.push((
                    self.kept(job, &id, token.into(), run, Fate::Untouched),
                    End::Untouched,
                ));
            } else {
                verdicts.push(self.lost(job, &id, token.into(), run));
            }
        }
        let lost = |place: &Place| matches!(place, Place::Running(of) if *of == no || self.leases[*of].1 == LeaseState::Ended);
        let jobs = self.model.jobs.iter().enumerate();
        let missed: Vec<_> = jobs
            .filter(|(n, job)| lost(&job.place) && !found.contains(n))
            .collect();
        if !missed.is_empty() {
            return Err(format!("not found: {missed:?}"));
        }
        if !verdicts.is_empty() {
            self.write(worker, verdicts).await?;
        }
        for token in given_back {
            lease.gave_back(&token);
        }
        Ok(())
    }

    pub(crate) fn lost(
        &self,
        job: JobNo,
        id: &RawId,
        token: Arc<str>,
        run: RunState,
    ) -> (Kept, End) {
        let decision = decide_lost(run, false, &policy());
        // Where nobody knows what became of it, a request may have gone out.
        assert!(decision.state.may_have_been_sent && decision.state.lost == run.lost + 1);
        let end = match decision.fate {
            Fate::Dead { .. } => End::Dead,
            _ => End::Back,
        };
        let mut kept = self.kept(job, id, token, run, decision.fate);
        kept.verdict.state = decision.state;
        (kept, end)
    }

    pub(crate) fn kept(
        &self,
        job: JobNo,
        id: &RawId,
        token: Arc<str>,
        state: RunState,
        fate: Fate,
    ) -> Kept {
        let verdict = Verdict {
            id: id.clone(),
            token,
            kind: Some("send_email".to_owned()),
            fate,
            state,
            history: None,
            key: None,
            put_back: None,
            payload_bytes: 0,
            report: CallReport::Nothing,
            context: ClaimContext::default(),
        };
        Kept {
            job,
            verdict,
            at: Stamp::default(),
            header: Vec::new(),
            payload: self.jobs[job].payload.clone(),
            due: 0,
        }
    }
}
