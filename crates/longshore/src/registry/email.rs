//! `email`, carried out by SendGrid, and by Postmark while it is away.

use std::sync::Arc;

use longshore_email::{
    EmailConfig, Postmark, PostmarkConfig, SendEmailHandler, SendGrid, SendGridConfig, Sender,
    SmtpConfig,
};
use longshore_job::{Job, kinds};
use longshore_queue::{Fallback, ProviderPolicy, Queue};
use longshore_webhooks::SendGridEvents;
use longshore_worker::Handlers;

use super::files::Files;
use super::{Beside, Provider, SetUp, policy};
use crate::config::{Config, FallbackSettings, PostmarkTransport, QueueSpec};
use crate::failure::Failure;
use crate::secrets::Secrets;

/// The provider that stands in, as configuration has it.
const POSTMARK: &str = "postmark";

pub(super) const PROVIDER: Provider = Provider {
    name: "sendgrid",
    // SendGrid has no way to look a message up by our id.
    queue: QueueSpec::new(kinds::SendEmail::QUEUE),
    turned_on_by: "providers.sendgrid.api_key",
    origin: |config| Some(config.sendgrid()?.base_url.to_string()),
    set_up: |config, secrets| Box::pin(set_up(config, secrets)),
    beside,
    doubt: no_template,
};

fn fallback(config: &Config) -> Option<&FallbackSettings> {
    config.email.as_ref()?.fallback.as_ref()
}

fn beside(config: &Config) -> Vec<Beside> {
    let postmark = fallback(config).map(|_| Beside {
        name: POSTMARK,
        takes_jobs: true,
    });
    postmark.into_iter().collect()
}

/// Postmark, and where it is.
pub(super) fn postmark(config: &Config) -> Option<(&'static str, String)> {
    let postmark = &fallback(config)?.postmark;
    let at = match &postmark.transport {
        PostmarkTransport::Rest => postmark.base_url.to_string(),
        PostmarkTransport::Smtp { host, port } if host.contains(':') => {
            format!("smtp://[{host}]:{port}")
        }
        PostmarkTransport::Smtp { host, port } => format!("smtp://{host}:{port}"),
    };
    Some((POSTMARK, at))
}

fn no_template(config: &Config, _: &str, args: &serde_json::Value) -> Option<String> {
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

async fn set_up(config: &Config, secrets: &Secrets) -> Result<Option<SetUp>, Failure> {
    let Some(email) = &config.email else {
        return Ok(None);
    };
    let sendgrid = &email.sendgrid;
    let api_key = secrets
        .get("providers.sendgrid.api_key", &sendgrid.api_key)
        .await?;
    let policy = policy(
        config,
        PROVIDER.name,
        &sendgrid.calls,
        sendgrid.timeout,
        std::slice::from_ref(&api_key),
    );
    let client = SendGrid::new(&SendGridConfig {
        base_url: sendgrid.base_url.clone(),
        api_key,
        sandbox: sendgrid.sandbox,
        timeout: sendgrid.timeout,
    })
    .map_err(|error| Failure::Input(format!("providers.sendgrid: {error}")))?;
    let mails = EmailConfig {
        from: Sender {
            email: email.from.email.clone(),
            name: email.from.name.clone(),
        },
        templates: email.templates.clone(),
        heard: !sendgrid.webhook_public_keys.is_empty(),
    };
    let mut handler = SendEmailHandler::new(mails, client);
    if let Some(files) = Files::of(config, secrets).await? {
        handler = handler.with_attachments(Arc::new(files));
    }
    let (handler, policy) = match &email.fallback {
        None => (handler, policy),
        Some(settings) => {
            let (postmark, stands_in) = stands_in(config, secrets, settings).await?;
            let fallback = Some(Fallback {
                policy: Box::new(stands_in),
                takes_jobs: true,
            });
            let policy = ProviderPolicy { fallback, ..policy };
            (handler.with_fallback(postmark), policy)
        }
    };
    Ok(Some(SetUp {
        handlers: Handlers::new().with(handler),
        policy,
    }))
}

/// What it takes to have Postmark stand in.
async fn stands_in(
    config: &Config,
    secrets: &Secrets,
    settings: &FallbackSettings,
) -> Result<(Postmark, ProviderPolicy), Failure> {
    let postmark = &settings.postmark;
    let server_token = secrets
        .get("providers.postmark.server_token", &postmark.server_token)
        .await?;
    let policy = policy(
        config,
        POSTMARK,
        &postmark.calls,
        postmark.timeout,
        std::slice::from_ref(&server_token),
    );
    let message_stream = postmark.message_stream.clone();
    let timeout = postmark.timeout;
    let client = match &postmark.transport {
        PostmarkTransport::Rest => Postmark::by_rest(PostmarkConfig {
            base_url: postmark.base_url.clone(),
            server_token,
            message_stream,
            templates: settings.ids.clone(),
            timeout,
        }),
        PostmarkTransport::Smtp { host, port } => Postmark::by_smtp(SmtpConfig {
            host: host.clone(),
            port: *port,
            requires_tls: !postmark.is_local(),
            server_token,
            message_stream,
            templates: Arc::clone(&settings.files),
            timeout,
        }),
    };
    let client = client.map_err(|error| Failure::Input(format!("providers.postmark: {error}")))?;
    Ok((client, policy))
}

/// What it takes to hear SendGrid's events; `None` while it is off, or has no public key to verify them with.
#[must_use]
pub fn sendgrid_events(config: &Config, queue: Queue) -> Option<SendGridEvents> {
    let public_keys = config.sendgrid()?.webhook_public_keys.clone();
    (!public_keys.is_empty()).then_some(SendGridEvents { public_keys, queue })
}
