//! The one list of providers. Adding one is a crate, its args in `longshore-job`, and a line here.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use longshore_email::{EmailConfig, SendEmailHandler, SendGrid, SendGridConfig, Sender};
use longshore_job::{Job, Prepared, kinds};
use longshore_provider::secret::{SecretString, resolve};
use longshore_queue::{BreakerSpec, ProviderPolicy};
use longshore_worker::Handlers;

use crate::config::{Calls, Config, QueueSpec};
use secrecy::ExposeSecret;

/// A provider's queue, and how its jobs are carried out.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Its name, as configuration has it.
    pub name: &'static str,
    /// Its queue.
    pub queue: QueueSpec,
    /// The keys that turn it on, for those who look for them.
    pub turned_on_by: &'static str,
    /// What it takes to work its queue, if it has credentials.
    pub set_up: fn(&Config) -> Result<Option<SetUp>, String>,
    /// Why a job that is accepted will be refused later, for who enqueues it by hand. Names no person.
    pub doubt: fn(&Config, &serde_json::Value) -> Option<String>,
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
pub const PROVIDERS: &[Provider] = &[Provider {
    name: "sendgrid",
    queue: QueueSpec {
        name: kinds::SendEmail::QUEUE,
        // SendGrid has no way to look a message up by our id.
        verifiable: false,
        default_timeout: Duration::from_secs(30),
    },
    turned_on_by: "providers.sendgrid.api_key",
    set_up: email,
    doubt: no_template,
}];

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
    (provider.doubt)(config, payload.get("args")?)
}

fn no_template(config: &Config, args: &serde_json::Value) -> Option<String> {
    let templates = &config.email.as_ref()?.templates;
    let name = args.get("template")?.as_str()?;
    let unknown = !templates.is_empty() && !templates.contains_key(name);
    unknown.then(|| {
        let known: Vec<_> = templates.keys().map(String::as_str).collect();
        format!(
            "there is no template `{name}` in email.templates, only {}: the job will be dead as refused",
            known.join(", ")
        )
    })
}

fn email(config: &Config) -> Result<Option<SetUp>, String> {
    let Some(email) = &config.email else {
        return Ok(None);
    };
    let sendgrid = &email.sendgrid;
    let api_key = resolve(sendgrid.api_key.expose_secret())
        .map_err(|error| format!("providers.sendgrid.api_key: {error}"))?;
    let policy = policy(
        config,
        "sendgrid",
        &sendgrid.calls,
        sendgrid.timeout,
        &api_key,
    );
    let client = SendGrid::new(&SendGridConfig {
        base_url: sendgrid.base_url.clone(),
        api_key,
        sandbox: sendgrid.sandbox,
        timeout: sendgrid.timeout,
    })
    .map_err(|error| format!("providers.sendgrid: {error}"))?;
    let mails = EmailConfig {
        from: Sender {
            email: email.from.email.clone(),
            name: email.from.name.clone(),
        },
        templates: email.templates.clone(),
    };
    Ok(Some(SetUp {
        handlers: Handlers::new().with(SendEmailHandler::new(mails, client)),
        policy,
    }))
}

fn policy(
    config: &Config,
    name: &str,
    calls: &Calls,
    timeout: Duration,
    secret: &SecretString,
) -> ProviderPolicy {
    let mut hasher = DefaultHasher::new();
    secret.expose_secret().hash(&mut hasher);
    ProviderPolicy {
        name: name.to_owned(),
        limit: Some(calls.limit),
        breaker: Some(BreakerSpec {
            failures: calls.breaker.failures,
            window: calls.breaker.window,
            open: calls.breaker.open,
            probe: timeout + config.worker.lost_after,
        }),
        // Says that a key is another one, and nothing else about it: 16 bits of a hash.
        credentials: format!("{:04x}", hasher.finish() & 0xffff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_waits_in_the_queue_of_a_provider() {
        let queues: Vec<_> = PROVIDERS
            .iter()
            .map(|provider| provider.queue.name)
            .collect();
        for spec in kinds::ALL {
            assert!(
                queues.contains(&spec.queue),
                "{} has no provider",
                spec.kind
            );
        }
    }
}
