//! `sms`, carried out by Twilio.

use longshore_job::{Job, kinds};
use longshore_queue::Queue;
use longshore_sms::{Credentials, SendSmsHandler, Sender, Twilio, TwilioConfig};
use longshore_webhooks::TwilioEvents;
use longshore_worker::Handlers;

use super::{Provider, SetUp, alone, no_doubt, policy, secret};
use crate::config::{Config, QueueSpec, TwilioCredentials, TwilioSender, TwilioSettings};

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
    set_up,
    beside: alone,
    doubt: no_doubt,
};

fn set_up(config: &Config) -> Result<Option<SetUp>, String> {
    let Some(twilio) = &config.twilio else {
        return Ok(None);
    };
    let (credentials, secret) = match &twilio.credentials {
        TwilioCredentials::AuthToken(token) => {
            let token = secret("providers.twilio.auth_token", token)?;
            (Credentials::AuthToken(token.clone()), token)
        }
        TwilioCredentials::ApiKey { sid, secret: key } => {
            let key = secret("providers.twilio.api_key_secret", key)?;
            let (sid, secret) = (sid.clone(), key.clone());
            (Credentials::ApiKey { sid, secret }, key)
        }
    };
    let policy = policy(
        config,
        PROVIDER.name,
        &twilio.calls,
        twilio.timeout,
        &secret,
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
    .map_err(|error| format!("providers.twilio: {error}"))?;
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
pub fn twilio_events(config: &Config, queue: Queue) -> Result<Option<TwilioEvents>, String> {
    let Some((twilio, auth_token)) = config
        .twilio
        .as_ref()
        .and_then(|twilio| Some((twilio, twilio.auth_token.as_ref()?)))
    else {
        return Ok(None);
    };
    let shared_keys = twilio.shared_keys.iter();
    let shared_keys = shared_keys
        .map(|key| secret("providers.twilio.webhook_shared_keys", key))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Some(TwilioEvents {
        account_sid: twilio.account_sid.clone(),
        auth_token: secret("providers.twilio.auth_token", auth_token)?,
        shared_keys,
        queue,
    }))
}
