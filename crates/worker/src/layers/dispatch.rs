use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_redis::RedisTask;
use futures_util::future::BoxFuture;
use longshore_job::{
    Envelope, JobError, KindPolicy, MAX_PAYLOAD_BYTES, OnUnknown, Run, Undecodable, UndecodableWhy,
};
use tower::Service;

use super::{End, entry_of};
use crate::entry::Entry;
use crate::gate::SendGate;
use crate::memory::QueueMemory;
use crate::refetch;
use crate::station::Station;
use longshore_job::handlers::{Course, Running};

/// No kind has a longer name, in bytes: what is parked is named by its kind.
const LONGEST_KIND: usize = 128;

/// Decodes a job and runs the handler of its kind. Everything that can be wrong with what stands in Redis ends here,
/// as that one job's end.
#[derive(Clone)]
pub(crate) struct Dispatch {
    station: Arc<Station>,
}

impl Dispatch {
    pub(crate) fn new(station: &Arc<Station>) -> Self {
        Self {
            station: Arc::clone(station),
        }
    }
}

impl Service<RedisTask> for Dispatch {
    type Response = End;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<End, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: RedisTask) -> Self::Future {
        let station = Arc::clone(&self.station);
        let entry = entry_of(&task);
        Box::pin(async move { Ok(dispatch(station, entry).await) })
    }
}

async fn dispatch(station: Arc<Station>, entry: Arc<Entry>) -> End {
    let Started { running, course } = match start(&station, &entry) {
        Ok(started) => started,
        Err(end) => return end,
    };
    match running.await.transpose() {
        // The provider could not say what became of an earlier request: that is what its end is about.
        Some(Err(JobError::Transient { reason, answer })) if course == Course::VerifyOnly => {
            End::Ran(Err(JobError::OutcomeUnknown { reason, answer }))
        }
        Some(end) => End::Ran(end),
        // Too late, and an earlier request was not carried out.
        None => End::Expired,
    }
}

/// A run that has begun.
struct Started {
    running: Running,
    course: Course,
}

fn start(station: &Arc<Station>, entry: &Arc<Entry>) -> Result<Started, End> {
    let claimed = &entry.claimed;
    let undecodable = |why, detail: &str| {
        End::Undecodable(Undecodable {
            why,
            detail: detail.to_owned(),
        })
    };
    if claimed.has_ended {
        return Err(End::ListedTwice);
    }
    let id = claimed
        .id
        .job_id()
        .ok_or_else(|| undecodable(UndecodableWhy::BadId, "ids are ULIDs made by the producer"))?;
    if let Some(bytes) = claimed.too_large {
        let detail = format!("{bytes} bytes, of which at most {MAX_PAYLOAD_BYTES} are read");
        return Err(undecodable(UndecodableWhy::TooLarge, &detail));
    }
    let payload = claimed
        .payload
        .as_deref()
        .ok_or_else(|| undecodable(UndecodableWhy::NoPayload, "nothing is stored under the id"))?;
    if !claimed.has_record {
        let detail = "it is not known whether it ran before: replay it if it may run";
        return Err(undecodable(UndecodableWhy::NoRecord, detail));
    }
    let envelope = Envelope::parse(payload).map_err(End::Undecodable)?;
    let Some(handler) = station.handlers.get(&envelope.kind) else {
        // A newer worker may know it, or one that a deploy is about to start.
        return Err(match envelope.kind.len() {
            ..=LONGEST_KIND => End::KindUnknown(envelope.kind.into_owned()),
            _ => undecodable(UndecodableWhy::UnknownKind, "no kind has so long a name"),
        });
    };
    let _ = entry.kind.set(handler.kind());
    refetch::note(station, entry);
    let rules = station.rules.of(Some(handler.kind()));
    entry.may_take(rules.timeout);
    let may_have_been_sent = claimed.run.may_have_been_sent;
    if envelope.v > handler.version() {
        return Err(match claimed.has_expired(rules.expires) {
            true => too_late(may_have_been_sent),
            false => End::Newer,
        });
    }
    let job = handler.open(&envelope).map_err(End::Undecodable)?;
    let course = match claimed.has_expired(job.expires_in()) {
        // What may have been carried out is not called dead before the provider was asked: somebody would do it again.
        true if may_have_been_sent && handler.can_verify() => Course::VerifyOnly,
        true => return Err(too_late(may_have_been_sent)),
        false if may_have_been_sent && rules.policy.on_unknown == OnUnknown::Verify => {
            Course::VerifyThenRun
        }
        false => Course::Run,
    };
    let gate = Arc::new(SendGate::new(station, entry, handler.may_repeat()));
    let memory = Arc::new(QueueMemory::new(
        station.queue.clone(),
        id,
        Arc::clone(entry),
        station.handlers.known().clone(),
    ));
    let most = rules.policy.schedule.max_attempts();
    let mut run = Run::new(id, claimed.run.used + 1, most, gate)
        .with_memory(Arc::clone(&memory) as _)
        .with_outbox(memory);
    run.idempotency_key = claimed.run.idempotency_key(id);
    run.may_have_been_sent = may_have_been_sent;
    run.route = entry.route(station.queue.provider().takes_over().is_some());
    run.policy = KindPolicy {
        timeout: Some(rules.timeout),
        ..*handler.policy()
    };
    Ok(Started {
        running: job.start(run, course),
        course,
    })
}

/// The end of a job whose expiry is over. What may have been carried out, and cannot be asked about, is for an operator.
fn too_late(may_have_been_sent: bool) -> End {
    match may_have_been_sent {
        true => End::ExpiredUnknown,
        false => End::Expired,
    }
}
