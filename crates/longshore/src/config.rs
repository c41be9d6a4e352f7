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
//! Each section has a file with three things: its `KEYS`, the struct that the binary gets, and a `read` that makes
//! one from the other. A new provider is such a file, its line in `config/schema.rs`, and its field in [`Config`].

mod app;
mod base_url;
mod buckets;
mod calls;
mod cron;
mod document;
mod email;
mod env;
mod files;
mod finding;
mod google_maps;
mod inventory;
mod key;
mod layer;
mod postmark;
mod proxies;
mod queues;
mod reader;
mod redis;
mod schema;
mod secret;
mod sendgrid;
mod sentry;
mod show;
mod storage;
mod stripe;
mod testpay;
mod twilio;
mod unknown;
mod vault;
mod webhooks;
mod worker;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use figment::Figment;
use longshore_job::Job;
use longshore_job::kinds::{BucketName, CreatePaymentIntent, SendEmail};
use longshore_listener::TrustedProxies;
use longshore_storage::Bucket;

pub use app::AppSettings;
pub use calls::{Breaker, Calls};
pub use cron::CronSettings;
pub use email::{EmailSettings, FallbackSettings, Sender};
pub use finding::{Finding, Findings, Severity};
pub use google_maps::GoogleMapsSettings;
pub use inventory::{Criticality, Listed};
pub use postmark::{PostmarkSettings, PostmarkTransport};
pub use queues::{OnUnknown, QueueSettings, QueueSpec};
pub use redis::{InvalidRedisUrl, RedisSettings, RedisUrl};
pub use secret::SecretRef;
pub use sendgrid::SendGridSettings;
pub use sentry::{SentrySettings, origin as sentry_origin, parse_dsn};
pub use show::ShownValue;
pub use storage::{StoreKeys, StoreSettings};
pub use stripe::{StripeSettings, wrong_mode};
pub use testpay::TestPaySettings;
pub use twilio::{TwilioCredentials, TwilioSender, TwilioSettings};
pub use vault::{VaultLogin, VaultSettings};
pub use webhooks::WebhooksSettings;
pub use worker::WorkerSettings;

use queues::Queues;
use reader::Reader;
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
    /// How a `work` process behaves.
    pub worker: WorkerSettings,
    /// What sending email takes; `None` while no email provider has credentials.
    pub email: Option<EmailSettings>,
    /// What sending SMS takes; `None` while Twilio has no credentials.
    pub twilio: Option<TwilioSettings>,
    /// What geocoding takes; `None` while Google Maps has no key.
    pub google_maps: Option<GoogleMapsSettings>,
    /// What taking payments takes; `None` while Stripe has no key.
    pub stripe: Option<StripeSettings>,
    /// The sandbox's payment provider, to try a switch with; `None` while it has no key.
    pub testpay: Option<TestPaySettings>,
    /// Where payment effects are delivered, if anywhere.
    pub app: Option<AppSettings>,
    /// The payment provider that takes new customers.
    pub new_customers: String,
    /// What S3 takes; `None` while it has no region.
    pub s3: Option<StoreSettings>,
    /// What its stand-in takes; `None` while it has no endpoint.
    pub r2: Option<StoreSettings>,
    /// The buckets that have a name.
    pub buckets: Vec<(BucketName, Bucket)>,
    /// Where errors are reported; `None` while there is no DSN.
    pub sentry: Option<SentrySettings>,
    /// Which jobs are made by the clock, by name.
    pub cron: Vec<CronSettings>,
    /// How the outside reaches us.
    pub webhooks: WebhooksSettings,
    /// The proxies whose word is taken for where a request comes from.
    pub trusted_proxies: TrustedProxies,
    inventory: BTreeMap<&'static str, Listed>,
    queues: Queues,
    warnings: Findings,
    values: Vec<ShownValue>,
}

