//! An integration, and the provider that carries its jobs out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Handlers, KindSpec, Notice, NoticeFilter};
use longshore_provider::secret::Secret;

use crate::settings::{BreakerSettings, Calls, LimitSettings, Settings};
use crate::{Context, Events, Files, Pending, QueueSpec, Sandbox, Sections};

/// Makes the handlers of an integration; `None` while its settings are off.
pub type MakeHandlers = dyn for<'a> Fn(Context<'a>) -> Pending<'a, Option<SetUp>> + Send + Sync;

/// Says where a provider is, if it is on.
pub type FindOrigin = dyn Fn(&Sections) -> Option<String> + Send + Sync;

/// Says whether jobs of a kind can exist with these settings.
pub type ExpectKind = dyn Fn(&Sections, &str) -> bool + Send + Sync;

/// Says why a job will probably be refused, by its kind and its args.
pub type ForeseeRefusal =
    dyn Fn(&Sections, &str, &serde_json::Value) -> Option<String> + Send + Sync;

/// Makes args, with these settings.
pub type MakeArgs = dyn Fn(&Sections) -> serde_json::Value + Send + Sync;

/// Says why something would not be harmless with these settings.
pub type FindDanger = dyn Fn(&Sections) -> Option<String> + Send + Sync;

/// Kinds of jobs, their handlers, and all else that a program must know about them.
///
/// No field has a default, so an integration with a forgotten field does not compile. Its functions are `&dyn Fn`, so one that is made
/// of the configuration can know which of several it is.
#[derive(Clone, Copy)]
pub struct Integration {
    /// Its name, for people.
    pub name: &'static str,
    /// Its crate, `env!("CARGO_CRATE_NAME")`. Log lines of this crate are shown. Log lines of crates that no integration names are
    /// never shown, since they may hold secrets and personal data.
    pub crate_name: &'static str,
    /// The queue that its jobs wait in.
    pub queue: QueueSpec,
    /// The kinds of its jobs. Each kind says which of its args are not personal (`Job::PUBLIC_ARGS`).
    pub kinds: &'static [KindSpec],
    /// Kinds of other integrations whose jobs follow from its own, by name.
    pub follow_ups: &'static [&'static str],
    /// Its settings.
    pub settings: Settings,
    /// Makes its handlers.
    pub set_up: &'static MakeHandlers,
    /// The provider that its jobs call; `None` if they call no outside service.
    pub provider: Option<Provider>,
    /// Built-in cron entries. The configuration can switch each off.
    pub cron: &'static [CronEntry],
    /// The events that providers post for it.
    pub events: &'static [Events],
    /// How its jobs tell the application what became of jobs, if they do.
    pub notices: Option<NoticeJobs>,
    /// Its file store for other integrations, if it has one.
    pub files: Option<OfferFiles>,
    /// Stand-ins for the providers that its jobs call. None in a build for production.
    pub sandboxes: &'static [Sandbox],
}

impl Integration {
    /// Its provider, and the others in its queue.
    pub fn providers(&self) -> impl Iterator<Item = AnyProvider> + use<> {
        let own = self.provider.map(|own| AnyProvider {
            name: own.name,
            inventory: own.inventory,
            origin: own.origin,
            page: own.page,
        });
        let others = self.provider.map_or(&[][..], |own| own.others);
        let others = others.iter().map(|other| AnyProvider {
            name: other.name,
            inventory: other.inventory,
            origin: other.origin,
            page: other.page,
        });
        own.into_iter().chain(others)
    }
}

/// What a [`Provider`] and a [`OtherProvider`] have in common.
#[derive(Clone, Copy)]
pub struct AnyProvider {
    /// Its name, as configuration has it.
    pub name: &'static str,
    /// What the company says of it, unless configured.
    pub inventory: Inventory,
    /// Where it is, if it is on.
    pub origin: &'static FindOrigin,
    /// Its page for operators.
    pub page: &'static str,
}

/// The jobs that tell the application what became of jobs. One is made of each [`Notice`], for the integration's queue.
#[derive(Debug, Clone, Copy)]
pub struct NoticeJobs {
    /// What the application is told; `None` while that is off.
    pub wanted: fn(&Sections) -> Option<Arc<NoticeFilter>>,
    /// The key of the kinds that it is told of, for messages.
    pub kinds_key: &'static str,
    /// The payload of the job that tells one.
    pub payload: fn(&Notice) -> Vec<u8>,
}

/// Makes the file store; `None` while the settings that it needs are off.
pub type OfferFiles = for<'a> fn(Context<'a>) -> Pending<'a, Option<Arc<dyn Files>>>;

/// An outside service that jobs call.
#[derive(Clone, Copy)]
pub struct Provider {
    /// Its name, as configuration has it: `providers.<name>`.
    pub name: &'static str,
    /// The settings' keys that turn it on, for messages: the paths that their section has.
    pub turned_on_by: &'static [&'static str],
    /// What the company says of it, unless configured.
    pub inventory: Inventory,
    /// Where it is, if it is on.
    pub origin: &'static FindOrigin,
    /// What a repeated request does, after the answer to the first was lost.
    pub repeats: Repeats,
    /// Other providers whose limits and breakers are in the same queue, such as a fallback.
    pub others: &'static [OtherProvider],
    /// Whether jobs of this kind can exist with these settings. Findings about kinds depend on it.
    pub expects: &'static ExpectKind,
    /// Why an accepted job will probably be refused later, with these settings. `longshore enqueue` shows it. Names no person.
    pub likely_refusal: &'static ForeseeRefusal,
    /// A harmless job that shows whether the provider answers; `None` if no job is harmless.
    pub smoke: Option<Smoke>,
    /// Its page for operators, in Markdown with lines of at most 80 columns: what it is for, what it needs, its limits, what
    /// its answers mean, what leaving it takes.
    pub page: &'static str,
}

