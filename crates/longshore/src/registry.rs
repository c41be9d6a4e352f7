//! The one list of providers. Adding one is a crate, its args in `longshore-job`, and a line here.

use std::time::Duration;

use longshore_email::{EmailConfig, SendEmailHandler, SendGrid, SendGridConfig, Sender};
use longshore_job::{Job, Prepared, kinds};
use longshore_provider::secret::resolve;
use longshore_worker::Handlers;

use crate::config::{Config, QueueSpec};
use secrecy::ExposeSecret;

/// A provider's queue, and how its jobs are carried out.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Its queue.
    pub queue: QueueSpec,
    /// The keys that turn it on, for those who look for them.
    pub turned_on_by: &'static str,
    /// Its handlers, if it has credentials.
    pub handlers: fn(&Config) -> Result<Option<Handlers>, String>,
    /// Why a job that is accepted will be refused later, for who enqueues it by hand. Names no person.
    pub doubt: fn(&Config, &serde_json::Value) -> Option<String>,
}

/// All of them.
pub const PROVIDERS: &[Provider] = &[Provider {
    queue: QueueSpec {
        name: kinds::SendEmail::QUEUE,
        // SendGrid has no way to look a message up by our id.
        verifiable: false,
        default_timeout: Duration::from_secs(30),
    },
    turned_on_by: "providers.sendgrid.api_key",
    handlers: email,
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

fn email(config: &Config) -> Result<Option<Handlers>, String> {
    let Some(email) = &config.email else {
        return Ok(None);
    };
    let sendgrid = &email.sendgrid;
    let api_key = resolve(sendgrid.api_key.expose_secret())
        .map_err(|error| format!("providers.sendgrid.api_key: {error}"))?;
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
    Ok(Some(
        Handlers::new().with(SendEmailHandler::new(mails, client)),
    ))
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
