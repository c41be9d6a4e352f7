//! `retry.*` and `queues.<queue>.*`: how the jobs of a queue are run.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use longshore_integration::settings::{
    ANY_TIME, KeyPath, Reader, SOME_TIME, Section, bytes, seconds, text, text_by, toml_by, whole,
};
use longshore_integration::{Family, Integration, QueueSpec, section};
use longshore_job::{KindOverrides, OnUnknown, Priority, RetrySchedule};

section! {
    /// When failed attempts are made again.
    pub(super) struct RetryKeys in "retry" {
        /// How long to wait after each failed attempt. Three entries make four attempts; `[]` makes no retry. At most 25 entries, each of
        /// at most 30 days.
        pub(super) schedule: RetrySchedule = "schedule_seconds" as SCHEDULE,
            toml_by(schedule).or("[60, 300, 900]");
    }
}

section! {
    /// How the jobs of one queue are run. Every queue takes the same keys. A setting of a queue wins over what its kinds say,
    /// and a setting of a kind wins over both. `longshore kinds` shows which value holds, and where it comes from.
    pub(super) struct QueueKeys in "queues.<queue>" {
        /// How many jobs one process runs at the same time, 1 to 10000.
        concurrency: u32 = "concurrency", whole(1..=MOST_CONCURRENT).or("20");
        /// How many the whole fleet runs at the same time; any number unless set.
        max_running: Option<u32> = "max_running", whole(1..=u32::MAX).optional().example("100");
        /// How long one attempt may take.
        timeout: Duration = "timeout_seconds" as TIMEOUT,
            seconds(SOME_TIME).or_per_queue(|queue| Some(queue.default_timeout.as_secs_f64().to_string()));
        /// This queue's own retry schedule, instead of `[retry]`.
        retry: Option<RetrySchedule> = "retry_seconds" as RETRY,
            toml_by(schedule).optional().example("[60, 300, 900]");
        /// What follows when a request went out and no answer came: "retry" sends it again, which may do it twice; "hold"
        /// leaves the job to an operator; "verify" asks the provider first, where it can be asked what became of a request.
        _on_unknown: String = "on_unknown" as ON_UNKNOWN,
            text().or_per_queue(|queue| Some(queue.default_on_unknown.to_string()));
        /// How urgent its jobs are, whatever their kinds say: "high", "normal" or "low". `kinds.<kind>.priority` wins.
        priority: Option<Priority> = "priority", text_by(priority).optional().example("low");
        /// How long completed and cancelled jobs are kept, at least 10 s. A provider's terms may say how long at the most.
        completed_for: Duration = "completed_seconds" as COMPLETED_FOR,
            seconds(COMPLETED).or_per_queue(|queue| Some(queue.default_completed.as_secs_f64().to_string()));
        /// How much of them is kept: bytes, or a text with a unit. No limit if it is not set.
        completed_bytes: Option<u64> = "completed_bytes",
            bytes().optional().or_per_queue(|queue| queue.default_completed_bytes.map(str::to_owned)).example("64MiB");
        /// How much is kept of cancelled jobs, which are kept for as long as completed ones: then the oldest are forgotten.
        cancelled_bytes: u64 = "cancelled_bytes", bytes().or("64MiB");
        /// What became of each message is remembered for seven days after its last update, up to this much of Redis's
        /// memory: then the oldest are forgotten. 64 MiB are some 250,000 messages.
        delivery_bytes: u64 = "delivery_bytes", bytes().or("64MiB");
        /// How many jobs may wait in it, scheduled ones included; any number unless set. What a producer enqueues beyond
        /// that is refused, whatever it enqueues with, and may be tried again later. Retries and replays are not. The
        /// workers of the queue tell Redis so: it holds from up to a minute after they have started.
        max_waiting: Option<u32> = "max_waiting", whole(1..=u32::MAX).optional().example("1000000");
    }
}

/// The most retries of one job: as many as apalis makes unless told otherwise.
const MOST_RETRIES: usize = 25;
/// The most jobs that one process runs of one queue.
const MOST_CONCURRENT: u32 = 10_000;
/// How long a completed job is kept, in seconds. At least for as long as whoever waits for its result may need to
/// come and read it.
const COMPLETED: RangeInclusive<f64> = 10.0..=400.0 * 24.0 * 3600.0;

/// How the jobs of one queue are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// How many one process runs at the same time, 1 to 10,000.
    pub concurrency: u32,
    /// How many the whole fleet runs at the same time; `None` = any number.
    pub max_running: Option<u32>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// When a failed attempt is made again.
    pub retry: RetrySchedule,
    /// What follows when a request went out and no answer came.
    pub on_unknown: OnUnknown,
    /// What of this is configured: it goes before what the kinds of the queue say.
    configured: KindOverrides,
    /// How long a completed job is kept.
    pub completed_for: Duration,
    /// How many bytes of completed jobs are kept, the oldest going first; `None` = any.
    pub completed_bytes: Option<u64>,
    /// How many bytes of cancelled jobs are kept, the oldest going first.
    pub cancelled_bytes: u64,
    /// How many bytes the records of deliveries may take, the oldest going first.
    pub delivery_bytes: u64,
    /// How many jobs may wait in it; `None` = any number.
    pub max_waiting: Option<u32>,
}

impl QueueSettings {
    /// What of it is configured, and not only the default.
    pub(super) fn configured(&self) -> KindOverrides {
        self.configured.clone()
    }
}

