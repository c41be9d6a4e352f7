//! Sends a Redis that forgot what this process knows better: the jobs that run here, the outcomes it had taken, and the
//! jobs that runs have made.

pub(crate) mod memory;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use longshore_queue::{
    CallReport, Fate, Lease, QueueError, RawId, Remembered, Resent, Stamp, Verdict,
};

use crate::entry::Entry;
use crate::recent::WrittenVerdict;
use crate::station::Station;

/// One job to be sent again.
enum Known {
    /// It is here.
    Here(Arc<Entry>),
    /// It was settled.
    Settled(Box<WrittenVerdict>),
}

impl Known {
    fn remembered(&self) -> Remembered<'_> {
        let (id, token, at, run, entry) = match self {
            Self::Here(entry) => {
                let claimed = &entry.claimed;
                (
                    &claimed.id,
                    &claimed.token,
                    entry.at(),
                    claimed.run,
                    Some(entry),
                )
            }
            Self::Settled(kept) => {
                let verdict = &kept.verdict;
                (
                    &verdict.id,
                    &verdict.token,
                    kept.at.clone(),
                    verdict.state,
                    kept.entry.as_ref(),
                )
            }
        };
        let claimed = entry.map(|entry| &entry.claimed);
        let payload = claimed.and_then(|claimed| claimed.payload.as_deref());
        Remembered {
            id,
            token,
            at,
            payload: Cow::Borrowed(payload.unwrap_or_default()),
            header: claimed.map(|claimed| &*claimed.header).unwrap_or_default(),
            run,
        }
    }

    fn at(&self) -> Stamp {
        match self {
            Self::Here(entry) => entry.at(),
            Self::Settled(kept) => kept.at.clone(),
        }
    }

    /// Which claim of which job it is about.
    fn claim(&self) -> (RawId, Arc<str>) {
        let (id, token) = match self {
            Self::Here(entry) => (&entry.claimed.id, &entry.claimed.token),
            Self::Settled(kept) => (&kept.verdict.id, &kept.verdict.token),
        };
        (id.clone(), Arc::clone(token))
    }
}

/// Sends everything, if Redis has forgotten something since it was sent last. Whoever comes while another one sends waits
/// for that one.
pub(crate) async fn resend(station: &Arc<Station>) -> Result<(), QueueError> {
    let memory = &station.redis_memory;
    let _one = memory.sending.lock().await;
    while memory.has_forgotten() {
        // The keeper is joining: claims and settles come after that.
        let Some(lease) = station.keeper.lease() else {
            return Ok(());
        };
        let known = known(station, &lease);
        let followers = resend_followers(&known).await?;
        let remembered: Vec<_> = known.iter().map(Known::remembered).collect();
        match station.queue.resend(&lease, &remembered).await? {
            Resent::Again => {}
            Resent::Lost => {
                station.lose_lease(&lease);
                return Ok(());
            }
            Resent::Done { at, ours } => {
                drop(remembered);
                station.queue.adopt_timeline(&lease, &at);
                // Whoever has not sent yet asks whether its job is its own.
                memory.note_interruption();
                memory.was_sent();
                let ours = known.into_iter().zip(ours).filter(|(_, ours)| *ours);
                let (running, settled) = go_on(station, ours.map(|(known, _)| known), &at);
                station.metrics.redis_forgot();
                tracing::error!(
                    queue = station.queue.name(),
                    outcomes = settled,
                    running,
                    followers,
                    "Redis forgot what it had acknowledged: it is told again what this worker remembers"
                );
                // What Redis says is ours, and was not sent, is found.
                station.claimer.want_sweep();
                // Some may have been cancelled there.
                station.keeper.look_for_asks();
            }
        }
    }
    Ok(())
}

/// What this process knows, newest first: of several about one job, the newest counts. Of one claim it is the verdict that was written
/// last, else its run.
fn known(station: &Station, lease: &Arc<Lease>) -> Vec<Known> {
    let here = station.ledger.all().into_iter();
    let here = here.filter(|entry| Arc::ptr_eq(&entry.lease, lease));
    let settled = station.recent.all().into_iter();
    let mut claims = HashSet::new();
    let mut known: Vec<_> = settled
        .map(|kept| Known::Settled(Box::new(kept)))
        .chain(here.map(Known::Here))
        .filter(|known| claims.insert(known.claim()))
        .collect();
    known.sort_by_cached_key(|known| std::cmp::Reverse(known.at().place()));
    known
}

/// Jobs that runs have made may be forgotten while the runs are not. Returns how many were.
async fn resend_followers(known: &[Known]) -> Result<usize, QueueError> {
    let mut sent = 0;
    for known in known {
        let entry = match known {
            Known::Here(entry) => Some(entry),
            Known::Settled(kept) => kept.entry.as_ref(),
        };
        for follower in entry.map(|entry| entry.followers()).unwrap_or_default() {
            match follower.queue.enqueue_again(&follower.job).await {
                Ok(again) => sent += usize::from(again),
                Err(error) if error.is_outage() => return Err(error),
                // It must not keep everything else from being sent.
                Err(error) => {
                    tracing::error!(queue = follower.queue.name(), job_id = %follower.job.id, %error, "a job that a run had made is forgotten, and refused when it is made again");
                }
            }
        }
    }
    Ok(sent)
}

/// What is ours again runs on, or is settled again. Returns how many of each.
fn go_on(station: &Station, ours: impl Iterator<Item = Known>, at: &Stamp) -> (usize, usize) {
    let (mut running, mut settled) = (0, 0);
    for known in ours {
        match known {
            Known::Here(entry) => {
                entry.set_claimed_at(at.clone());
                running += 1;
            }
            Known::Settled(kept) => {
                if let Some(entry) = &kept.entry {
                    station.ledger.insert_again(entry);
                }
                station.settler.settle_again(again(*kept));
                settled += 1;
            }
        }
    }
    (running, settled)
}

/// A verdict as it is settled again: what it reports of the provider has been counted, and a part of its wait has gone by.
pub(crate) fn again(kept: WrittenVerdict) -> Verdict {
    let gone = kept.written.ran();
    let left = |after: Duration| after.saturating_sub(gone);
    let fate = match kept.verdict.fate {
        Fate::Retry { after } => Fate::Retry { after: left(after) },
        Fate::Later { after } => Fate::Later { after: left(after) },
        fate => fate,
    };
    Verdict {
        fate,
        report: CallReport::Nothing,
        ..kept.verdict
    }
}
