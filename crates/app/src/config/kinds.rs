//! `kinds.<kind>.*`: how the jobs of one kind are run. It goes before what is configured for its queue, that before what
//! the kind itself says, and that before the defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_integration::section;
use longshore_integration::settings::{
    KeyPath, Reader, SOME_TIME, Section, seconds, text, text_by, toml_by,
};
use longshore_job::{KindOverrides, KindSpec, OnUnknown, Priority, RetrySchedule, RunPolicy};

use super::queues::{self, QueueSettings, Queues};

section! {
    /// How the jobs of one kind are run. Every kind takes the same keys. All attempts of a kind, with the waits between them,
    /// have to fit into its expiry: `longshore config check` refuses what does not.
    pub(super) struct KindKeys in "kinds.<kind>" {
        /// How long one attempt may take.
        pub(super) timeout: Option<Duration> = "timeout_seconds" as TIMEOUT, seconds(SOME_TIME).optional().example("30");
        /// After how long a job that has not run is dead as expired, counted from when it was first due. An expiry
        /// that its producer asked for wins.
        pub(super) expires: Option<Duration> = "expires_seconds" as EXPIRES, seconds(SOME_TIME).optional().example("3600");
        /// Its own retry schedule.
        pub(super) retry: Option<RetrySchedule> = "retry_seconds" as RETRY,
            toml_by(queues::schedule).optional().example("[60, 300, 900]");
        /// As for queues. "verify" only for kinds that can be asked about: `longshore kinds KIND` says whether.
        _on_unknown: Option<String> = "on_unknown" as ON_UNKNOWN, text().optional().example("hold");
        /// How urgent its jobs are: "high", "normal" or "low". It holds for jobs that are enqueued from then on, where their
        /// producer reads this configuration and does not say otherwise.
        pub(super) priority: Option<Priority> = "priority",
            text_by(queues::priority).optional().example("low");
    }
}

/// Who has the say in a setting; the first of them that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetBy {
    /// `kinds.<kind>` of the configuration.
    KindSection,
    /// `queues.<queue>` of the configuration.
    QueueSection,
    /// The kind itself.
    Kind,
    /// The default of its queue, or of all.
    Default,
}

/// A value, and who has said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective<T> {
    /// The value in force.
    pub value: T,
    /// Who has said so.
    pub by: SetBy,
}

/// How the jobs of one kind are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindSettings {
    /// The kind.
    pub kind: &'static str,
    /// Its queue.
    pub queue: &'static str,
    /// How long one attempt may take.
    pub timeout: Effective<Duration>,
    /// After how long a job that has not run is dead as `expired`, unless its producer says otherwise; `None` = never.
    pub expires: Effective<Option<Duration>>,
    /// The shortest of them, where the args decide; all attempts have to fit into it.
    pub shortest_expiry: Option<Duration>,
    /// When a failed attempt is made again.
    pub retry: Effective<RetrySchedule>,
    /// What follows when a request went out and no answer came.
    pub on_unknown: Effective<OnUnknown>,
    /// How urgent its jobs are, unless their args or their producer say otherwise.
    pub priority: Effective<Priority>,
}

impl KindSettings {
    /// What of it comes from the configuration: that goes before what the kind says.
    #[must_use]
    pub fn overrides(&self) -> KindOverrides {
        KindOverrides {
            timeout: self.timeout.configured().copied(),
            expires: self.expires.configured().copied().flatten(),
            retry: self.retry.configured().cloned(),
            on_unknown: self.on_unknown.configured().copied(),
            priority: self.priority.configured().copied(),
        }
    }

    /// All of it, without who has said so.
    #[must_use]
    pub fn run_policy(&self) -> RunPolicy {
        RunPolicy {
            timeout: self.timeout.value,
            expires: self.expires.value,
            retry: self.retry.value.clone(),
            on_unknown: self.on_unknown.value,
        }
    }
}

impl<T> Effective<T> {
    /// The first of them that says something.
    fn first(section: Option<T>, queue: Option<T>, kind: Option<T>, default: T) -> Self {
        let said = |value: Option<T>, by| value.map(|value| Self { value, by });
        said(section, SetBy::KindSection)
            .or_else(|| said(queue, SetBy::QueueSection))
            .or_else(|| said(kind, SetBy::Kind))
            .unwrap_or(Self {
                value: default,
                by: SetBy::Default,
            })
    }

