use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Answer, Cause, Class, JobError, OnUnknown, Outcome, clip_reason};
use longshore_queue::{
    CallReport, Decision, Fate, HistoryEntry, Verdict, decide, decide_stopped, report_of_run,
};

use super::{End, JobRun, quoted, trace};
use crate::entry::Entry;
use crate::reach;
use crate::refetch::{self, Refusal};
use crate::station::Station;
use crate::verdict::numbered;

/// How long a job is put back whose args are newer than this worker: a deploy is under way.
const NEWER_WAIT: Duration = Duration::from_secs(60);

/// Why an expired job is dead, in words.
const EXPIRED_UNKNOWN: &str = "expired, and a request of an earlier run may have been carried out";
const EXPIRED: &str = "older than its expires_in when its turn came";

/// Why a job is parked, in words.
const KIND_UNKNOWN: &str = "no handler of this worker knows its kind";

/// Why a job is put back that was stopped in time, in words.
const NEVER_SENT: &str = "its worker stopped before a request of it went out";

/// Why a job is put back whose claim too few replicas know of, and for how long.
const NOT_COPIED: &str =
    "too few replicas of Redis acknowledged its claim, so nothing was sent (redis.wait_replicas)";
const NOT_COPIED_WAIT: Duration = Duration::from_secs(5);

impl JobRun {
    /// Turns the end of a run into a verdict, for the settler to write.
    pub(super) async fn settle(&self, rest: impl Future<Output = End>) {
        let Self { station, entry } = self;
        let mut end = rest.await;
        if let Some(payload) = &entry.claimed.payload {
            quoted::take_out(&mut end, payload, &station.handlers);
        }
        let in_doubt = self.is_in_doubt(&mut end);
        let refusal = refetch::judge_end(station, entry, &end).await;
        let ours = reach::note_end(station, entry, &end);
        let Some(mut decision) = self.decide(&end) else {
            return self.forget();
        };
        if ours || refusal != Refusal::Stands {
            decision = decision.of_our_own();
        }
        if refusal == Refusal::Outdated {
            decision.fate = Fate::Back;
        }
        if in_doubt {
            decision = decision.in_doubt(self.is_by_fallback());
        }
        let kind = self.kind();
        station.metrics.ran(kind, decision.outcome, entry.ran_for());
        log(station, entry, kind, &end, &decision);
        trace::end(entry, decision.outcome, Some(&decision.fate));
        // The next claim may be on its way before this outcome is written, but for one that may hold claims back: then it
        // has to come after.
        if matches!(decision.report, CallReport::Nothing | CallReport::Well) {
            entry.free_slot();
        }
        station.settler.settle(self.verdict(&end, decision));
    }

    /// Whether something that it sent may have been carried out, though its end does not say so: the end is about another request, or
    /// about one that may be repeated. Where what came of it could not be kept, a second one may do harm, and its rule is to hold,
    /// nobody knows what became of it.
    fn is_in_doubt(&self, end: &mut End) -> bool {
        let entry = &self.entry;
        let End::Ran(Err(error)) = end else {
            return false;
        };
        let in_doubt = entry.door.doubts(error);
        let holds = entry.on_unknown.get() == Some(&OnUnknown::Hold);
        if let JobError::Throttled { reason, answer, .. } = error
            && entry.door.is_unremembered()
            && holds
            && entry.may_repeat.get() != Some(&true)
        {
            *end = End::Ran(Err(JobError::OutcomeUnknown {
                reason: std::mem::take(reason),
                answer: std::mem::take(answer),
            }));
        }
        in_doubt
    }

