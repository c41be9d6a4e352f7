//! `retry.*` and `queues.<queue>.*`: how the jobs of a queue are run.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use longshore_integration::settings::{ANY_TIME, Key, KeyPath, Reader, SOME_TIME};
use longshore_integration::{Integration, QueueSpec, Sections};
use longshore_job::{KindPolicy, KindSpec, RetrySchedule};

pub(super) const KEYS: &[Key] = &[
    // Section 2.2 of the integration document: 3 retries with 60 s, 300 s and 900 s.
    Key::toml("retry.schedule_seconds").or("[60, 300, 900]"),
    Key::toml("queues.<queue>.retry_seconds"),
    Key::toml("queues.<queue>.concurrency").or("20"),
    Key::toml("queues.<queue>.max_running"),
    Key::toml("queues.<queue>.timeout_seconds")
        .or_per_queue(|queue| Some(queue.default_timeout.as_secs_f64().to_string())),
    Key::text("queues.<queue>.on_unknown").or_per_queue(|queue| {
        let rule = match queue.verifiable {
            true => "verify",
            false => "retry",
        };
        Some(rule.to_owned())
    }),
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
    /// Its time limit is configured: then it holds for kinds, too, that have one of their own.
    timeout_is_set: bool,
    /// The same of its retries.
    retry_is_set: bool,
    /// What follows when a request went out and no answer came.
    pub on_unknown: OnUnknown,
    /// How long a completed job is kept.
    pub completed_for: Duration,
    /// How many bytes of completed jobs are kept, the oldest going first; `None` = any.
    pub completed_bytes: Option<u64>,
    /// How many bytes the records of deliveries may take, the oldest going first.
    pub delivery_bytes: u64,
}

impl QueueSettings {
    /// How jobs of a kind are run, which says this itself: what is configured for its queue goes before that.
    #[must_use]
    pub fn policy(&self, own: KindPolicy) -> KindPolicy {
        KindPolicy {
            timeout: own.timeout.filter(|_| !self.timeout_is_set),
            retry: own.retry.filter(|_| !self.retry_is_set),
            ..own
        }
    }
}

/// What follows when a request went out and no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// It is made again, at the risk of a second effect where the provider knows no idempotency keys.
    Retry,
    /// The provider is asked first.
    Verify,
    /// The job is a dead letter until an operator decides.
    Hold,
}

pub(super) type Queues = BTreeMap<&'static str, QueueSettings>;

/// `None` when one of them could not be read, but all have been tried.
pub(super) fn read<'a>(
    reader: &mut Reader<'_>,
    specs: impl Iterator<Item = &'a QueueSpec>,
) -> Option<Queues> {
    let retry = schedule(reader, &"retry.schedule_seconds".into());
    let queues: Vec<_> = specs
        .map(|spec| Some((spec.name, queue(reader, spec, retry.as_ref())?)))
        .collect();
    queues.into_iter().collect()
}

fn queue(
    reader: &mut Reader<'_>,
    spec: &QueueSpec,
    retry: Option<&RetrySchedule>,
) -> Option<QueueSettings> {
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
    let on_unknown = on_unknown(reader, &section.join("on_unknown"), spec);
    let completed_for = reader.seconds(section.join("completed_seconds"), COMPLETED);
    if let (Some(set), Some(most)) = (completed_for, spec.keep_at_most)
        && set > most
    {
        let days = most.as_secs() / (24 * 3600);
        let problem = format!(
            "is more than the {days} days for which the provider's terms let results be kept"
        );
        let cure = format!("set at most {}", most.as_secs());
        reader.error(section.join("completed_seconds"), problem, cure);
    }
    let bytes = section.join("completed_bytes");
    let completed_bytes = match reader.has(&bytes) {
        true => reader.bytes(bytes).map(Some),
        false => Some(None),
    };
    let delivery_bytes = reader.bytes(section.join("delivery_bytes"));
    Some(QueueSettings {
        concurrency: concurrency?,
        max_running,
        timeout: timeout?,
        retry: retry?,
        timeout_is_set,
        retry_is_set,
        on_unknown: on_unknown?,
        completed_for: completed_for?,
        completed_bytes: completed_bytes?,
        delivery_bytes: delivery_bytes?,
    })
}

