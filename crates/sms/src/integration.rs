//! `sms`, carried out by Twilio.

mod settings;

use crate::webhook::{TwilioEvents, TwilioInbound};
use crate::{MessageSender, SendSmsHandler, Twilio, TwilioAuth, TwilioConfig};
use longshore_integration::settings::{Declaration, Settings};
use longshore_integration::{
    CallPolicy, Context, Events, Integration, Inventory, Provider, QueueSpec, Repeats, Sections,
    SetUp, SetUpError, Smoke, Source,
};
use longshore_job::{Handlers, Job, OnUnknown};
use longshore_provider::secret::Secret;
use serde_json::json;

pub use settings::{TwilioCredentials, TwilioKeys, TwilioSender, TwilioSenders, TwilioSettings};

/// Where Twilio's reports are listened for, under the public URL.
const TWILIO_PATH: &str = "/webhooks/twilio";

/// Texts that people send to our numbers.
const INBOUND: &str = "twilio/inbound";

/// `sms`.
#[must_use]
pub const fn integration() -> Integration {
    const {
        Integration {
            name: "sms",
            crate_name: env!("CARGO_CRATE_NAME"),
            queue: QueueSpec {
                default_on_unknown: OnUnknown::Verify,
                ..QueueSpec::new(crate::SendSms::QUEUE)
            },
            kinds: crate::args::KINDS,
            follow_ups: &[],
            settings: Settings {
                sections: &[Declaration::of::<TwilioKeys>()],
                complete: settings::complete,
                check: |reader, sections| {
                    if let Some(twilio) = sections.get() {
                        settings::can_verify(reader, twilio);
                    }
                },
            },
            set_up: &|context| Box::pin(set_up(context)),
            provider: Some(PROVIDER),
            cron: &[],
            events: &[
                Events {
                    name: PROVIDER.name,
                    turned_on_by: &[TwilioKeys::ACCOUNT_SID, TwilioKeys::AUTH_TOKEN],
                    source: |context| Box::pin(events(context)),
                },
                Events {
                    name: INBOUND,
                    turned_on_by: &[TwilioKeys::ACCOUNT_SID, TwilioKeys::AUTH_TOKEN],
                    source: |context| Box::pin(inbound(context)),
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
    name: "twilio",
    turned_on_by: &[TwilioKeys::ACCOUNT_SID, TwilioKeys::AUTH_TOKEN],
    inventory: Inventory {
        criticality: "medium",
        sla_percent: Some("99.95"),
        owner: Some("Backend"),
    },
    origin: &|sections| Some(sections.get::<TwilioSettings>()?.keys.base_url.to_string()),
    repeats: Repeats::Doubles,
    others: &[],
    expects: &|_, _| true,
    likely_refusal: &no_sender,
    // Sent from a magic number that only test credentials may send from: with live ones it is refused.
    smoke: Some(Smoke {
        needs: &[TwilioKeys::ACCOUNT_SID, TwilioKeys::AUTH_TOKEN],
        kind: crate::SendSms::KIND,
        args: &|_| json!({ "to": "+15005550006", "body": "longshore smoke" }),
        what: "a message between magic numbers was taken on",
        unsafe_because: &|_| None,
    }),
    page: include_str!("../twilio.md"),
};

async fn set_up(context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    let Some(twilio) = context.get::<TwilioSettings>() else {
        return Ok(None);
    };
    let (credentials, secret) = match &twilio.credentials {
        TwilioCredentials::AuthToken(token) => {
            let token = context.secret(TwilioKeys::AUTH_TOKEN, token).await?;
            (TwilioAuth::AuthToken(token.clone()), token)
        }
        TwilioCredentials::ApiKey { sid, secret: key } => {
            let key = context.secret(TwilioKeys::API_KEY_SECRET, key).await?;
            let (sid, secret) = (sid.clone(), key.clone());
            (TwilioAuth::ApiKey { sid, secret }, key)
        }
    };
    let sender = |sender: &TwilioSender| match sender {
        TwilioSender::From(from) => MessageSender::From(from.clone()),
        TwilioSender::MessagingService(sid) => MessageSender::MessagingService(sid.clone()),
    };
    let senders = twilio.keys.senders.0.iter();
    let client = Twilio::new(&TwilioConfig {
        base_url: twilio.keys.base_url.clone(),
        account_sid: twilio.keys.account_sid.clone(),
        credentials,
        sender: sender(&twilio.sender),
        senders: senders
            .map(|(name, settings)| (name.clone(), sender(settings)))
            .collect(),
        status_callback: status_callback(context, twilio),
        timeout: twilio.keys.calls.timeout,
    })
    .map_err(|error| SetUpError::at("providers.twilio", error))?;
    Ok(Some(SetUp {
        handlers: Handlers::new().with(SendSmsHandler::new(client)),
        calls: Some(CallPolicy::new(PROVIDER.name, &twilio.keys.calls, [secret])),
    }))
}

/// Where Twilio is to report what becomes of a message; only where its reports can be verified.
fn status_callback(context: Context<'_>, twilio: &TwilioSettings) -> Option<String> {
    let origin = context.program.public_url()?;
    let can_verify = twilio.keys.auth_token.is_some();
    can_verify.then(|| format!("{origin}{TWILIO_PATH}"))
}

/// A job names a sender that the configuration does not have.
fn no_sender(sections: &Sections, _: &str, args: &serde_json::Value) -> Option<String> {
    let senders = &sections.get::<TwilioSettings>()?.keys.senders.0;
    let name = args.get("from")?.as_str()?;
    (!senders.contains_key(name)).then(|| {
        let at = TwilioKeys::SENDERS;
        format!("there is no sender `{name}` in {at}: the job will be dead as refused")
    })
}

/// Twilio's reports; `None` while it is off, or has no auth token to verify them with.
async fn events(context: Context<'_>) -> Result<Option<Box<dyn Source>>, SetUpError> {
    let signed = signed(context).await?;
    Ok(signed.map(|(account_sid, auth_token, shared_keys)| {
        Box::new(TwilioEvents::new(account_sid, auth_token, shared_keys)) as _
    }))
}

/// What people answer to texts; `None` where Twilio's reports are not taken.
async fn inbound(context: Context<'_>) -> Result<Option<Box<dyn Source>>, SetUpError> {
    let signed = signed(context).await?;
    Ok(signed.map(|(account_sid, auth_token, shared_keys)| {
        Box::new(TwilioInbound::new(account_sid, auth_token, shared_keys)) as _
    }))
}

/// Whose requests are taken, and what they are signed with.
async fn signed(context: Context<'_>) -> Result<Option<(String, Secret, Vec<Secret>)>, SetUpError> {
    let Some((twilio, auth_token)) = context
        .get::<TwilioSettings>()
        .and_then(|twilio| Some((twilio, twilio.keys.auth_token.as_ref()?)))
    else {
        return Ok(None);
    };
    let mut shared_keys = Vec::new();
    for key in &twilio.keys.shared_keys {
        shared_keys.push(context.secret(TwilioKeys::SHARED_KEYS, key).await?);
    }
    let auth_token = context.secret(TwilioKeys::AUTH_TOKEN, auth_token).await?;
    Ok(Some((
        twilio.keys.account_sid.clone(),
        auth_token,
        shared_keys,
    )))
}