    /// Its kind, once known.
    fn kind(&self) -> Option<&'static str> {
        self.entry.kind.get().copied()
    }

    /// What follows from an end; `None` if that is not ours to say. What a handler's run means is decided in
    /// [`longshore_queue::decide`].
    fn decide(&self, end: &End) -> Option<Decision> {
        let decided = |fate, outcome| Decision {
            fate,
            state: self.entry.state(),
            outcome,
            report: CallReport::Nothing,
        };
        let dead = |class, code, outcome| {
            let cause = Cause::without_provider(class, code);
            decided(Fate::Dead { cause }, outcome)
        };
        Some(match end {
            End::Ran(end) => self.decide_run(end),
            End::Undecodable(error) => dead(Class::Undecodable, error.why.as_str(), "undecodable"),
            End::Expired => dead(Class::Expired, "expires_in over", "expired"),
            End::ExpiredUnknown => {
                dead(Class::OutcomeUnknown, "expires_in over", "outcome_unknown")
            }
            End::Newer { .. } => {
                self.station.metrics.newer();
                decided(Fate::Later { after: NEWER_WAIT }, "newer")
            }
            End::KindUnknown(kind) => decided(Fate::Parked { kind: kind.clone() }, "kind_unknown"),
            End::ListedTwice => decided(Fate::Forget, "listed_twice"),
            End::NeverSent => decided(Fate::Untouched, "never_sent"),
            End::NotCopied => {
                let after = NOT_COPIED_WAIT;
                decided(Fate::Later { after }, "not_copied")
            }
            End::Stopped { sent, .. } => {
                decide_stopped(self.entry.state(), *sent, self.is_by_fallback())
            }
            End::LeaseLost => return None,
        })
    }

    /// Its calls go to the fallback.
    fn is_by_fallback(&self) -> bool {
        let has_fallback = self.station.queue.provider().takes_over().is_some();
        self.entry.route(has_fallback).is_fallback()
    }

    /// What follows from how a handler's run ended.
    fn decide_run(&self, end: &Result<Outcome, JobError>) -> Decision {
        let Self { station, entry } = self;
        let heard = report_of_run(end).filter(|(provider, _)| !entry.has_reported(provider));
        if let Some((provider, word)) = heard {
            station.metrics.called(provider, &word);
        }
        let provider = station.queue.provider();
        let fallback = provider.takes_over();
        let route = entry.route(fallback.is_some());
        let name = match fallback.filter(|_| route.is_fallback()) {
            // It was not the provider of its claim that was called.
            _ if route != entry.claimed.context.route => "",
            Some(fallback) => &fallback.name,
            None => &provider.name,
        };
        let mut policy = station.rules.of(self.kind()).policy.clone();
        if let Some(on_unknown) = entry.on_unknown.get() {
            policy.on_unknown = *on_unknown;
        }
        let decision = decide(end, entry.state(), route, &policy, name);
        match entry.has_reported(name) {
            true => decision.of_calls_told(),
            false => decision,
        }
    }

    /// Its lease is lost: whoever has it now says what becomes of it.
    fn forget(&self) {
        let Self { station, entry } = self;
        let claimed = &entry.claimed;
        station
            .metrics
            .ran(self.kind(), "lease_lost", entry.ran_for());
        trace::end(entry, "lease_lost", None);
        station.ledger.remove(&claimed.id, &claimed.token);
    }

    fn verdict(&self, end: &End, decision: Decision) -> Verdict {
        let claimed = &self.entry.claimed;
        let (state, history, put_back) = match note(&self.entry, end, decision.outcome) {
            Note::Nothing => (decision.state, None, None),
            Note::PutBack(note) => (decision.state, None, Some(note)),
            Note::History(note) => {
                let (state, history) = numbered(decision.state, note);
                (state, history, None)
            }
        };
        let is_completed = matches!(decision.fate, Fate::Completed { .. });
        let noticed = self.station.queue.wanted_notices().is_some();
        let kind = self.kind().filter(|_| !is_completed || noticed);
        Verdict {
            id: claimed.id.clone(),
            token: Arc::clone(&claimed.token),
            kind: kind.map(str::to_owned),
            fate: decision.fate,
            state,
            history,
            key: claimed.key.clone(),
            put_back,
            payload_bytes: claimed.payload.as_ref().map_or(0, Vec::len),
            report: decision.report,
            context: claimed.context,
        }
    }
}

/// What is written down of an end.
enum Note {
    /// Its history gets one more entry.
    History(HistoryEntry),
    /// It is put back. That may happen many times, so only the count and the last reason are kept.
    PutBack(HistoryEntry),
    Nothing,
}