pub(super) type Queues = BTreeMap<&'static str, QueueSettings>;

/// `None` when one of them could not be read, but all have been tried.
pub(super) fn read(
    reader: &mut Reader<'_>,
    integrations: &[Integration],
    families: &[Family],
) -> Option<Queues> {
    let retry = RetryKeys::read_here(reader);
    let queues: Vec<_> = integrations
        .iter()
        .map(|of| Some((of.queue.name, queue(reader, of, retry.as_ref())?)))
        .collect();
    let retry = &retry?.schedule;
    // What holds for all queues of a family that nothing is set for.
    let general = families.iter().map(|family| {
        let settings = unconfigured(&family.queue, retry);
        Some((family.queue.name, settings))
    });
    queues.into_iter().chain(general).collect()
}

/// A queue for which nothing is set.
fn unconfigured(spec: &QueueSpec, retry: &RetrySchedule) -> QueueSettings {
    const BYTES: u64 = 64 << 20;
    QueueSettings {
        concurrency: 20,
        max_running: None,
        timeout: spec.default_timeout,
        retry: retry.clone(),
        on_unknown: spec.default_on_unknown,
        configured: KindOverrides::default(),
        completed_for: spec.default_completed,
        completed_bytes: spec.default_completed_bytes.map(|_| BYTES),
        cancelled_bytes: BYTES,
        delivery_bytes: BYTES,
        max_waiting: None,
    }
}

fn queue(
    reader: &mut Reader<'_>,
    integration: &Integration,
    retry: Option<&RetryKeys>,
) -> Option<QueueSettings> {
    let spec = &integration.queue;
    let at = KeyPath::new(&["queues", spec.name]);
    let keys = QueueKeys::read(reader, &at);
    let verifiable = integration.kinds.iter().any(|kind| kind.verifiable);
    let rule = at.join(QueueKeys::ON_UNKNOWN);
    let on_unknown = on_unknown(reader, &rule, verifiable, || {
        format!("a job of the queue {}", spec.name)
    });
    let (keys, on_unknown) = (keys?, on_unknown?);
    within_terms(
        reader,
        &at.join(QueueKeys::COMPLETED_FOR),
        spec,
        keys.completed_for,
    );
    let is_configured = |name| reader.is_configured(&at.join(name));
    Some(QueueSettings {
        concurrency: keys.concurrency,
        max_running: keys.max_running,
        timeout: keys.timeout,
        configured: KindOverrides {
            timeout: is_configured(QueueKeys::TIMEOUT).then_some(keys.timeout),
            expires: None,
            retry: keys.retry.clone(),
            on_unknown: is_configured(QueueKeys::ON_UNKNOWN).then_some(on_unknown),
            priority: keys.priority,
        },
        retry: match keys.retry {
            Some(own) => own,
            None => retry?.schedule.clone(),
        },
        on_unknown,
        completed_for: keys.completed_for,
        completed_bytes: keys.completed_bytes,
        cancelled_bytes: keys.cancelled_bytes,
        delivery_bytes: keys.delivery_bytes,
        max_waiting: keys.max_waiting,
    })
}

fn within_terms(reader: &mut Reader<'_>, path: &KeyPath, spec: &QueueSpec, set: Duration) {
    if let Some(most) = spec.keep_at_most.filter(|most| set > *most) {
        let days = most.as_secs() / (24 * 3600);
        let problem = format!(
            "is more than the {days} days for which the provider's terms let results be kept"
        );
        let cure = format!("set at most {}", most.as_secs());
        reader.error(path, problem, cure);
    }
}

/// Reads a retry schedule.
pub(super) fn schedule(reader: &mut Reader<'_>, path: &KeyPath) -> Option<RetrySchedule> {
    let waits = reader.seconds_list(path, &ANY_TIME)?;
    if waits.len() > MOST_RETRIES {
        let problem = format!("has {} entries", waits.len());
        let cure = format!("make at most {MOST_RETRIES} retries; [] makes none");
        reader.error(path, problem, cure);
        return None;
    }
    Some(RetrySchedule::new(waits))
}

/// Reads a priority.
pub(super) fn priority(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Priority> {
    let text = reader.text(path)?;
    let read = text.parse();
    if read.is_err() {
        reader.error(path, format!("is `{text}`"), "use high, normal or low");
    }
    read.ok()
}

/// Reads what follows an unknown outcome. `verifiable`: there is a handler that can ask what became of a request. `whose`
/// says of which jobs.
pub(super) fn on_unknown(
    reader: &mut Reader<'_>,
    path: &KeyPath,
    verifiable: bool,
    whose: impl Fn() -> String,
) -> Option<OnUnknown> {
    let choices = match verifiable {
        true => "retry, verify or hold",
        false => "retry or hold",
    };
    let (problem, cure) = match reader.peek(path)?.as_str() {
        "retry" => return Some(OnUnknown::Retry),
        "hold" => return Some(OnUnknown::Hold),
        "verify" if verifiable => return Some(OnUnknown::Verify),
        "verify" => (
            format!(
                "is verify, but nobody can be asked what became of a request of {}",
                whose()
            ),
            "use retry, which may do it twice, or hold, which leaves it to an operator".to_owned(),
        ),
        other => (format!("is `{other}`"), format!("use {choices}")),
    };
    reader.error(path, problem, cure);
    None
}
