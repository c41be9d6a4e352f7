//! The configuration: what may be set, what it means, and what is wrong with it.
//!
//! Layers, the later ones win, key by key: built-in defaults, `default.toml`, `<profile>.toml`, the environment
//! (`LONGSHORE_SECTION__KEY`). figment merges them and remembers where each value came from, so that a finding can
//! name the line or the variable. Secrets stay references (`env:NAME`, `file:PATH`, `vault:PATH`) until the binary
//! resolves them, so that checking a configuration takes no network.
//!
//! Nothing here stops at the first mistake: an operator who has made five learns of five in one go. That is why
//! values are read key by key (`config/reader.rs`) instead of deserialized, which ends at the first error.
//!
//! The sections of the program itself have a file each here, with three things: its `KEYS`, the struct that the program
//! gets, and a `read` that makes one from the other. Those of an integration come with it
//! ([`Settings`](longshore_integration::settings::Settings)), and are asked for by type: [`Config::get`].

mod api;
mod console;
mod cron;
mod document;
mod env;
mod family;
mod files;
mod fit;
mod inventory;
mod kinds;
mod layer;
mod log;
mod merged;
mod named;
mod notices;
mod origin;
mod outbox;
mod proxies;
mod queues;
mod redis;
mod reference;
mod schema;
mod sections;
mod sentry;
mod show;
mod telemetry;
mod unknown;
mod vault;
mod webhooks;
mod worker;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use longshore_integration::settings::{KeyPath, Reader, Section};
use longshore_integration::{Family, Integration, Provider, Sandbox, Sections};
use longshore_job::Kinds;
use longshore_listener::TrustedProxies;

pub(crate) use api::secret_key;
pub use api::{ApiSettings, NamedToken, TokenSettings};
pub(crate) use console::password_hash_key;
pub use console::{ConsoleSettings, NamedUser, UserSettings};
pub use cron::CronSettings;
pub(crate) use files::profiles;
pub use inventory::{Criticality, InventorySettings};
pub use kinds::{Effective, KindSettings, SetBy};
pub use log::{LogFormat, LogSettings};
pub use longshore_integration::QueueSpec;
pub use longshore_integration::settings::{Finding, Findings, SecretRef, Severity};
pub use longshore_job::OnUnknown;
pub use outbox::OutboxSettings;
pub use queues::QueueSettings;
pub use redis::{InvalidRedisUrl, RedisMode, RedisSettings, RedisUrl, RedisUrls};
pub use reference::{defaults, page};
pub(crate) use sentry::DSN as SENTRY_DSN;
pub use sentry::{SentrySettings, origin as sentry_origin, parse_dsn};
pub use show::ShownValue;
pub(crate) use telemetry::{ENDPOINT as OTLP_ENDPOINT, HEADERS as OTLP_HEADERS};
pub use telemetry::{Endpoint, TelemetrySettings};
pub use vault::{VaultKeys, VaultLogin, VaultSettings};
pub use webhooks::WebhooksSettings;
pub use worker::WorkerSettings;

/// A key as messages have it: "`redis.url` (LONGSHORE_REDIS__URL)".
pub(crate) fn with_variable(key: &str) -> String {
    format!("`{key}` ({})", KeyPath::from(key).variable())
}

use family::Made;
use kinds::KindPolicies;
use proxies::ProxySettings;
use queues::Queues;
use schema::Schema;

/// Everything that can be configured, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The profile that was named, if one was.
    pub profile: Option<String>,
    /// Where the queues are kept.
    pub redis: RedisSettings,
    /// Where secrets are kept; `None` while there is no Vault.
    pub vault: Option<VaultSettings>,
    /// How often secrets are read again, from Vault and from files.
    pub reread: Duration,
    /// How what is logged is written.
    pub log: LogSettings,
    /// How a `work` process behaves.
    pub worker: WorkerSettings,
    /// Where errors are reported; `None` while there is no DSN.
    pub sentry: Option<SentrySettings>,
    /// Where traces are sent; `None` while there is no endpoint.
    pub telemetry: Option<TelemetrySettings>,
    /// Which jobs are made by the clock, by name.
    pub cron: Vec<CronSettings>,
    /// How the outside reaches us.
    pub webhooks: WebhooksSettings,
    /// The HTTP API for producers.
    pub api: ApiSettings,
    /// Who may call it.
    pub api_tokens: Vec<NamedToken>,
    /// The operators' web page.
    pub console: ConsoleSettings,
    /// Who may use it.
    pub console_users: Vec<NamedUser>,
    /// How jobs come into the queue that an app enqueues in its own database.
    pub outbox: OutboxSettings,
    /// The proxies whose word is taken for where a request comes from.
    pub trusted_proxies: TrustedProxies,
    integrations: Vec<Integration>,
    families: Vec<Family>,
    stand_ins: Vec<Sandbox>,
    kinds: Kinds,
    sections: Sections,
    inventory: BTreeMap<String, InventorySettings>,
    queues: Queues,
    policies: KindPolicies,
    warnings: Findings,
    values: Vec<ShownValue>,
}