fn note(entry: &Entry, end: &End, outcome: &'static str) -> Note {
    let of = |answer, reason| entry_note(entry, outcome, answer, reason);
    let ours = |reason| of(Answer::default(), Some(reason));
    match end {
        End::Ran(Ok(Outcome::Done { answer, .. })) => Note::History(of(answer.clone(), None)),
        End::Ran(Ok(Outcome::Skipped { reason })) => Note::History(ours(reason)),
        End::Ran(Err(error)) => {
            let note = HistoryEntry {
                blame: error.blame(),
                ..of(error.answer().clone(), Some(error.reason()))
            };
            match error {
                JobError::Throttled { .. } | JobError::NotReached { .. } => Note::PutBack(note),
                _ => Note::History(note),
            }
        }
        End::Undecodable(error) => {
            Note::History(ours(&format!("{}: {}", error.why.as_str(), error.detail)))
        }
        End::Expired => Note::History(ours(EXPIRED)),
        End::ExpiredUnknown => Note::History(ours(EXPIRED_UNKNOWN)),
        End::Newer { version, known } => Note::PutBack(ours(&format!(
            "its args are of version {version}, newer than this worker, which knows its kind up to version {known}"
        ))),
        End::KindUnknown(_) => Note::PutBack(ours(KIND_UNKNOWN)),
        End::NeverSent => Note::PutBack(ours(NEVER_SENT)),
        End::NotCopied => Note::PutBack(ours(NOT_COPIED)),
        End::Stopped { request, .. } => Note::History(HistoryEntry {
            attempt: entry.claimed.run.used,
            worker: request.by.clone(),
            outcome: outcome.to_owned(),
            reason: Some(request.reason.clone()).filter(|reason| !reason.is_empty()),
            ..HistoryEntry::default()
        }),
        End::ListedTwice | End::LeaseLost => Note::Nothing,
    }
}

fn entry_note(entry: &Entry, outcome: &str, answer: Answer, reason: Option<&str>) -> HistoryEntry {
    let (enqueued, enqueued_more) = entry.follower_ids(HistoryEntry::MOST_ENQUEUED);
    HistoryEntry {
        enqueued,
        enqueued_more,
        attempt: entry.claimed.run.used + 1,
        worker: entry.lease.worker().to_string(),
        outcome: outcome.to_owned(),
        probe: entry.claimed.context.route.is_probe(),
        operation: None,
        duration_ms: entry
            .ran_for()
            .and_then(|ran| u64::try_from(ran.as_millis()).ok()),
        answer,
        reason: reason.map(|reason| clip_reason(reason).into_owned()),
        ..HistoryEntry::default()
    }
}

/// One line per end, at the weight of what follows from it.
fn log(
    station: &Station,
    entry: &Entry,
    kind: Option<&'static str>,
    end: &End,
    decision: &Decision,
) {
    let queue = station.queue.name();
    let job_id = &entry.claimed.id;
    let trace_id = entry.trace_id();
    let trace_id = trace_id.as_deref();
    let attempt = entry.claimed.run.used + 1;
    let outcome = decision.outcome;
    let duration_ms = entry.ran_for().map(|ran| ran.as_millis());
    let reason = match end {
        End::Ran(Err(error)) => error.reason(),
        End::Undecodable(error) => error.why.as_str(),
        End::Expired => EXPIRED,
        End::ExpiredUnknown => EXPIRED_UNKNOWN,
        End::NotCopied => NOT_COPIED,
        _ => "",
    };
    match &decision.fate {
        Fate::Completed { .. } | Fate::Untouched | Fate::Back => {
            tracing::debug!(queue, %job_id, kind, attempt, trace_id, outcome, duration_ms, "job ended");
        }
        Fate::Parked { .. } => {
            tracing::warn!(queue, %job_id, trace_id, "job is parked: it waits for a worker that knows its kind");
        }
        Fate::Retry { after } | Fate::Later { after } => {
            let wait_seconds = after.as_secs_f64();
            tracing::warn!(queue, %job_id, kind, attempt, trace_id, outcome, duration_ms, wait_seconds, reason, "job runs again later");
        }
        Fate::Dead { cause } => {
            let cause = cause.to_string();
            tracing::error!(queue, %job_id, kind, attempt, trace_id, outcome, duration_ms, cause, reason, "job is a dead letter");
        }
        Fate::Cancelled => {
            tracing::info!(queue, %job_id, kind, attempt, trace_id, duration_ms, "job is cancelled: it was asked to stop");
        }
        Fate::Forget => {
            tracing::warn!(queue, %job_id, trace_id, "id was listed although its job had ended: ignored");
        }
    }
}
