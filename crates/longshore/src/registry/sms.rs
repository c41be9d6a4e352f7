//! `sms`, carried out by Twilio.

use longshore_job::{Job, kinds};
use longshore_queue::Queue;
use longshore_sms::{Credentials, SendSmsHandler, Sender, Twilio, TwilioConfig};
use longshore_webhooks::TwilioEvents;
use longshore_worker::Handlers;

use super::{Provider, SetUp, alone, no_doubt, policy};
use crate::config::{Config, QueueSpec, TwilioCredentials, TwilioSender, TwilioSettings};
use crate::failure::Failure;
use crate::secrets::Secrets;

/// Where Twilio's reports are listened for, under the public URL.
const TWILIO_PATH: &str = "/webhooks/twilio";

pub(super) const PROVIDER: Provider = Provider {
    name: "twilio",
    queue: QueueSpec {
        // Its messages can be listed by number and date.
        verifiable: true,
        ..QueueSpec::new(kinds::SendSms::QUEUE)
    },
    turned_on_by: "providers.twilio.account_sid and .auth_token",
    origin: |config| Some(config.twilio.as_ref()?.base_url.to_string()),
    set_up: |config, secrets| Box::pin(set_up(config, secrets)),
    beside: alone,
    doubt: no_doubt,
};

async fn set_up(config: &Config, secrets: &Secrets) -> Result<Option<SetUp>, Failure> {
    let Some(twilio) = &config.twilio else {
        return Ok(None);
    };
    let (credentials, secret) = match &twilio.credentials {
        TwilioCredentials::AuthToken(token) => {
            let token = secrets.get("providers.twilio.auth_token", token).await?;
            (Credentials::AuthToken(token.clone()), token)
        }
        TwilioCredentials::ApiKey { sid, secret: key } => {
            let key = secrets.get("providers.twilio.api_key_secret", key).await?;
            let (sid, secret) = (sid.clone(), key.clone());
            (Credentials::ApiKey { sid, secret }, key)
        }
    };
    let policy = policy(
        config,
        PROVIDER.name,
        &twilio.calls,
        twilio.timeout,
        std::slice::from_ref(&secret),
    );
    let client = Twilio::new(&TwilioConfig {
        base_url: twilio.base_url.clone(),
        account_sid: twilio.account_sid.clone(),
        credentials,
        sender: match &twilio.sender {
            TwilioSender::From(from) => Sender::From(from.clone()),
            TwilioSender::MessagingService(sid) => Sender::MessagingService(sid.clone()),
        },
        status_callback: status_callback(config, twilio),
        timeout: twilio.timeout,
    })
    .map_err(|error| Failure::Input(format!("providers.twilio: {error}")))?;
    Ok(Some(SetUp {
        handlers: Handlers::new().with(SendSmsHandler::new(client)),
        policy,
    }))
}

/// Where Twilio is to report what becomes of a message; only where its reports can be verified.
fn status_callback(config: &Config, twilio: &TwilioSettings) -> Option<String> {
    let origin = config.webhooks.public_url.as_ref()?;
    let can_verify = twilio.auth_token.is_some();
    can_verify.then(|| format!("{origin}{TWILIO_PATH}"))
}

/// What it takes to hear Twilio's reports; `None` while it is off, or has no auth token to verify them with.
///
/// # Errors
/// When a secret leads nowhere.
pub async fn twilio_events(
    config: &Config,
    secrets: &Secrets,
    queue: Queue,
) -> Result<Option<TwilioEvents>, Failure> {
    let Some((twilio, auth_token)) = config
        .twilio
        .as_ref()
        .and_then(|twilio| Some((twilio, twilio.auth_token.as_ref()?)))
    else {
        return Ok(None);
    };
    let mut shared_keys = Vec::new();
    for key in &twilio.shared_keys {
        let key = secrets.get("providers.twilio.webhook_shared_keys", key);
        shared_keys.push(key.await?);
    }
    let auth_token = secrets.get("providers.twilio.auth_token", auth_token);
    Ok(Some(TwilioEvents {
        account_sid: twilio.account_sid.clone(),
        auth_token: auth_token.await?,
        shared_keys,
        queue,
    }))
}