impl Config {
    /// Reads and checks all layers.
    ///
    /// `dir` is the directory that was named, if one was; `./config` otherwise, which need not exist. `integrations`
    /// are those of this program: settings for others are refused. `env` is usually [`std::env::vars_os`].
    ///
    /// # Errors
    /// Everything that is wrong, warnings included. A configuration with nothing but warnings is returned, and
    /// [`warnings`](Self::warnings) holds them.
    pub fn load<N, V>(
        dir: Option<&Path>,
        profile: Option<&str>,
        integrations: &[Integration],
        env: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Findings>
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        Self::load_with(dir, profile, integrations, &[], env)
    }

    /// Reads and checks all layers, as [`load`](Self::load) does, of a program that has integrations which the configuration makes.
    ///
    /// # Errors
    /// Everything that is wrong, warnings included.
    pub fn load_with<N, V>(
        dir: Option<&Path>,
        profile: Option<&str>,
        integrations: &[Integration],
        families: &[Family],
        env: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Findings>
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let env = env.into_iter().map(|(n, v)| (n.into(), v.into()));
        let env: Vec<(OsString, OsString)> = env.collect();
        let made = Made::find(dir, profile, integrations, families, &env);
        Self::read(dir, profile, &made, env)
    }

    fn read(
        dir: Option<&Path>,
        profile: Option<&str>,
        made: &Made<'_>,
        env: Vec<(OsString, OsString)>,
    ) -> Result<Self, Findings> {
        let integrations = made.integrations.as_slice();
        let schema = Schema::new(integrations, made.families);
        let mut findings = Findings::default();
        let (figment, complete) = merged::merged(dir, profile, env, &schema, &mut findings);
        let directory = files::directory(dir);
        let mut reader = Reader::new(&figment, &schema, profile, directory, complete, findings);
        schema.refuse_unknown(&mut reader);
        made.refuse_names(&mut reader);
        let redis = RedisSettings::read_here(&mut reader);
        let vault_keys = VaultKeys::read_here(&mut reader);
        let vault = vault::vault(&mut reader, vault_keys.as_ref());
        vault::is_there(&mut reader, schema.keys());
        let proxies = ProxySettings::read_here(&mut reader);
        let log = LogSettings::read_here(&mut reader);
        let worker = WorkerSettings::read_here(&mut reader);
        let queues = queues::read(&mut reader, integrations, made.families);
        let of_kinds = kinds::read(&mut reader, schema.kinds());
        let policies = queues
            .as_ref()
            .zip(of_kinds)
            .map(|(queues, of_kinds)| kinds::resolve(schema.kinds(), queues, &of_kinds));
        let kinds = sections::known_kinds(made, policies.as_ref());
        let sections = sections::read(&mut reader, made, policies.as_ref(), &kinds);
        let kinds = made.checked(&kinds, &sections);
        let sentry = sentry::read(&mut reader);
        let telemetry = telemetry::read(&mut reader);
        let webhooks = WebhooksSettings::read_here(&mut reader);
        let inventory = inventory::read(&mut reader, schema.providers(), made.providers());
        let cron = cron::read(&mut reader, &kinds);
        let (api, api_tokens) = api::read(&mut reader, &kinds);
        let (console, console_users) = console::read(&mut reader);

        let values = show::values(&reader, &schema, &kinds);
        let listeners = webhooks
            .zip(api.zip(console))
            .zip(OutboxSettings::read_here(&mut reader));
        let warnings = reader.finish()?;
        let engine = redis.zip(worker.zip(log)).zip(queues.zip(policies));
        match engine.zip(listeners) {
            Some((
                ((redis, (worker, log)), (queues, policies)),
                ((webhooks, (api, console)), outbox),
            )) => Ok(Self {
                profile: profile.map(str::to_owned),
                redis,
                vault,
                reread: vault_keys.map(|keys| keys.reread).unwrap_or_default(),
                log,
                worker,
                sentry,
                telemetry,
                cron,
                webhooks,
                api,
                api_tokens,
                console,
                console_users,
                outbox,
                trusted_proxies: proxies.map(|of| of.trusted).unwrap_or_default(),
                integrations: integrations.to_vec(),
                families: made.families.to_vec(),
                stand_ins: made.stand_ins(&sections),
                kinds,
                sections,
                inventory,
                queues,
                policies,
                warnings,
                values,
            }),
            // Unreachable while every value that cannot be read leaves a finding; failing is the safe side.
            _ => Err(warnings),
        }
    }