/// A further provider in the queue of another, with a rate limit and a breaker of its own.
#[derive(Clone, Copy)]
pub struct OtherProvider {
    /// Its name, as configuration has it.
    pub name: &'static str,
    /// The crate of its client, `env!("CARGO_CRATE_NAME")`. Its log lines are shown, too.
    pub crate_name: &'static str,
    /// What the company says of it, unless configured.
    pub inventory: Inventory,
    /// Where it is, if it is on.
    pub origin: &'static FindOrigin,
    /// Jobs are claimed for it while the breaker of the queue's own is open.
    pub takes_jobs: bool,
    /// Its [page](Provider::page).
    pub page: &'static str,
}

impl fmt::Debug for Integration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Integration")
            .field("name", &self.name)
            .field("queue", &self.queue)
            .field("kinds", &self.kinds)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AnyProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        named(f, "AnyProvider", self.name)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        named(f, "Provider", self.name)
    }
}

impl fmt::Debug for OtherProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        named(f, "OtherProvider", self.name)
    }
}

impl fmt::Debug for Smoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smoke")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

fn named(f: &mut fmt::Formatter<'_>, what: &str, name: &str) -> fmt::Result {
    f.debug_struct(what)
        .field("name", &name)
        .finish_non_exhaustive()
}

/// What a service inventory says of a provider, in the words of configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inventory {
    /// `critical`, `high`, `medium` or `low`.
    pub criticality: &'static str,
    /// The promised availability in percent, `99.95`.
    pub sla_percent: Option<&'static str>,
    /// The team that looks after it.
    pub owner: Option<&'static str>,
}

/// What a repeated request does, after the answer to the first was lost.
#[derive(Clone, Copy)]
pub enum Repeats {
    /// It has its effect a second time, unless the queue's rule is to ask the provider first.
    Doubles,
    /// The provider recognises the request by its idempotency key, for this long; after that the job looks for its effect first.
    Keyed(Duration),
    /// The provider recognises the request by its idempotency key, for this long. After that the effect may happen twice.
    KeyedOnly(Duration),
    /// Nothing: it changes nothing that the first request has not changed.
    Harmless,
    /// The args of a job decide.
    ByArgs(&'static FindRepeats),
}

/// What a repeated request of a job with these args does, with these settings: anything but [`Repeats::ByArgs`].
pub type FindRepeats = dyn Fn(&Sections, &serde_json::Value) -> Repeats + Send + Sync;

impl fmt::Debug for Repeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Doubles => f.write_str("Doubles"),
            Self::Keyed(life) => f.debug_tuple("Keyed").field(life).finish(),
            Self::KeyedOnly(life) => f.debug_tuple("KeyedOnly").field(life).finish(),
            Self::Harmless => f.write_str("Harmless"),
            Self::ByArgs(_) => f.write_str("ByArgs"),
        }
    }
}

/// One harmless job for `smoke`: it reaches nobody, moves no money and deletes nothing.
#[derive(Clone, Copy)]
pub struct Smoke {
    /// The keys that have to be set.
    pub needs: &'static [&'static str],
    /// The kind of the job.
    pub kind: &'static str,
    /// Its args.
    pub args: &'static MakeArgs,
    /// What the result shows, in words.
    pub what: &'static str,
    /// Why the job would not be harmless with these settings, if so.
    pub unsafe_because: &'static FindDanger,
}

/// A cron entry that is built in.
#[derive(Debug, Clone, Copy)]
pub struct CronEntry {
    /// Its name.
    pub name: &'static str,
    /// Five fields, or six with seconds first; in UTC.
    pub schedule: &'static str,
    /// The kind of its jobs.
    pub kind: &'static str,
    /// Their args, as JSON with placeholders.
    pub args: &'static str,
    /// What happens to missed ticks: `none`, `once` or `all`.
    pub catch_up: &'static str,
}

/// What a worker needs to work a queue.
#[derive(Debug)]
pub struct SetUp {
    /// The handlers of its jobs.
    pub handlers: Handlers,
    /// How its provider is called; `None` if there is no provider.
    pub calls: Option<CallPolicy>,
}

/// How a provider is called, by the whole fleet.
#[derive(Debug, Clone)]
pub struct CallPolicy {
    /// The provider, as configuration has it.
    pub name: &'static str,
    /// How often it may be called.
    pub limit: LimitSettings,
    /// How often calls without an effect may be made, if the provider counts them apart.
    pub reads: Option<LimitSettings>,
    /// When calls to it stop: its breaker.
    pub breaker: BreakerSettings,
    /// How long one call may take.
    pub timeout: Duration,
    /// Our credentials at the provider: usually one, several if they change together.
    pub secrets: Vec<Secret>,
    /// Its fallback, if there is one.
    pub fallback: Option<StandIn>,
}

impl CallPolicy {
    /// A provider that is called with these settings, without a fallback.
    #[must_use]
    pub fn new(name: &'static str, calls: &Calls, secrets: impl Into<Vec<Secret>>) -> Self {
        Self {
            name,
            limit: calls.limit,
            reads: None,
            breaker: calls.breaker,
            timeout: calls.timeout,
            secrets: secrets.into(),
            fallback: None,
        }
    }
}

/// A fallback: the provider that is called while the breaker of another is open.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// How it is called.
    pub calls: Box<CallPolicy>,
    /// Jobs are claimed for it while the breaker of the other is open.
    pub takes_jobs: bool,
}
