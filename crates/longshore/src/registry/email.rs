//! `email`, carried out by SendGrid.

use std::sync::Arc;

use longshore_email::{EmailConfig, SendEmailHandler, SendGrid, SendGridConfig, Sender};
use longshore_job::{Job, kinds};
use longshore_queue::Queue;
use longshore_webhooks::SendGridEvents;
use longshore_worker::Handlers;

use super::files::Files;
use super::{Provider, SetUp, alone, policy, secret};
use crate::config::{Config, QueueSpec};

pub(super) const PROVIDER: Provider = Provider {
    name: "sendgrid",
    // SendGrid has no way to look a message up by our id.
    queue: QueueSpec::new(kinds::SendEmail::QUEUE),
    turned_on_by: "providers.sendgrid.api_key",
    origin: |config| Some(config.sendgrid()?.base_url.to_string()),
    set_up,
    beside: alone,
    doubt: no_template,
};

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

fn set_up(config: &Config) -> Result<Option<SetUp>, String> {
    let Some(email) = &config.email else {
        return Ok(None);
    };
    let sendgrid = &email.sendgrid;
    let api_key = secret("providers.sendgrid.api_key", &sendgrid.api_key)?;
    let policy = policy(
        config,
        PROVIDER.name,
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
        heard: !sendgrid.webhook_public_keys.is_empty(),
    };
    let mut handler = SendEmailHandler::new(mails, client);
    if let Some(files) = Files::of(config)? {
        handler = handler.with_attachments(Arc::new(files));
    }
    Ok(Some(SetUp {
        handlers: Handlers::new().with(handler),
        policy,
    }))
}

/// What it takes to hear SendGrid's events; `None` while it is off, or has no public key to verify them with.
#[must_use]
pub fn sendgrid_events(config: &Config, queue: Queue) -> Option<SendGridEvents> {
    let public_keys = config.sendgrid()?.webhook_public_keys.clone();
    (!public_keys.is_empty()).then_some(SendGridEvents { public_keys, queue })
}
