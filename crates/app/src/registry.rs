//! What a program knows of its integrations: who is on, how each is set up and called, and which entries tick.

use std::sync::Arc;

use longshore_cron::ScheduledEntry;
use longshore_integration::settings::SecretRef;
use longshore_integration::{
    CallPolicy, Context, Files, Integration, Pending, Program, Provider, PublicUrl, Repeats, SetUp,
    SetUpError,
};
use longshore_job::{NoticeFilter, Prepared};
use longshore_operator::{ConfigRefusal, RepeatEffect};
use longshore_provider::secret::{Refreshed, Secret};
use longshore_queue::{BreakerSpec, Credentials, Fallback, Limit, ProviderPolicy};
use longshore_worker::{NoticeDelivery, ProviderFacts};

use crate::config::{Config, CronSettings};
use crate::failure::Failure;
use crate::secrets::Secrets;

/// A configuration and its secrets: what integrations are set up with.
#[derive(Debug, Clone, Copy)]
pub struct SetupContext<'a> {
    config: &'a Config,
    secrets: &'a Secrets,
}

impl<'a> SetupContext<'a> {
    /// Of this configuration.
    #[must_use]
    pub fn new(config: &'a Config, secrets: &'a Secrets) -> Self {
        Self { config, secrets }
    }

    /// What an integration is given.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        Context {
            sections: self.config.sections(),
            program: self,
        }
    }

    /// What it takes to work an integration's queue, if it is on.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub async fn set_up(&self, integration: &Integration) -> Result<Option<SetUp>, Failure> {
        Ok((integration.set_up)(self.context()).await?)
    }
}

impl Program for SetupContext<'_> {
    fn profile(&self) -> Option<&str> {
        self.config.profile.as_deref()
    }

    fn public_url(&self) -> Option<&PublicUrl> {
        self.config.webhooks.public_url.as_ref()
    }

    fn secret<'a>(&'a self, key: &'a str, at: &'a SecretRef) -> Pending<'a, Secret> {
        Box::pin(async move {
            // What is not listed, a check of the configuration would not look for.
            let mut listed = self.config.secrets().into_iter();
            if !listed.any(|(listed, _)| listed == key) {
                let what = "is used as a secret and not declared as one; declare it with `secret`";
                return Err(SetUpError::at(key, what));
            }
            self.secrets
                .get(key, at)
                .await
                .map_err(|error| match error {
                    Failure::Failed(text) | Failure::Redis(text) => SetUpError::Passing(text),
                    Failure::Input(text) => SetUpError::Wrong(text),
                })
        })
    }

    fn files(&self) -> Pending<'_, Option<Arc<dyn Files>>> {
        Box::pin(async move {
            for offer in self.config.integrations().iter().filter_map(|of| of.files) {
                let files = offer(self.context()).await?;
                if files.is_some() {
                    return Ok(files);
                }
            }
            Ok(None)
        })
    }
}

impl From<SetUpError> for Failure {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::Wrong(text) => Self::Input(text),
            SetUpError::Passing(text) => Self::Failed(text),
        }
    }
}

/// What the application is told of its jobs, and by which jobs.
#[derive(Debug, Clone)]
pub struct WantedNotices {
    /// What it is told.
    wanted: Arc<NoticeFilter>,
    /// The jobs that tell it.
    pub delivery: NoticeDelivery,
}

impl WantedNotices {
    /// What it is told of a queue's jobs: nothing of those that tell it.
    #[must_use]
    pub fn of(&self, queue: &str) -> Option<Arc<NoticeFilter>> {
        (queue != self.delivery.queue).then(|| Arc::clone(&self.wanted))
    }
}

/// What the application is told of its jobs, if anything.
#[must_use]
pub fn notices(config: &Config) -> Option<WantedNotices> {
    config.integrations().iter().find_map(|integration| {
        let jobs = integration.notices?;
        Some(WantedNotices {
            wanted: (jobs.wanted)(config.sections())?,
            delivery: NoticeDelivery {
                queue: integration.queue.name,
                payload: jobs.payload,
            },
        })
    })
}

/// Whether jobs of an integration can be carried out as it is configured.
#[must_use]
pub fn is_on(config: &Config, integration: &Integration) -> bool {
    let provider = integration.provider.as_ref();
    provider.is_none_or(|provider| (provider.origin)(config.sections()).is_some())
}

/// The keys that turn an integration on, for those who look for them.
#[must_use]
pub fn turned_on_by(integration: &Integration) -> String {
    let provider = integration.provider.as_ref();
    provider.map_or_else(
        || "its configuration".to_owned(),
        |provider| all_of(provider.turned_on_by),
    )
}

/// Keys that go together, for a message: `app.base_url and app.secret`.
#[must_use]
pub fn all_of(keys: &[&str]) -> String {
    keys.join(" and ")
}

