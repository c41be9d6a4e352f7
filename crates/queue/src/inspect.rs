//! Looking at one job without touching it.

mod broken;

use std::borrow::Cow;
use std::fmt;

use redis::Value;

use self::broken::broken;
pub(crate) use self::broken::{Broken, NO_TIME};
use crate::header::split;
use crate::key::name_in;
use crate::lane::parse_tags;
use crate::record::{Completion, MAX_HISTORY, history};
use crate::value::{Fields, Reply, shown};
use crate::{
    CronOrigin, Delivery, EnqueuedBy, Forgotten, JobState, Lane, Queue, QueueError, RawId,
    Recorded, RunState, StopRequest, script,
};

/// One job, wherever it is.
#[derive(Clone)]
pub struct JobInfo {
    /// Its id.
    pub id: RawId,
    /// Where it is.
    pub state: JobState,
    /// Its payload; `None` when there is none under its id, or it is too large to be read.
    pub payload: Option<Vec<u8>>,
    /// The size of a payload that is larger than [`MAX_PAYLOAD_BYTES`](longshore_job::MAX_PAYLOAD_BYTES): it is not read.
    pub too_large: Option<u64>,
    /// When it was enqueued, in ms since the epoch.
    pub enqueued_at_ms: Option<u64>,
    /// Since when it is parked, in ms since the epoch, if it is: no worker that claims it knows its kind.
    pub parked_since_ms: Option<u64>,
    /// When it runs next, in ms since the epoch: scheduled and retryable jobs.
    pub next_run_at_ms: Option<u64>,
    /// When it completed, died or was cancelled, in ms since the epoch.
    pub ended_at_ms: Option<u64>,
    /// The worker that has it.
    pub worker: Option<String>,
    /// The group of its dead letter.
    pub group: Option<String>,
    /// What it ended with.
    pub result: Option<serde_json::Value>,
    /// How often it was throttled or put back.
    pub waits: u32,
    /// Why it was put back last.
    pub put_back: Option<Recorded>,
    /// How far it has come, if it is a long one.
    pub progress: Option<serde_json::Value>,
    /// What became of its message after its provider had taken it on.
    pub delivery: Option<Delivery>,
    /// The key it was enqueued with.
    pub idempotency_key: Option<String>,
    /// The cron entry that made it.
    pub cron: Option<CronOrigin>,
    /// Who enqueued it, if that was said.
    pub enqueued_by: Option<EnqueuedBy>,
    /// W3C trace context of its producer.
    pub traceparent: Option<String>,
    /// Its priority and tenant.
    pub lane: Lane,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who asked it to stop while it ran, if somebody did: it still runs, or completed all the same.
    pub asked_to_stop: Option<StopRequest>,
    /// Who asked an earlier run to stop, if somebody did, and it went on: it may have been sent.
    pub was_asked_to_stop: Option<StopRequest>,
    /// That its person was forgotten, if so: its args are gone for good.
    pub forgotten: Option<Forgotten>,
    /// What its record says of its runs.
    pub run: RunState,
    /// Its last ten attempts, oldest first.
    pub history: Vec<Recorded>,
    /// Another program has written it, and listed it nowhere: nothing will run it.
    pub unlisted: bool,
    /// What of it cannot be read, if anything: the rest is as it says.
    pub broken: Option<String>,
}

/// Names it, and where it is: the payload may be personal.
impl fmt::Debug for JobInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobInfo")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// Looks a job up; `None` when the queue does not know it (any more).
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn job(&self, id: &RawId) -> Result<Option<JobInfo>, QueueError> {
        let k = &self.keys;
        let keys = [
            &k.data,
            &k.records,
            &k.inflight,
            &k.scheduled,
            &k.retryable,
            &k.dead,
            &k.completions,
            &k.deliveries,
            &k.parked,
            &k.active,
        ];
        let pushed = k.pushed(id);
        let keys = keys.map(String::as_bytes).into_iter().chain([&*pushed]);
        let value: Value = script::JOB
            .on_keys(keys)
            .arg(id.as_bytes())
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let _now: u64 = answer.next()?;
        let (value, too_large) = answer.value()?;
        let packed: Option<Vec<u8>> = answer.next()?;
        let token: Option<Vec<u8>> = answer.next()?;
        let token = token.map(shown);
        let due: Option<f64> = answer.number()?;
        let retryable = answer.next::<u8>()? == 1;
        let died: Option<f64> = answer.number()?;
        let completion: Option<Vec<u8>> = answer.next()?;
        let delivery: Option<Vec<u8>> = answer.next()?;
        let parked: Option<f64> = answer.number()?;
        let (header, payload) = match value.map(split) {
            Some((header, payload)) => (header, Some(payload)),
            None => (None, None),
        };
        let mut record = Fields::of_job(header, packed.as_deref());
        // What another program pushed has no header until its first claim.
        record.add_missing(answer.next()?);
        let unlisted = answer.next::<u8>()? == 1;
        if payload.is_none()
            && too_large.is_none()
            && record.is_empty()
            && token.is_none()
            && due.is_none()
            && died.is_none()
            && parked.is_none()
        {
            return Ok(None);
        }
        let state = match due {
            _ if token.is_some() => JobState::Running,
            _ if died.is_some() => JobState::Dead,
            Some(_) if retryable => JobState::Retryable,
            Some(_) => JobState::Scheduled,
            None if completion.is_some() => JobState::Completed,
            None if cancelled_at(&record).is_some() => JobState::Cancelled,
            None => JobState::Pending,
        };
        let mut job = from_record(
            id.clone(),
            state,
            payload,
            &record,
            Moments { token, due, died },
        );
        job.add_completion(completion.as_deref());
        job.too_large = too_large;
        job.unlisted = unlisted && state == JobState::Pending && parked.is_none();
        if job.unlisted {
            job.is_broken(broken::UNLISTED);
        }
        job.parked_since_ms = parked
            .filter(|_| state == JobState::Pending)
            .map(|since| since as u64);
        job.delivery = Delivery::read(field(&record, "msg"), delivery.as_deref());
        Ok(Some(job))
    }
}