    /// The settings of this type, if what they are for is on.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.sections.get()
    }

    /// The settings of all integrations.
    #[must_use]
    pub fn sections(&self) -> &Sections {
        &self.sections
    }

    /// The integrations of the program, those that the configuration made included.
    #[must_use]
    pub fn integrations(&self) -> &[Integration] {
        &self.integrations
    }

    /// The stand-ins for what the configuration describes, on this machine. None in a build for production.
    #[must_use]
    pub fn stand_ins(&self) -> &[Sandbox] {
        &self.stand_ins
    }

    /// The integration whose jobs wait in this queue.
    #[must_use]
    pub fn integration_of(&self, queue: &str) -> Option<&Integration> {
        self.integrations
            .iter()
            .find(|integration| integration.queue.name == queue)
    }

    /// The providers that queues have, each with its integration.
    pub fn providers(&self) -> impl Iterator<Item = (&Integration, &Provider)> {
        self.integrations
            .iter()
            .filter_map(|integration| Some((integration, integration.provider.as_ref()?)))
    }

    /// The names of the queues.
    #[must_use]
    pub fn queue_names(&self) -> Vec<&'static str> {
        let names = self.integrations.iter().map(|of| of.queue.name);
        names.collect()
    }

    /// The kinds of jobs. Those that expire as configured say so to whoever enqueues them.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The settings of one of the queues given to [`load`](Self::load).
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<&QueueSettings> {
        self.queues.get(name)
    }

    /// How the jobs of a kind are run in a queue, and who says so.
    #[must_use]
    pub fn kind(&self, kind: &str, queue: &str) -> Option<&KindSettings> {
        let mut settings = self.policies.values();
        settings.find(|settings| settings.kind == kind && settings.queue == queue)
    }

    /// What the inventory says of a provider; `None` when there is none of this name.
    #[must_use]
    pub fn listed(&self, provider: &str) -> Option<&InventorySettings> {
        self.inventory.get(provider)
    }

    /// Every value that is set, secrets masked, and where it came from.
    #[must_use]
    pub fn values(&self) -> &[ShownValue] {
        &self.values
    }

    /// What is allowed but likely not meant.
    #[must_use]
    pub fn warnings(&self) -> &Findings {
        &self.warnings
    }

    /// Variables that are likely meant for a key, and are not read.
    pub(crate) fn misnamed(&self) -> impl Iterator<Item = &Finding> {
        let warnings = self.warnings.iter();
        warnings.filter(|finding| [env::MISNAMED, env::MEANS_NOTHING].contains(&&*finding.problem))
    }

    /// Every secret of what is on, by its key. Kept apart from loading, since a machine that checks a configuration need
    /// not hold its secrets.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, &SecretRef)> {
        let mut secrets = Vec::new();
        self.redis.secrets(&RedisSettings::AT.into(), &mut secrets);
        if let Some(vault) = &self.vault {
            secrets.extend(vault.secrets());
        }
        let theirs = self.integrations.iter().flat_map(|of| of.settings.sections);
        for section in theirs.chain(self.families.iter().flat_map(|of| of.declarations)) {
            secrets.extend((section.secrets)(&self.sections));
        }
        api::secrets(&self.api_tokens, &mut secrets);
        console::secrets(&self.console_users, &mut secrets);
        if let Some(sentry) = &self.sentry {
            secrets.push((SENTRY_DSN.to_owned(), &sentry.dsn));
        }
        if let Some(headers) = self.telemetry.as_ref().and_then(|of| of.headers.as_ref()) {
            secrets.push((OTLP_HEADERS.to_owned(), headers));
        }
        secrets
    }
}
