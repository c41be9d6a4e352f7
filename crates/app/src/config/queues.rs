//! `retry.*` and `queues.<queue>.*`: how the jobs of a queue are run.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use longshore_integration::settings::{ANY_TIME, Key, KeyPath, Reader, SOME_TIME};
use longshore_integration::{Integration, QueueSpec};
use longshore_job::{KindOverrides, OnUnknown, RetrySchedule};

pub(super) const KEYS: &[Key] = &[
    // Section 2.2 of the integration document: 3 retries with 60 s, 300 s and 900 s.
    Key::toml("retry.schedule_seconds").or("[60, 300, 900]"),
    Key::toml("queues.<queue>.retry_seconds"),
    Key::toml("queues.<queue>.concurrency").or("20"),
    Key::toml("queues.<queue>.max_running"),
    Key::toml("queues.<queue>.timeout_seconds")
        .or_per_queue(|queue| Some(queue.default_timeout.as_secs_f64().to_string())),
    Key::text("queues.<queue>.on_unknown")
        .or_per_queue(|queue| Some(queue.default_on_unknown.to_string())),
    Key::toml("queues.<queue>.completed_seconds")
        .or_per_queue(|queue| Some(queue.default_completed.as_secs_f64().to_string())),
    Key::toml("queues.<queue>.completed_bytes")
        .or_per_queue(|queue| queue.default_completed_bytes.map(str::to_owned)),
    Key::toml("queues.<queue>.delivery_bytes").or("64MiB"),
];

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
    /// How many bytes the records of deliveries may take, the oldest going first.
    pub delivery_bytes: u64,
}

impl QueueSettings {
    /// What of it is configured, and not only the default.
    pub(super) fn configured(&self) -> KindOverrides {
        self.configured.clone()
    }
}

pub(super) type Queues = BTreeMap<&'static str, QueueSettings>;

/// `None` when one of them could not be read, but all have been tried.
pub(super) fn read(reader: &mut Reader<'_>, integrations: &[Integration]) -> Option<Queues> {
    let retry = schedule(reader, &"retry.schedule_seconds".into());
    let queues: Vec<_> = integrations
        .iter()
        .map(|of| Some((of.queue.name, queue(reader, of, retry.as_ref())?)))
        .collect();
    queues.into_iter().collect()
}

fn queue(
    reader: &mut Reader<'_>,
    integration: &Integration,
    retry: Option<&RetrySchedule>,
) -> Option<QueueSettings> {
    let spec = &integration.queue;
    let section = KeyPath::new(&["queues", spec.name]);
    let concurrency = reader.whole(section.join("concurrency"), 1..=MOST_CONCURRENT);
    let limit = section.join("max_running");
    let max_running = match reader.has(&limit) {
        true => Some(reader.whole(limit, 1..=u32::MAX)?),
        false => None,
    };
    let timeout = reader.seconds(section.join("timeout_seconds"), SOME_TIME);
    let timeout_is_set = reader.is_configured(&section.join("timeout_seconds"));
    let own_retry = section.join("retry_seconds");
    let retry_is_set = reader.has(&own_retry);
    let retry = match retry_is_set {
        true => schedule(reader, &own_retry),
        false => retry.cloned(),
    };
    let verifiable = integration.kinds.iter().any(|kind| kind.verifiable);
    let rule = section.join("on_unknown");
    let rule_is_set = reader.is_configured(&rule);
    let on_unknown = on_unknown(reader, &rule, verifiable, || {
        format!("a job of the queue {}", spec.name)
    });
    let completed_for = completed_for(reader, &section.join("completed_seconds"), spec);
    let bytes = section.join("completed_bytes");
    let completed_bytes = match reader.has(&bytes) {
        true => reader.bytes(bytes).map(Some),
        false => Some(None),
    };
    let delivery_bytes = reader.bytes(section.join("delivery_bytes"));
    let (timeout, retry, on_unknown) = (timeout?, retry?, on_unknown?);
    Some(QueueSettings {
        concurrency: concurrency?,
        max_running,
        timeout,
        configured: KindOverrides {
            timeout: timeout_is_set.then_some(timeout),
            expires: None,
            retry: retry_is_set.then(|| retry.clone()),
            on_unknown: rule_is_set.then_some(on_unknown),
        },
        retry,
        on_unknown,
        completed_for: completed_for?,
        completed_bytes: completed_bytes?,
        delivery_bytes: delivery_bytes?,
    })
}

fn completed_for(reader: &mut Reader<'_>, path: &KeyPath, spec: &QueueSpec) -> Option<Duration> {
    let set = reader.seconds(path, COMPLETED)?;
    if let Some(most) = spec.keep_at_most.filter(|most| set > *most) {
        let days = most.as_secs() / (24 * 3600);
        let problem = format!(
            "is more than the {days} days for which the provider's terms let results be kept"
        );
        let cure = format!("set at most {}", most.as_secs());
        reader.error(path, problem, cure);
    }
    Some(set)
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
    let (problem, cure) = match reader.text(path)?.as_str() {
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