/// What does not fit, and what to do about it.
struct Misfit {
    key: KeyPath,
    expires: Duration,
    problem: String,
    cure: String,
}

/// Finds kinds whose attempts do not fit into their expiry, among those that are in use; of several with the same cause the
/// one that expires first.
pub(super) fn fit(
    reader: &mut Reader<'_>,
    queues: &Queues,
    integrations: &[Integration],
    sections: &Sections,
) {
    let in_use = integrations.iter().flat_map(|of| {
        let expects = move |kind: &&KindSpec| match &of.provider {
            Some(provider) => (provider.expects)(sections, kind.kind),
            None => true,
        };
        of.kinds.iter().filter(expects)
    });
    let mut misfits: Vec<_> = in_use
        .filter_map(|kind| misfit(queues.get(kind.queue)?, kind))
        .collect();
    misfits.sort_by(|a, b| (&a.key, a.expires).cmp(&(&b.key, b.expires)));
    misfits.dedup_by(|b, a| a.key == b.key);
    for misfit in misfits {
        reader.error(misfit.key, misfit.problem, misfit.cure);
    }
}

/// All attempts of a kind, each with its whole time, and the waits between them have to fit into its shortest expiry: else
/// jobs die as expired that would have got another attempt.
fn misfit(settings: &QueueSettings, kind: &KindSpec) -> Option<Misfit> {
    let expires = kind.shortest_expiry?;
    let section = KeyPath::new(&["queues", kind.queue]);
    let policy = settings.policy(kind.policy);
    let longest = policy.longest(settings.timeout, &settings.retry);
    if longest <= expires {
        return None;
    }
    let schedule = policy.schedule_in(&settings.retry);
    let problem = format!(
        "does not fit {}, which expires after {} s: its {} of {} s and the waits between them take up to {} s",
        kind.kind,
        expires.as_secs_f64(),
        match schedule.max_attempts() {
            1 => "one attempt".to_owned(),
            n => format!("{n} attempts"),
        },
        policy.timeout_in(settings.timeout).as_secs_f64(),
        longest.as_secs_f64(),
    );
    let (key, cure) = match (settings.retry_is_set, settings.timeout_is_set) {
        // The schedule is what takes the most time as a rule; of a kind with one of its own it is not what is wrong.
        (true, _) => (
            section.join("retry_seconds"),
            "make fewer retries, or wait less between them",
        ),
        (false, true) => (section.join("timeout_seconds"), "make it shorter"),
        (false, false) => (
            "retry.schedule_seconds".into(),
            "make fewer retries, or wait less between them",
        ),
    };
    let cure = match policy == kind.policy {
        true => cure.to_owned(),
        false => format!(
            "leave it out, and {} is run as its kind says; or {cure}",
            kind.kind
        ),
    };
    Some(Misfit {
        key,
        expires,
        problem,
        cure,
    })
}

fn schedule(reader: &mut Reader<'_>, path: &KeyPath) -> Option<RetrySchedule> {
    let waits = reader.seconds_list(path, &ANY_TIME)?;
    if waits.len() > MOST_RETRIES {
        let problem = format!("has {} entries", waits.len());
        let cure = format!("make at most {MOST_RETRIES} retries; [] makes none");
        reader.error(path, problem, cure);
        return None;
    }
    Some(RetrySchedule::new(waits))
}

fn on_unknown(reader: &mut Reader<'_>, path: &KeyPath, spec: &QueueSpec) -> Option<OnUnknown> {
    let choices = match spec.verifiable {
        true => "retry, verify or hold",
        false => "retry or hold",
    };
    let (problem, cure) = match reader.text(path)?.as_str() {
        "retry" => return Some(OnUnknown::Retry),
        "hold" => return Some(OnUnknown::Hold),
        "verify" if spec.verifiable => return Some(OnUnknown::Verify),
        "verify" => (
            format!(
                "is verify, but the provider of {} cannot be asked what became of a request",
                spec.name
            ),
            "use retry, which may do it twice, or hold, which leaves it to an operator".to_owned(),
        ),
        other => (format!("is `{other}`"), format!("use {choices}")),
    };
    reader.error(path, problem, cure);
    None
}
