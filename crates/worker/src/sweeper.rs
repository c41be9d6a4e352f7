//! Sets right what Redis says runs and what really runs: gives back what we own without knowing (a claim whose
//! answer was lost), and settles the jobs of workers that were lost.

use std::collections::HashSet;
use std::sync::Arc;

use longshore_job::Envelope;
use longshore_queue::{
    ClaimContext, HistoryEntry, Lease, MAX_VERDICTS, QueueError, RawId, RescuedJob, RunState,
    Verdict, decide_lost,
};

use crate::claimer::state::Sweeping;
use crate::resend::again;
use crate::station::Station;
use crate::verdict::{numbered, untouched};
use crate::watch::notify_dead;

/// Why a rescued job may have been sent.
const LOST: &str = "the worker was lost while the job ran; a request may have gone out";

/// What came of a sweep.
pub(crate) enum Swept {
    /// There is nothing to sweep before one is wanted again.
    Done,
    /// Redis did not have the lease: it is lost or forgotten. The claim that follows tells these apart, a sweep does not.
    Again,
}

/// One sweep. Called by the claimer between claims, so that no claim of ours is under way meanwhile.
pub(crate) async fn sweep(station: &Arc<Station>, sweeping: Sweeping) -> Result<Swept, QueueError> {
    // Without a lease there is nothing to look for before the keeper has joined.
    let Some(lease) = station.keeper.lease() else {
        return Ok(Swept::Done);
    };
    let (queue, lost_after) = (&station.queue, station.settings.lost_after);
    let found = match sweeping {
        Sweeping::All => queue.sweep(&lease, lost_after).await?,
        Sweeping::Rescue => queue.rescue(&lease, lost_after).await?,
    };
    let Some(found) = found else {
        return Ok(Swept::Again);
    };
    let mut verdicts: Vec<Verdict> = found
        .taken
        .into_iter()
        .map(|taken| lost(station, taken, LOST))
        .collect();
    let rescued = verdicts.len();
    let mut never_run = HashSet::new();
    for (id, token) in found.own {
        if station.ledger.knows(&id, &token) {
            continue;
        }
        verdicts.push(match station.recent.find(&id, &token) {
            // Settled since the look; or Redis forgot that it was.
            Some(kept) => again(kept),
            None if lease.is_unanswered(&token) => {
                never_run.insert(id.clone());
                untouched(
                    id,
                    token.into(),
                    RunState::default(),
                    ClaimContext::default(),
                )
            }
            None => unaccounted(station, &lease, id, token).await?,
        });
    }
    if rescued > 0 {
        tracing::warn!(
            queue = station.queue.name(),
            jobs = rescued,
            "rescued jobs of a lost worker"
        );
        station.metrics.rescued(rescued);
    }
    let mut written = Vec::with_capacity(verdicts.len());
    for chunk in verdicts.chunks(MAX_VERDICTS) {
        let settled = station
            .queue
            .settle(chunk, station.settings.retention)
            .await?;
        let really = chunk.iter().zip(&settled.written);
        let really = really.filter_map(|(verdict, written)| written.then_some(verdict));
        notify_dead(station.watch.as_ref(), station.queue.name(), really);
        station.notifier.wrote(&station.queue, chunk.iter());
        if settled.at.is_none() {
            station.note_forgotten();
            return Ok(Swept::Done);
        }
        written.extend(settled.written);
    }
    // Most of what Redis had and we did not know was settled between the two looks: its token is gone.
    let really = verdicts.iter().zip(written).skip(rescued);
    let given_back = really
        .filter(|(verdict, written)| *written && never_run.contains(&verdict.id))
        .inspect(|(verdict, _)| lease.gave_back(&verdict.token))
        .count();
    if given_back > 0 {
        tracing::warn!(
            queue = station.queue.name(),
            jobs = given_back,
            "gave back jobs of a claim whose answer was lost"
        );
    }
    Ok(Swept::Done)
}

/// Redis says that the job is ours, and nothing here says what became of it: so it may have been sent.
async fn unaccounted(
    station: &Station,
    lease: &Lease,
    id: RawId,
    token: String,
) -> Result<Verdict, QueueError> {
    let job = station.queue.job(&id).await?;
    let (payload, run) = job.map_or_else(Default::default, |job| {
        (job.payload.unwrap_or_default(), job.run)
    });
    tracing::error!(
        queue = station.queue.name(),
        job_id = %id,
        "Redis says that this worker has a job that it does not know: a request may have gone out"
    );
    let taken = RescuedJob {
        by_fallback: token.ends_with('f'),
        id,
        token: token.into(),
        payload,
        run,
        worker: lease.worker().to_string(),
    };
    Ok(lost(
        station,
        taken,
        "Redis had the job as running where nobody knew of it; a request may have gone out",
    ))
}

/// The job's request may have gone out: its `on_unknown` decides.
fn lost(station: &Station, taken: RescuedJob, reason: &str) -> Verdict {
    let envelope = Envelope::parse(&taken.payload).ok();
    let handler = envelope
        .as_ref()
        .and_then(|envelope| station.handlers.get(&envelope.kind));
    let kind = handler.map(|handler| handler.kind().to_owned());
    let mut policy = station.rules.of(kind.as_deref()).policy.clone();
    if let (Some(envelope), Some(handler)) = (&envelope, handler)
        && let Ok(job) = handler.open(envelope)
    {
        policy.on_unknown = handler.on_unknown_of(&*job, policy.on_unknown);
    }
    let decision = decide_lost(taken.run, taken.by_fallback, &policy);
    let (state, history) = numbered(
        decision.state,
        HistoryEntry {
            attempt: taken.run.used + 1,
            worker: taken.worker,
            outcome: decision.outcome.to_owned(),
            reason: Some(reason.to_owned()),
            ..HistoryEntry::default()
        },
    );
    Verdict {
        id: taken.id,
        token: taken.token,
        kind,
        fate: decision.fate,
        state,
        history,
        key: None,
        put_back: None,
        payload_bytes: taken.payload.len(),
        report: decision.report,
        context: ClaimContext::default(),
    }
}