/// Why this job will be refused, as far as this configuration knows. A producer's may know less than the workers'.
#[must_use]
pub fn likely_refusal(config: &Config, job: &Prepared) -> Option<String> {
    let provider = config.integration_of(&job.queue)?.provider.as_ref()?;
    let payload: serde_json::Value = serde_json::from_slice(&job.payload).ok()?;
    let (kind, args) = (payload.get("kind")?.as_str()?, payload.get("args")?);
    (provider.likely_refusal)(config.sections(), kind, args)
}

/// The same for operators, who have jobs of an integration before them.
#[must_use]
pub fn refusal(config: &Config, provider: Option<&Provider>) -> ConfigRefusal {
    let Some(provider) = provider else {
        return ConfigRefusal::never();
    };
    if (provider.origin)(config.sections()).is_none() {
        return ConfigRefusal::Unknown;
    }
    let (sections, ask) = (config.sections().clone(), provider.likely_refusal);
    ConfigRefusal::Known(Arc::new(move |kind, args| ask(&sections, kind, args)))
}

/// What a repeated request does, for operators. `verifies`: the provider is asked first where it can be.
#[must_use]
pub fn repeats(config: &Config, provider: Option<&Provider>, verifies: bool) -> RepeatEffect {
    let effect = move |repeats| match repeats {
        Repeats::Keyed(known_for) => RepeatEffect::Keyed(known_for),
        Repeats::KeyedOnly(known_for) => RepeatEffect::KeyedOnly(known_for),
        Repeats::Harmless => RepeatEffect::Verified,
        Repeats::Doubles if verifies => RepeatEffect::Verified,
        Repeats::Doubles | Repeats::ByArgs(_) => RepeatEffect::Double,
    };
    match provider.map_or(Repeats::Doubles, |provider| provider.repeats) {
        Repeats::ByArgs(find) => {
            let sections = config.sections().clone();
            RepeatEffect::ByArgs(Arc::new(move |args| effect(find(&sections, args))))
        }
        repeats => effect(repeats),
    }
}

/// Where the other providers of all queues are, if they are on.
#[must_use]
pub fn others(config: &Config) -> Vec<(&'static str, String)> {
    let others = config.providers().flat_map(|(_, provider)| provider.others);
    others
        .filter_map(|other| Some((other.name, (other.origin)(config.sections())?)))
        .collect()
}

/// What the inventory says of a provider and of the others in its queue, for the fleet's metrics.
#[must_use]
pub fn facts(config: &Config, integration: &Integration) -> Vec<ProviderFacts> {
    let Some(provider) = &integration.provider else {
        return Vec::new();
    };
    names(config, provider)
        .filter_map(|name| {
            let listed = config.listed(name)?;
            Some(ProviderFacts {
                provider: name.to_owned(),
                queue: integration.queue.name.to_owned(),
                own: name == provider.name,
                criticality: listed.criticality.to_string(),
                sla_percent: listed.sla_percent,
                owner: listed.owner.clone(),
            })
        })
        .collect()
}

/// A provider, and the others in its queue that are on.
pub fn names(config: &Config, provider: &Provider) -> impl Iterator<Item = &'static str> {
    let others = provider.others.iter();
    let on = others.filter(|other| (other.origin)(config.sections()).is_some());
    std::iter::once(provider.name).chain(on.map(|other| other.name))
}

/// The cron entries that tick and whose jobs go to this integration's queue.
#[must_use]
pub fn cron(config: &Config, integration: &Integration) -> Vec<ScheduledEntry> {
    let active = config.cron.iter().filter(|settings| {
        settings.entry.queue() == integration.queue.name && inactive(config, settings).is_none()
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
    let integration = config.integration_of(settings.entry.queue())?;
    if !is_on(config, integration) {
        return Some(format!("{} is not set", turned_on_by(integration)));
    }
    // What is sure to be refused would be a dead letter each time.
    likely_refusal(config, &settings.entry.job(ANY_TICK).ok()?)
}

/// How a provider is called, as the queue has it.
#[must_use]
pub fn policy(config: &Config, calls: &CallPolicy) -> ProviderPolicy {
    let (words, kept) = (calls.secrets.clone(), calls.secrets.clone());
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
    let limit = |limit: longshore_integration::settings::LimitSettings| Limit {
        count: limit.count,
        per: limit.per,
    };
    ProviderPolicy {
        name: calls.name.to_owned(),
        limit: Some(limit(calls.limit)),
        reads: calls.reads.map(limit),
        breaker: Some(BreakerSpec {
            failures: calls.breaker.failures,
            window: calls.breaker.window,
            open: calls.breaker.open,
            probe: calls.timeout + config.worker.lost_after,
        }),
        credentials,
        fallback: calls.fallback.as_ref().map(|fallback| Fallback {
            policy: Box::new(policy(config, &fallback.calls)),
            takes_jobs: fallback.takes_jobs,
        }),
    }
}