impl JobInfo {
    /// The attempt of the last run, from 1; 0 before the first. Given-back ones are not counted.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        match self.state {
            JobState::Running => self.run.used + 1,
            // What has completed is written down only in its history.
            JobState::Completed => self
                .history
                .last()
                .map_or(self.run.used, |last| last.entry.attempt),
            // One that was lost with its worker used up no attempt, and was one. An edit is none, nor is a replay.
            JobState::Dead => {
                let mut attempts = self.history.iter();
                let last = attempts.rfind(|last| last.entry.is_attempt());
                last.map_or(self.run.used, |last| last.entry.attempt)
            }
            _ => self.run.used,
        }
    }

    /// How many entries of its history are not kept: only the last ten are.
    #[must_use]
    pub fn history_dropped(&self) -> u32 {
        // The end of a completed one is not counted among them.
        let written = self.run.entries + u32::from(self.state == JobState::Completed);
        let kept = u32::try_from(self.history.len()).unwrap_or(u32::MAX);
        match kept as usize >= MAX_HISTORY {
            true => written.saturating_sub(kept),
            false => 0,
        }
    }

    /// Adds that something of it cannot be read.
    pub(crate) fn is_broken(&mut self, why: &str) {
        self.broken = Some(match self.broken.take() {
            Some(before) => format!("{before}; {why}"),
            None => why.to_owned(),
        });
    }

    /// Adds how it completed, if it did.
    pub(crate) fn add_completion(&mut self, completion: Option<&[u8]>) {
        match completion.map(Completion::parse) {
            Some(Some((at_ms, end))) => self.completed(at_ms, end),
            Some(None) => self.is_broken("how it completed cannot be read"),
            None => {}
        }
    }

    /// Adds how it ended to what its record says.
    fn completed(&mut self, at_ms: u64, end: Completion<'_>) {
        self.ended_at_ms = Some(at_ms);
        self.result = end.result.map(Cow::into_owned);
        if let Some(entry) = end.history {
            let entry = entry.into_owned();
            self.history.push(Recorded { at_ms, entry });
        }
        let older = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..older);
    }
}

pub(crate) struct Moments {
    pub(crate) token: Option<String>,
    pub(crate) due: Option<f64>,
    pub(crate) died: Option<f64>,
}

pub(crate) fn from_record(
    id: RawId,
    state: JobState,
    payload: Option<Vec<u8>>,
    record: &Fields,
    moments: Moments,
) -> JobInfo {
    let end = field(record, "end");
    let (history, unread) = history(record);
    let broken = broken(record, state, moments.due, &unread);
    let enqueued = field(record, "at").and_then(|at| at.parse().ok());
    JobInfo {
        enqueued_at_ms: enqueued.or_else(|| id.job_id().map(longshore_job::JobId::timestamp_ms)),
        id,
        state,
        payload,
        too_large: None,
        parked_since_ms: None,
        next_run_at_ms: moments.due.map(to_ms),
        ended_at_ms: match state {
            JobState::Cancelled => cancelled_at(record),
            _ => moments.died.map(to_ms),
        },
        worker: moments.token.map(|token| {
            token
                .rsplit_once(':')
                .map_or(token.clone(), |(worker, _)| worker.to_owned())
        }),
        group: end.and_then(|end| end.strip_prefix('d').map(str::to_owned)),
        result: None,
        waits: field(record, "waits")
            .and_then(|n| n.parse().ok())
            .unwrap_or(0),
        put_back: record.get("back").and_then(Recorded::parse),
        progress: record
            .get("chk")
            .and_then(|json| serde_json::from_slice(json).ok()),
        delivery: None,
        idempotency_key: idempotency_key(record),
        cron: field(record, "cron").and_then(|text| CronOrigin::parse(&text)),
        enqueued_by: record.text("by").and_then(EnqueuedBy::parse),
        traceparent: field(record, "traceparent"),
        lane: record.text("lane").map(Lane::parse).unwrap_or_default(),
        tags: record.text("tags").map(parse_tags).unwrap_or_default(),
        forgotten: record.get("forgotten").and_then(Forgotten::parse),
        asked_to_stop: record.get("stop").and_then(StopRequest::parse),
        was_asked_to_stop: record.get("stop_was").and_then(StopRequest::parse),
        run: run_of(record),
        history,
        unlisted: false,
        broken: broken.text(),
    }
}

/// What is known of its runs. Of one that had a record which does not tell them, something may have been sent.
fn run_of(record: &Fields) -> RunState {
    let told = field(record, "run").and_then(|run| RunState::read(&run));
    told.unwrap_or(RunState {
        may_have_been_sent: record.had_record(),
        ..RunState::default()
    })
}

/// When a job was cancelled, if its record says that.
fn cancelled_at(record: &Fields) -> Option<u64> {
    let end = record.text("end")?.strip_prefix('x')?;
    end.split(' ').next()?.parse().ok()
}

/// Ours, or what apalis-redis writes at push.
fn idempotency_key(record: &Fields) -> Option<String> {
    let ours = field(record, "key").and_then(|key| name_in(&key).map(str::to_owned));
    let key = ours.or_else(|| field(record, "idempotency_key"));
    key.filter(|key| !key.is_empty())
}

fn field(record: &Fields, name: &str) -> Option<String> {
    record.text(name).map(str::to_owned)
}

/// Unix seconds to milliseconds.
pub(crate) fn to_ms(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}
