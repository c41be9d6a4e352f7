//! How jobs end.

use longshore_queue::{Claimed, Fate, RunState, Verdict};

use crate::model::{JobNo, Place};
use crate::step::{End, Word};
use crate::support::{RETENTION, refused, verdict};
use crate::workers::{Kept, Worker};
use crate::world::{Taken, World};

impl World {
    pub(crate) async fn settle(&mut self, worker: usize, jobs: u8, end: End, word: Word) -> Taken {
        let count = usize::from(jobs).min(self.workers[worker].jobs.len());
        if count == 0 {
            return Ok(());
        }
        let ended: Vec<(JobNo, Claimed)> = self.workers[worker].jobs.drain(..count).collect();
        let mut kept = Vec::new();
        for (job, claimed) in ended {
            let (fate, due) = self.fate(end);
            let mut verdict = verdict(&claimed, fate);
            verdict.report = word.report();
            if matches!(end, End::Later | End::Back | End::Untouched) {
                (verdict.state, verdict.history) = (claimed.run, None);
            }
            let payload = match end {
                End::Completed => Vec::new(),
                _ => claimed.payload.clone().unwrap_or_default(),
            };
            kept.push((
                Kept {
                    job,
                    verdict,
                    at: claimed.at,
                    header: claimed.header,
                    payload,
                    due,
                },
                end,
            ));
        }
        self.write(worker, kept).await
    }

    pub(crate) fn fate(&mut self, end: End) -> (Fate, i64) {
        let fate = match end {
            End::Completed => Fate::Completed { result: None },
            End::Failed => Fate::Retry {
                after: self.later(),
            },
            End::Later => Fate::Later {
                after: self.later(),
            },
            End::Back => Fate::Back,
            End::Untouched => Fate::Untouched,
            End::Dead => refused("550"),
        };
        (fate, self.due())
    }

    /// Has verdicts written, and each that was in force carried out by the model.
    pub(crate) async fn write(&mut self, worker: usize, kept: Vec<(Kept, End)>) -> Taken {
        let verdicts: Vec<Verdict> = kept.iter().map(|(kept, _)| kept.verdict.clone()).collect();
        let settled = self.workers[worker]
            .queue
            .settle(&verdicts, RETENTION)
            .await;
        let settled = settled.map_err(|error| error.to_string())?;
        let at = settled.at.ok_or("nobody had Redis forget anything")?;
        let version = self.workers[worker].version;
        let (mut back, mut last) = (Vec::new(), 0);
        for ((mut kept, end), written) in kept.into_iter().zip(settled.written) {
            let Kept { job, .. } = kept;
            let ours = self.is_ours(worker, job, &kept.verdict.token);
            if written != ours {
                return Err(format!(
                    "job {job}: written {written}, and its worker has it: {ours}"
                ));
            }
            if written {
                let Verdict {
                    report, context, ..
                } = &kept.verdict;
                self.model.provider.report(report, *context, version);
                self.end_job(job, end, kept.due, kept.verdict.state);
                if self.model.jobs[job].place == Place::Pending {
                    back.push(job);
                }
                kept.at = at.clone();
                self.workers[worker].settled.push(kept);
                last += 1;
            }
        }
        self.model.provider.reported();
        self.workers[worker].last = last;
        self.model.put_back(&back);
        Ok(())
    }

    pub(crate) fn is_ours(&self, worker: usize, job: JobNo, token: &str) -> bool {
        self.model.jobs[job].place == Place::Running(self.workers[worker].no)
            && self.tokens.get(&job).is_none_or(|of| **of == *token)
    }

    pub(crate) fn end_job(&mut self, job: JobNo, end: End, due: i64, state: RunState) {
        let known = &mut self.model.jobs[job];
        (known.used, known.lost) = (state.used, state.lost);
        known.may_have_been_sent = state.may_have_been_sent;
        known.place = match end {
            End::Completed => Place::Completed,
            End::Failed => Place::Retryable(due),
            // One that has failed before still waits for its retry.
            End::Later if state.used > 0 => Place::Retryable(due),
            End::Later => Place::Scheduled(due),
            End::Back | End::Untouched => Place::Pending,
            End::Dead => Place::Dead,
        };
        // Whoever asked it to stop meant this run.
        let asked = known.asked.take();
        let ended = matches!(end, End::Completed | End::Dead);
        if !ended && asked.is_some_and(|force| force || !known.may_have_been_sent) {
            known.place = Place::Cancelled;
            self.model.free_key(job);
        }
    }

    pub(crate) async fn settle_again(&mut self, worker: usize) -> Taken {
        let Worker {
            queue,
            settled,
            last,
            ..
        } = &self.workers[worker];
        let verdicts = settled.iter().rev().take(*last);
        let verdicts: Vec<Verdict> = verdicts.map(|kept| kept.verdict.clone()).collect();
        if verdicts.is_empty() {
            return Ok(());
        }
        let again = queue.settle(&verdicts, RETENTION).await;
        let again = again.map_err(|error| error.to_string())?;
        match again.written.contains(&true) {
            true => Err("a verdict was written twice".to_owned()),
            false => Ok(()),
        }
    }
}
