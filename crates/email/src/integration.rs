//! `email`, carried out by SendGrid, and by Postmark while it is away.

mod attached;
mod postmark;
mod sendgrid;
mod settings;

use attached::Attached;
use settings::EmailKeys;

use std::sync::Arc;

use crate::webhook::{PostmarkEvents, SendGridEvents};
use crate::{
    EmailConfig, MailSender, Postmark, PostmarkConfig, SendEmailHandler, SendGrid, SendGridConfig,
    SmtpConfig,
};
use longshore_integration::key_path;
use longshore_integration::settings::{Declaration, Section, Settings};
use longshore_integration::{
    CallPolicy, Context, Events, Integration, Inventory, OtherProvider, Provider, QueueSpec,
    Repeats, Sections, SetUp, SetUpError, Smoke, Source, StandIn,
};
use longshore_job::{Handlers, Job};
use serde_json::json;

pub use postmark::{PostmarkSettings, PostmarkTransport};
pub use sendgrid::SendGridSettings;
pub use settings::{EmailSettings, FallbackSettings, SenderSettings};

/// The provider that stands in, as configuration has it.
const POSTMARK: &str = "postmark";

/// The template of mails that expire by themselves: they hold a link to reset a password.
const PASSWORD_RESET: &str = "password_reset";

/// `email`.
#[must_use]
pub const fn integration() -> Integration {
    const {
        Integration {
            name: "email",
            crate_name: env!("CARGO_CRATE_NAME"),
            // SendGrid has no way to look a message up by our id.
            queue: QueueSpec::new(crate::SendEmail::QUEUE),
            kinds: crate::args::KINDS,
            follow_ups: &[],
            settings: Settings {
                sections: &[
                    Declaration::of::<SendGridSettings>(),
                    Declaration::of::<PostmarkSettings>(),
                    Declaration::of::<EmailKeys>(),
                ],
                complete: settings::complete,
                check: |_, _| {},
            },
            set_up: &|context| Box::pin(set_up(context)),
            provider: Some(PROVIDER),
            cron: &[],
            events: &[
                Events {
                    name: PROVIDER.name,
                    turned_on_by: &[
                        SendGridSettings::API_KEY,
                        SendGridSettings::WEBHOOK_PUBLIC_KEYS,
                    ],
                    source: |context| Box::pin(events(context)),
                },
                Events {
                    name: POSTMARK,
                    turned_on_by: &[
                        PostmarkSettings::SERVER_TOKEN,
                        PostmarkSettings::WEBHOOK_USER,
                        PostmarkSettings::WEBHOOK_PASSWORD,
                    ],
                    source: |context| Box::pin(postmark_events(context)),
                },
            ],
            notices: None,
            files: None,
            #[cfg(feature = "sandbox")]
            sandboxes: crate::sandbox::SANDBOXES,
            #[cfg(not(feature = "sandbox"))]
            sandboxes: &[],
        }
    }
}

const PROVIDER: Provider = Provider {
    name: "sendgrid",
    turned_on_by: &[SendGridSettings::API_KEY],
    inventory: Inventory {
        criticality: "high",
        sla_percent: Some("99.95"),
        owner: Some("Backend"),
    },
    origin: &|sections| {
        Some(
            sections
                .get::<EmailSettings>()?
                .sendgrid
                .base_url
                .to_string(),
        )
    },
    repeats: Repeats::Doubles,
    others: &[OtherProvider {
        name: POSTMARK,
        crate_name: env!("CARGO_CRATE_NAME"),
        // As critical as what it stands in for.
        inventory: Inventory {
            criticality: "high",
            sla_percent: None,
            owner: Some("Backend"),
        },
        origin: &postmark_origin,
        takes_jobs: true,
        page: include_str!("../postmark.md"),
    }],
    // Only a mail with a link to reset a password expires by itself.
    expects: &|sections, _| {
        sections
            .get::<EmailSettings>()
            .is_some_and(|email| email.templates.contains_key(PASSWORD_RESET))
    },
    likely_refusal: &not_configured,
    smoke: Some(Smoke {
        needs: &[
            SendGridSettings::API_KEY,
            key_path!(EmailKeys::TEMPLATES, "welcome"),
        ],
        kind: crate::SendEmail::KIND,
        args: &|_| json!({ "template": "welcome", "to": { "email": "smoke@example.com" }, "data": {} }),
        what: "a mail was checked in sandbox mode",
        unsafe_because: &|sections| {
            let sendgrid = &sections.get::<EmailSettings>()?.sendgrid;
            let live = sendgrid.base_url.to_string().starts_with("https:");
            let key = SendGridSettings::SANDBOX;
            (live && !sendgrid.sandbox)
                .then(|| format!("{key} is false: it would send a mail; set it to true"))
        },
    }),
    page: include_str!("../sendgrid.md"),
};

/// Where Postmark is.
fn postmark_origin(sections: &Sections) -> Option<String> {
    let postmark = &sections.get::<EmailSettings>()?.fallback.as_ref()?.postmark;
    Some(match &postmark.transport {
        PostmarkTransport::Rest => postmark.base_url.to_string(),
        PostmarkTransport::Smtp => {
            let (host, port) = (&postmark.smtp_host, postmark.smtp_port);
            match host.contains(':') {
                true => format!("smtp://[{host}]:{port}"),
                false => format!("smtp://{host}:{port}"),
            }
        }
    })
}