impl Config {
    /// Reads and checks all layers.
    ///
    /// `dir` is the directory that was named, if one was; `./config` otherwise, which need not exist. `queues` are the
    /// queues of this binary: settings for others are refused. `env` is usually [`std::env::vars_os`].
    ///
    /// # Errors
    /// Everything that is wrong, warnings included. A configuration with nothing but warnings is returned, and
    /// [`warnings`](Self::warnings) holds them.
    pub fn load<N, V>(
        dir: Option<&Path>,
        profile: Option<&str>,
        queues: &[QueueSpec],
        env: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Findings>
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let schema = Schema::new(queues);
        let mut findings = Findings::default();

        let mut figment = Figment::from(schema.built_in());
        for file in files::layers(dir, profile, &mut findings) {
            figment = figment.merge(file);
        }
        // What a broken file holds is not known, so nothing it could have set is called missing.
        let complete = !findings.has_errors();
        let env = env::layer(env, &schema, &figment, &mut findings);
        let figment = figment.merge(env);

        let mut reader = Reader::new(&figment, profile, complete, findings);
        schema.refuse_unknown(&mut reader);
        let redis = redis::read(&mut reader);
        let vault = vault::read(&mut reader);
        let reread = vault::reread(&mut reader);
        vault::is_there(&mut reader);
        let trusted_proxies = proxies::read(&mut reader);
        let worker = worker::read(&mut reader);
        let queues = queues::read(&mut reader, queues);
        let sendgrid = sendgrid::read(&mut reader);
        let postmark = postmark::read(&mut reader);
        let email = email::read(&mut reader, sendgrid, postmark, files::directory(dir));
        let twilio = twilio::read(&mut reader);
        let google_maps = google_maps::read(&mut reader);
        let stripe = stripe::read(&mut reader, profile);
        if let Some(queues) = &queues {
            queues::fit(&mut reader, queues, |kind| match kind.queue {
                // Only a mail with a link to reset a password expires by itself.
                SendEmail::QUEUE => email
                    .as_ref()
                    .is_some_and(|email| email.templates.contains_key("password_reset")),
                CreatePaymentIntent::QUEUE => stripe.is_some(),
                _ => true,
            });
        }
        let app = app::read(&mut reader);
        let testpay = testpay::read(&mut reader);
        let new_customers = app::new_customers(&mut reader, testpay.is_some());
        if let Some(stripe) = &stripe {
            app::has_somebody(&mut reader, stripe, app.as_ref());
        }
        if app.is_some()
            && let Some(email) = &email
        {
            email::has_payment_failed(&mut reader, email);
        }
        let s3 = storage::s3(&mut reader);
        let r2 = storage::r2(&mut reader);
        let buckets = buckets::read(&mut reader, s3.is_some(), r2.is_some());
        let sentry = sentry::read(&mut reader);
        let webhooks = webhooks::read(&mut reader);
        let inventory = inventory::read(&mut reader);
        if let (Some(twilio), Some(webhooks)) = (&twilio, &webhooks) {
            webhooks::can_verify(&mut reader, webhooks, twilio);
        }

        let cron = cron::read(&mut reader);

        let values = show::values(&reader, &schema);
        let warnings = reader.finish()?;
        match (redis, worker, queues, webhooks, new_customers, buckets) {
            (
                Some(redis),
                Some(worker),
                Some(queues),
                Some(webhooks),
                Some(new_customers),
                Some(buckets),
            ) => Ok(Self {
                profile: profile.map(str::to_owned),
                redis,
                vault,
                reread: reread.unwrap_or_default(),
                worker,
                email,
                twilio,
                google_maps,
                stripe,
                testpay,
                app,
                new_customers,
                s3,
                r2,
                buckets,
                sentry,
                cron,
                webhooks,
                trusted_proxies: trusted_proxies.unwrap_or_default(),
                inventory,
                queues,
                warnings,
                values,
            }),
            // Unreachable while every value that cannot be read leaves a finding; failing is the safe side.
            _ => Err(warnings),
        }
    }

    /// The settings of one of the queues given to [`load`](Self::load).
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<&QueueSettings> {
        self.queues.get(name)
    }

    /// What the inventory says of a provider; `None` when there is none of this name.
    #[must_use]
    pub fn listed(&self, provider: &str) -> Option<&Listed> {
        self.inventory.get(provider)
    }

    /// SendGrid's settings; `None` while it has no key.
    #[must_use]
    pub fn sendgrid(&self) -> Option<&SendGridSettings> {
        self.email.as_ref().map(|email| &email.sendgrid)
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

    /// Every secret of what is on, by its key. Kept apart from loading, since a machine that checks a configuration need
    /// not hold its secrets.
    #[must_use]
    pub fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        let mut secrets = vec![("redis.url", &self.redis.url)];
        if let Some(vault) = &self.vault {
            secrets.extend(vault.secrets());
        }
        if let Some(email) = &self.email {
            secrets.push((sendgrid::API_KEY, &email.sendgrid.api_key));
            if let Some(fallback) = &email.fallback {
                secrets.push((postmark::SERVER_TOKEN, &fallback.postmark.server_token));
            }
        }
        if let Some(twilio) = &self.twilio {
            secrets.extend(twilio.secrets());
        }
        if let Some(stripe) = &self.stripe {
            secrets.extend(stripe.secrets());
        }
        if let Some(testpay) = &self.testpay {
            secrets.push((testpay::API_KEY, &testpay.api_key));
        }
        if let Some(app) = &self.app {
            secrets.push((app::SECRET, &app.secret));
        }
        if let Some(maps) = &self.google_maps {
            secrets.push((google_maps::API_KEY, &maps.api_key));
        }
        secrets.extend(
            self.s3
                .iter()
                .flat_map(|s3| s3.secrets(storage::S3_SECRETS)),
        );
        secrets.extend(
            self.r2
                .iter()
                .flat_map(|r2| r2.secrets(storage::R2_SECRETS)),
        );
        if let Some(sentry) = &self.sentry {
            secrets.push((sentry::DSN, &sentry.dsn));
        }
        secrets
    }
}
