//! An integration, and the provider that carries its jobs out.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Handlers, KindSpec};
use longshore_provider::secret::Secret;

use crate::settings::{Breaker, Calls, Limit, Settings};
use crate::{Context, Events, Files, Pending, QueueSpec, Sandbox, Sections};

/// Kinds of jobs, who carries them out, and all that a program has to know of them.
///
/// It is a value with no field left out, so what is forgotten does not compile.
#[derive(Debug, Clone, Copy)]
pub struct Integration {
    /// Its name, for people.
    pub name: &'static str,
    /// Its crate, `env!("CARGO_CRATE_NAME")`: what it logs is shown. What other crates log never is, since it may hold
    /// secrets and personal data.
    pub crate_name: &'static str,
    /// The queue that its jobs wait in.
    pub queue: QueueSpec,
    /// The kinds of its jobs. What is personal in them, each kind says itself (`Job::PUBLIC_ARGS`).
    pub kinds: &'static [KindSpec],
    /// Kinds of other integrations whose jobs follow from its own, by name.
    pub follow_ups: &'static [&'static str],
    /// What can be configured.
    pub settings: Settings,
    /// Makes its handlers.
    pub set_up: for<'a> fn(Context<'a>) -> Pending<'a, Option<SetUp>>,
    /// Who is called; `None` where nobody outside is.
    pub provider: Option<Provider>,
    /// Cron entries that are there unless they are switched off.
    pub cron: &'static [CronEntry],
    /// The events that are posted to it.
    pub events: &'static [Events],
    /// Where it lets other integrations keep files.
    pub files: Option<OfferFiles>,
    /// Stand-ins for those whom its jobs call. None in a build for production.
    pub sandboxes: &'static [Sandbox],
}

impl Integration {
    /// Its provider, and those beside it.
    pub fn providers(&self) -> impl Iterator<Item = AnyProvider> + use<> {
        let own = self.provider.map(|own| AnyProvider {
            name: own.name,
            inventory: own.inventory,
            origin: own.origin,
            page: own.page,
        });
        let beside = self.provider.map_or(&[][..], |own| own.beside);
        let beside = beside.iter().map(|beside| AnyProvider {
            name: beside.name,
            inventory: beside.inventory,
            origin: beside.origin,
            page: beside.page,
        });
        own.into_iter().chain(beside)
    }
}

/// What a [`Provider`] and one [`Beside`] it have in common.
#[derive(Debug, Clone, Copy)]
pub struct AnyProvider {
    /// Its name, as configuration has it.
    pub name: &'static str,
    /// What the company says of it, unless configured.
    pub inventory: Inventory,
    /// Where it is, if it is on.
    pub origin: fn(&Sections) -> Option<String>,
    /// Its page for operators.
    pub page: &'static str,
}

/// Makes the place where files can be kept, if what it takes is on.
pub type OfferFiles = for<'a> fn(Context<'a>) -> Pending<'a, Option<Arc<dyn Files>>>;

/// An outside service that jobs call.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Its name, as configuration has it: `providers.<name>`.
    pub name: &'static str,
    /// The keys that turn it on, for those who look for them.
    pub turned_on_by: &'static str,
    /// What the company says of it, unless configured.
    pub inventory: Inventory,
    /// Where it is, if it is on.
    pub origin: fn(&Sections) -> Option<String>,
    /// What becomes of a request that is made again although its answer was lost.
    pub repeats: Repeats,
    /// Other providers whose limits and breakers live in its queue.
    pub beside: &'static [Beside],
    /// Jobs of this kind are to be expected as it is configured: for findings about kinds.
    pub expects: fn(&Sections, kind: &str) -> bool,
    /// Why a job that is accepted will be refused later, for who enqueues it by hand. Names no person.
    pub doubt: fn(&Sections, kind: &str, args: &serde_json::Value) -> Option<String>,
    /// What it may be asked to see whether it answers us; `None` where nothing is harmless.
    pub smoke: Option<Smoke>,
    /// Its page for operators, in Markdown with lines of at most 80 columns: what it is for, what it needs, its limits, what
    /// its answers come to, what leaving it takes.
    pub page: &'static str,
}

/// A provider beside that of the queue.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    /// Its name, as configuration has it.
    pub name: &'static str,
    /// The crate of its client, `env!("CARGO_CRATE_NAME")`: what it logs is shown, too.
    pub crate_name: &'static str,
    /// What the company says of it, unless configured.
    pub inventory: Inventory,
    /// Where it is, if it is on.
    pub origin: fn(&Sections) -> Option<String>,
    /// Jobs are claimed for it while the breaker of the queue's own is open.
    pub takes_jobs: bool,
    /// Its [page](Provider::page).
    pub page: &'static str,
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

/// What becomes of a request that is made again although its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// It has its effect twice, unless the queue's rule is to ask first.
    Doubles,
    /// It knows the request by an idempotency key, for so long.
    Keyed(Duration),
    /// Nothing: it changes nothing that the first has not changed.
    Harmless,
}

/// One harmless job for `smoke`: it reaches nobody, moves no money and deletes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Smoke {
    /// The keys that have to be set.
    pub needs: &'static [&'static str],
    /// The kind of the job.
    pub kind: &'static str,
    /// Its args.
    pub args: fn() -> serde_json::Value,
    /// What it comes to, in words.
    pub what: &'static str,
    /// Why it would not be harmless as it is configured.
    pub unsafe_because: fn(&Sections) -> Option<&'static str>,
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
    /// `none`, `once` or `all`: what becomes of ticks that nobody was there for.
    pub catch_up: &'static str,
}

/// What it takes to work a queue.
#[derive(Debug)]
pub struct SetUp {
    /// Who carries its jobs out.
    pub handlers: Handlers,
    /// How its provider is called; `None` where nobody is.
    pub calls: Option<CallPolicy>,
}

/// How a provider is called, by the whole fleet.
#[derive(Debug, Clone)]
pub struct CallPolicy {
    /// The provider, as configuration has it.
    pub name: &'static str,
    /// How often it may be called.
    pub limit: Limit,
    /// How often calls without an effect may be made, where they are counted apart.
    pub reads: Option<Limit>,
    /// When it is left alone.
    pub breaker: Breaker,
    /// How long one call may take.
    pub timeout: Duration,
    /// What it knows us by: one as a rule, and several where they change together.
    pub secrets: Vec<Secret>,
    /// Who stands in for it.
    pub fallback: Option<StandIn>,
}

impl CallPolicy {
    /// A provider that is called as configured, and for which nobody stands in.
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

/// A provider that stands in for another.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// How it is called.
    pub calls: Box<CallPolicy>,
    /// Jobs are claimed for it while the breaker of the other is open.
    pub takes_jobs: bool,
}