    fn configured(&self) -> Option<&T> {
        (self.by <= SetBy::QueueSection).then_some(&self.value)
    }
}

/// What `kinds.<kind>` says, by kind.
pub(super) type Overrides = BTreeMap<&'static str, KindOverrides>;

/// How the jobs of each kind are run, by kind and queue.
pub(super) type KindPolicies = BTreeMap<(&'static str, &'static str), KindSettings>;

/// Reads the sections. `None` when one of them could not be read, but all have been tried.
pub(super) fn read(
    reader: &mut Reader<'_>,
    kinds: impl Iterator<Item = &'static KindSpec>,
) -> Option<Overrides> {
    // A kind with several queues has one section.
    let kinds: BTreeMap<_, _> = kinds.map(|spec| (spec.kind, spec)).collect();
    let sections: Vec<_> = kinds
        .into_iter()
        .map(|(kind, spec)| Some((kind, overrides(reader, spec)?)))
        .collect();
    sections.into_iter().collect()
}

fn overrides(reader: &mut Reader<'_>, spec: &KindSpec) -> Option<KindOverrides> {
    let at = KeyPath::new(&["kinds", spec.kind]);
    let keys = KindKeys::read(reader, &at);
    let rule = at.join(KindKeys::ON_UNKNOWN);
    let on_unknown = match reader.is_set(&rule) {
        false => Some(None),
        true => queues::on_unknown(reader, &rule, spec.verifiable, || {
            format!("a job of the kind {}", spec.kind)
        })
        .map(Some),
    };
    let keys = keys?;
    warn_of_longer(reader, &at.join(KindKeys::EXPIRES), spec, keys.expires);
    Some(KindOverrides {
        timeout: keys.timeout,
        expires: keys.expires,
        retry: keys.retry,
        on_unknown: on_unknown?,
        priority: keys.priority,
    })
}

/// A kind that expires has a reason: a user who waits, or a link that is valid for so long.
fn warn_of_longer(reader: &mut Reader<'_>, path: &KeyPath, spec: &KindSpec, set: Option<Duration>) {
    if let (Some(set), Some(shortest)) = (set, spec.shortest_expiry)
        && set > shortest
    {
        let shortest = shortest.as_secs_f64();
        let problem = format!(
            "is longer than the {shortest} s after which jobs of the kind {} expire by themselves, all or some of them",
            spec.kind
        );
        let cure = format!("set at most {shortest}, if they are of no use any more then");
        reader.warn(path, problem, cure);
    }
}

/// Puts together who has a say in how the jobs of each kind are run.
pub(super) fn resolve(
    kinds: impl Iterator<Item = &'static KindSpec>,
    queues: &Queues,
    sections: &Overrides,
) -> KindPolicies {
    kinds
        .filter_map(|spec| {
            let section = sections.get(spec.kind).cloned().unwrap_or_default();
            let settings = settings(spec, queues.get(spec.queue)?, section);
            Some(((spec.kind, spec.queue), settings))
        })
        .collect()
}

fn settings(spec: &KindSpec, queue: &QueueSettings, section: KindOverrides) -> KindSettings {
    let own = spec.policy;
    let set = queue.configured();
    let possible = |rule: OnUnknown| rule.for_kind(spec.verifiable);
    // Where the args decide, the kind has said something, but not one figure.
    let by_args = spec.shortest_expiry.map(|_| None);
    let own_expiry = own.expires.map(Some).or(by_args);
    KindSettings {
        kind: spec.kind,
        queue: spec.queue,
        timeout: Effective::first(section.timeout, set.timeout, own.timeout, queue.timeout),
        expires: Effective::first(section.expires.map(Some), None, own_expiry, None),
        shortest_expiry: section.expires.or(spec.shortest_expiry),
        retry: Effective::first(
            section.retry,
            set.retry,
            own.schedule(),
            queue.retry.clone(),
        ),
        on_unknown: Effective::first(
            section.on_unknown,
            set.on_unknown.map(possible),
            own.on_unknown.map(possible),
            possible(queue.on_unknown),
        ),
        priority: Effective::first(
            section.priority,
            set.priority,
            own.priority,
            Priority::default(),
        ),
    }
}
