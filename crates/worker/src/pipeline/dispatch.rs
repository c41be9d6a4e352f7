use std::sync::Arc;

use longshore_job::handlers::RunStart;
use longshore_job::{
    Envelope, JobError, JobId, KindPolicy, MAX_PAYLOAD_BYTES, OnUnknown, Run, Undecodable,
    UndecodableWhy, handlers,
};
use longshore_queue::Claimed;

use super::{End, JobRun};
use crate::gate::SendGate;
use crate::memory::QueueMemory;
use crate::refetch;

/// No kind has a longer name, in bytes: what is parked is named by its kind.
const LONGEST_KIND: usize = 128;

/// Why a job without a payload is dead.
const NO_PAYLOAD: &str =
    "nothing stands under the id in `data`, where a producer writes it before it lists the id";

/// Whether some worker may know a kind of this name. What is no name is not kept as one: it may be anything, and somebody's.
fn may_be_a_kind(name: &str) -> bool {
    (1..=LONGEST_KIND).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

impl JobRun {
    /// Decodes a job and runs the handler of its kind. Everything that can be wrong with what stands in Redis ends here,
    /// as that one job's end.
    pub(super) fn dispatch(&self) -> impl Future<Output = End> + Send + use<> {
        let run = self.clone();
        async move {
            if let Some(request) = run.entry.stop_request() {
                let sent = run.entry.door.close();
                return End::Stopped { request, sent };
            }
            let Started { running, start } = match run.start() {
                Ok(started) => started,
                Err(end) => return end,
            };
            match running.await.transpose() {
                // The provider could not say what became of an earlier request: that is what its end is about.
                Some(Err(JobError::Transient { reason, answer }))
                    if start == RunStart::VerifyOnly =>
                {
                    End::Ran(Err(JobError::OutcomeUnknown { reason, answer }))
                }
                Some(end) => End::Ran(end),
                // Too late, and an earlier request was not carried out.
                None => End::Expired,
            }
        }
    }

    fn start(&self) -> Result<Started, End> {
        let Self { station, entry } = self;
        let claimed = &entry.claimed;
        let (id, envelope) = read(claimed)?;
        let Some(handler) = station.handlers.get(&envelope.kind) else {
            // A newer worker may know it, or one that a deploy is about to start.
            return Err(match may_be_a_kind(&envelope.kind) {
                true => End::KindUnknown(envelope.kind.into_owned()),
                false => undecodable(UndecodableWhy::UnknownKind, "no kind has such a name"),
            });
        };
        let _ = entry.kind.set(handler.kind());
        tracing::Span::current().record("kind", handler.kind());
        refetch::note_credentials(station, entry);
        let rules = station.rules.of(Some(handler.kind()));
        entry.set_timeout(rules.timeout);
        let may_have_been_sent = claimed.run.may_have_been_sent;
        if envelope.v > handler.version() {
            return Err(match claimed.has_expired(rules.expires) {
                true => too_late(may_have_been_sent),
                false => End::Newer {
                    version: envelope.v,
                    known: handler.version(),
                },
            });
        }
        let job = handler.open(&envelope).map_err(End::Undecodable)?;
        let on_unknown = handler.on_unknown_of(&*job, rules.policy.on_unknown);
        let _ = entry.on_unknown.set(on_unknown);
        let start = match claimed.has_expired(job.expires_in()) {
            // What may have been carried out is not called dead before the provider was asked: somebody would do it again.
            true if may_have_been_sent && handler.can_verify() => RunStart::VerifyOnly,
            true => return Err(too_late(may_have_been_sent)),
            false if may_have_been_sent && on_unknown == OnUnknown::Verify => {
                RunStart::VerifyThenRun
            }
            false => RunStart::Run,
        };
        let may_repeat = job.may_repeat();
        let _ = entry.may_repeat.set(may_repeat);
        let gate = Arc::new(SendGate::new(station, entry, may_repeat));
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
            running: job.start(run, start),
            start,
        })
    }
}

/// A run that has begun.
struct Started {
    running: handlers::RunFuture,
    start: RunStart,
}

/// Reads what stands in Redis of a job.
fn read(claimed: &Claimed) -> Result<(JobId, Envelope<'_>), End> {
    if claimed.has_ended {
        return Err(End::ListedTwice);
    }
    let id = claimed.id.job_id().ok_or_else(|| {
        undecodable(
            UndecodableWhy::BadId,
            "a producer makes ULIDs: 26 characters, in capitals",
        )
    })?;
    if let Some(bytes) = claimed.too_large {
        let detail = format!("{bytes} bytes, of which at most {MAX_PAYLOAD_BYTES} are read");
        return Err(undecodable(UndecodableWhy::TooLarge, &detail));
    }
    let payload = claimed
        .payload
        .as_deref()
        .ok_or_else(|| undecodable(UndecodableWhy::NoPayload, NO_PAYLOAD))?;
    if claimed.lost_record {
        let detail = "it is not known whether it ran before: replay it if it may run";
        return Err(undecodable(UndecodableWhy::NoRecord, detail));
    }
    let envelope = Envelope::parse(payload).map_err(End::Undecodable)?;
    Ok((id, envelope))
}

fn undecodable(why: UndecodableWhy, detail: &str) -> End {
    End::Undecodable(Undecodable {
        why,
        detail: detail.to_owned(),
    })
}

/// The end of a job whose expiry is over. What may have been carried out, and cannot be asked about, is for an operator.
fn too_late(may_have_been_sent: bool) -> End {
    match may_have_been_sent {
        true => End::ExpiredUnknown,
        false => End::Expired,
    }
}
