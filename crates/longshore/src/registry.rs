//! The one list of providers. Adding one is a crate, its args in `longshore-job`, its settings in `config/`, a file in
//! `registry/` that puts them together, and a line here.

mod email;
mod files;
mod geocode;
mod payments;
mod sms;
mod storage;

use std::pin::Pin;
use std::time::Duration;

use longshore_cron::Entry;
use longshore_job::Prepared;
use longshore_provider::secret::{Refreshed, Secret};
use longshore_queue::{BreakerSpec, Credentials, ProviderPolicy};
use longshore_worker::{Handlers, ProviderFacts};

use crate::config::{Calls, Config, CronSettings, QueueSpec};
use crate::failure::Failure;
use crate::secrets::Secrets;

pub use email::sendgrid_events;
pub use payments::stripe_events;
pub use sms::twilio_events;
pub use storage::{bucket, stores};

/// A provider's queue, and how its jobs are carried out.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Its name, as configuration has it.
    pub name: &'static str,
    /// Its queue.
    pub queue: QueueSpec,
    /// The keys that turn it on, for those who look for them.
    pub turned_on_by: &'static str,
    /// Where it is, if it is on.
    pub origin: fn(&Config) -> Option<String>,
    /// What it takes to work its queue, if it has credentials.
    pub set_up: for<'a> fn(&'a Config, &'a Secrets) -> SettingUp<'a>,
    /// Other providers whose limits and breakers live in its queue, if they are on.
    pub beside: fn(&Config) -> Vec<Beside>,
    /// Why a job that is accepted will be refused later, for who enqueues it by hand. Names no person.
    pub doubt: fn(&Config, kind: &str, args: &serde_json::Value) -> Option<String>,
}

/// Finding out what it takes to work a provider's queue: its secrets are fetched.
pub type SettingUp<'a> = Pin<Box<dyn Future<Output = Result<Option<SetUp>, Failure>> + 'a>>;

/// A provider that stands in for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside {
    /// Its name, as configuration has it.
    pub name: &'static str,
    /// Jobs are claimed for it while the breaker of the queue's own is open.
    pub takes_jobs: bool,
}

/// What it takes to work a provider's queue.
#[derive(Debug)]
pub struct SetUp {
    /// Who carries its jobs out.
    pub handlers: Handlers,
    /// How often the provider is called, and when it is left alone.
    pub policy: ProviderPolicy,
}

/// All of them.
pub const PROVIDERS: &[Provider] = &[
    email::PROVIDER,
    sms::PROVIDER,
    geocode::PROVIDER,
    payments::PROVIDER,
    storage::PROVIDER,
];

/// The queues, for the configuration.
#[must_use]
pub fn queues() -> Vec<QueueSpec> {
    PROVIDERS.iter().map(|provider| provider.queue).collect()
}

/// Why this job will be refused, as far as this configuration knows. A producer's may know less than the workers'.
#[must_use]
pub fn doubt(config: &Config, job: &Prepared) -> Option<String> {
    let provider = PROVIDERS
        .iter()
        .find(|provider| provider.queue.name == job.queue)?;
    let payload: serde_json::Value = serde_json::from_slice(&job.payload).ok()?;
    (provider.doubt)(config, payload.get("kind")?.as_str()?, payload.get("args")?)
}

/// Where the providers are that stand in for others, if they are on.
#[must_use]
pub fn stand_ins(config: &Config) -> Vec<(&'static str, String)> {
    let r2 = storage::r2(config);
    email::postmark(config).into_iter().chain(r2).collect()
}

/// What the inventory says of a provider and of those beside it, for the fleet's metrics.
#[must_use]
pub fn facts(provider: &Provider, config: &Config) -> Vec<ProviderFacts> {
    let beside = (provider.beside)(config);
    std::iter::once(provider.name)
        .chain(beside.iter().map(|beside| beside.name))
        .filter_map(|name| {
            let listed = config.listed(name)?;
            Some(ProviderFacts {
                provider: name.to_owned(),
                queue: provider.queue.name.to_owned(),
                own: name == provider.name,
                criticality: listed.criticality.to_string(),
                sla_percent: listed.sla_percent,
                owner: listed.owner.clone(),
            })
        })
        .collect()
}

/// It stands alone.
fn alone(_: &Config) -> Vec<Beside> {
    Vec::new()
}

/// The cron entries that tick and whose jobs go to this provider's queue.
#[must_use]
pub fn cron(config: &Config, provider: &Provider) -> Vec<Entry> {
    let active = config.cron.iter().filter(|settings| {
        settings.entry.queue() == provider.queue.name && inactive(config, settings).is_none()
    });
    active.map(|settings| settings.entry.clone()).collect()
}

/// Some time, in ms since the epoch, to see what an entry's jobs look like.
const ANY_TICK: u64 = 1_800_000_000_000;

/// Why a cron entry does not tick; `None` = it does.
#[must_use]
pub fn inactive(config: &Config, settings: &CronSettings) -> Option<String> {
    if !settings.enabled {
        return Some("it is switched off (`enabled = false`)".to_owned());
    }
    let queue = settings.entry.queue();
    let provider = PROVIDERS
        .iter()
        .find(|provider| provider.queue.name == queue)?;
    if (provider.origin)(config).is_none() {
        return Some(format!("{} is not set", provider.turned_on_by));
    }
    // What is sure to be refused would be a dead letter each time.
    doubt(config, &settings.entry.job(ANY_TICK).ok()?)
}

/// Nothing that is accepted is doubted.
fn no_doubt(_: &Config, _: &str, _: &serde_json::Value) -> Option<String> {
    None
}

/// `secrets` are what the provider knows us by: one as a rule, and several where they change together.
fn policy(
    config: &Config,
    name: &str,
    calls: &Calls,
    timeout: Duration,
    secrets: &[Secret],
) -> ProviderPolicy {
    let (words, kept) = (secrets.to_vec(), secrets.to_vec());
    let word = move || {
        let words = words.iter().map(|secret| secret.version().to_string());
        words.collect::<Vec<_>>().join("-")
    };
    let credentials = Credentials::live(word).fetched_by(move || {
        let kept = kept.clone();
        async move {
            let mut failed = None;
            for secret in kept {
                // It says itself what came of it; where it is another one, the version says so.
                if let Refreshed::Kept(error) = secret.refresh().await {
                    failed = Some(format!("{error}; {}", error.cure()));
                }
            }
            failed.map_or(Ok(()), Err)
        }
    });
    ProviderPolicy {
        name: name.to_owned(),
        limit: Some(calls.limit),
        reads: None,
        breaker: Some(BreakerSpec {
            failures: calls.breaker.failures,
            window: calls.breaker.window,
            open: calls.breaker.open,
            probe: timeout + config.worker.lost_after,
        }),
        credentials,
        fallback: None,
    }
}

#[cfg(test)]
mod tests;