/// A job names a template, or a sender, that the configuration does not have.
fn not_configured(sections: &Sections, _: &str, args: &serde_json::Value) -> Option<String> {
    let email = sections.get::<EmailSettings>()?;
    let templates: Vec<_> = email.templates.keys().map(String::as_str).collect();
    let senders: Vec<_> = email.senders.keys().map(String::as_str).collect();
    let unknown = |what: &str, name: Option<&str>, at: &str, known: &[&str]| {
        let name = name.filter(|name| !known.contains(name))?;
        let known = match known {
            [] => String::new(),
            known => format!(", only {}", known.join(", ")),
        };
        Some(format!(
            "there is no {what} `{name}` in {at}{known}: the job will be dead as refused"
        ))
    };
    let named = |arg: &str| args.get(arg).and_then(serde_json::Value::as_str);
    let template = named("template").filter(|_| !templates.is_empty());
    unknown("template", template, EmailKeys::TEMPLATES, &templates)
        .or_else(|| unknown("sender", named("from"), EmailKeys::SENDERS, &senders))
}

async fn set_up(context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    let Some(email) = context.get::<EmailSettings>() else {
        return Ok(None);
    };
    let sendgrid = &email.sendgrid;
    let api_key = context
        .secret(SendGridSettings::API_KEY, &sendgrid.api_key)
        .await?;
    let client = SendGrid::new(&SendGridConfig {
        base_url: sendgrid.base_url.clone(),
        api_key: api_key.clone(),
        sandbox: sendgrid.sandbox,
        timeout: sendgrid.calls.timeout,
    })
    .map_err(|error| SetUpError::at(SendGridSettings::AT, error))?;
    let sender = |sender: &SenderSettings| MailSender {
        email: sender.email.clone(),
        name: sender.name.clone(),
    };
    let senders = email.senders.iter();
    let mails = EmailConfig {
        from: sender(&email.from),
        senders: senders
            .map(|(name, settings)| (name.clone(), sender(settings)))
            .collect(),
        templates: email.templates.clone(),
        heard: !sendgrid.webhook_public_keys.is_empty(),
        fallback_heard: email.fallback.as_ref().is_some_and(|fallback| {
            let postmark = &fallback.postmark;
            postmark.webhook_user.is_some() && postmark.webhook_password.is_some()
        }),
    };
    let mut handler = SendEmailHandler::new(mails, client);
    if let Some(files) = context.program.files().await? {
        handler = handler.with_attachments(Arc::new(Attached(files)));
    }
    let mut fallback = None;
    if let Some(settings) = &email.fallback {
        let (postmark, calls) = set_up_fallback(context, settings).await?;
        handler = handler.with_fallback(postmark);
        fallback = Some(StandIn {
            calls: Box::new(calls),
            takes_jobs: true,
        });
    }
    Ok(Some(SetUp {
        handlers: Handlers::new().with(handler),
        calls: Some(CallPolicy {
            fallback,
            ..CallPolicy::new(PROVIDER.name, &sendgrid.calls, [api_key])
        }),
    }))
}

/// What it takes to have Postmark stand in.
async fn set_up_fallback(
    context: Context<'_>,
    settings: &FallbackSettings,
) -> Result<(Postmark, CallPolicy), SetUpError> {
    let postmark = &settings.postmark;
    let server_token = context
        .secret(PostmarkSettings::SERVER_TOKEN, &postmark.server_token)
        .await?;
    let calls = CallPolicy::new(POSTMARK, &postmark.calls, [server_token.clone()]);
    let message_stream = postmark.message_stream.clone();
    let timeout = postmark.calls.timeout;
    let client = match &postmark.transport {
        PostmarkTransport::Rest => Postmark::by_rest(PostmarkConfig {
            base_url: postmark.base_url.clone(),
            server_token,
            message_stream,
            templates: settings.ids.clone(),
            timeout,
        }),
        PostmarkTransport::Smtp => Postmark::by_smtp(SmtpConfig {
            host: postmark.smtp_host.clone(),
            port: postmark.smtp_port,
            requires_tls: !postmark.is_local(),
            server_token,
            message_stream,
            templates: Arc::clone(&settings.files),
            timeout,
        }),
    };
    let client = client.map_err(|error| SetUpError::at(PostmarkSettings::AT, error))?;
    Ok((client, calls))
}

/// SendGrid's events; `None` while it is off, or has no public key to verify them with.
async fn events(context: Context<'_>) -> Result<Option<Box<dyn Source>>, SetUpError> {
    let Some(email) = context.get::<EmailSettings>() else {
        return Ok(None);
    };
    let public_keys = email.sendgrid.webhook_public_keys.clone();
    Ok((!public_keys.is_empty()).then(|| Box::new(SendGridEvents::new(public_keys)) as _))
}

/// Postmark's events; `None` while it does not stand in, or has no password that they come with.
async fn postmark_events(context: Context<'_>) -> Result<Option<Box<dyn Source>>, SetUpError> {
    let Some(fallback) = context
        .get::<EmailSettings>()
        .and_then(|email| email.fallback.as_ref())
    else {
        return Ok(None);
    };
    let postmark = &fallback.postmark;
    let (Some(user), Some(password)) = (&postmark.webhook_user, &postmark.webhook_password) else {
        return Ok(None);
    };
    let password = context
        .secret(PostmarkSettings::WEBHOOK_PASSWORD, password)
        .await?;
    Ok(Some(Box::new(PostmarkEvents::new(user.clone(), password))))
}
