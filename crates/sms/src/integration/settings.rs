//! `providers.twilio.*`.

use std::time::Duration;

use longshore_integration::settings::{Calls, Key, Reader, SOME_TIME, SecretRef, base_url, secret};
use longshore_provider::Origin;

pub(super) const ACCOUNT_SID: &str = "providers.twilio.account_sid";
pub(super) const AUTH_TOKEN: &str = "providers.twilio.auth_token";
const API_KEY_SID: &str = "providers.twilio.api_key_sid";
pub(super) const API_KEY_SECRET: &str = "providers.twilio.api_key_secret";
const FROM: &str = "providers.twilio.from";
const SERVICE: &str = "providers.twilio.messaging_service_sid";
pub(super) const SHARED_KEYS: &str = "providers.twilio.webhook_shared_keys";

pub(super) const KEYS: &[Key] = &[
    Key::text("providers.twilio.base_url").or("https://api.twilio.com"),
    Key::text(ACCOUNT_SID),
    Key::text(AUTH_TOKEN).secret(),
    Key::text(API_KEY_SID),
    Key::text(API_KEY_SECRET).secret(),
    Key::text(FROM),
    Key::text(SERVICE),
    Key::toml(SHARED_KEYS).secret(),
    // Two calls and more fit into the time that a run may take: one to ask what became of a message, one to send it.
    Key::toml("providers.twilio.timeout_seconds").or("10"),
    // Twilio states no rate: it queues what a number cannot send yet, and answers 429 to too many calls at once.
    Key::toml("providers.twilio.rate_per_second").or("100"),
    Key::toml("providers.twilio.rate.count"),
    Key::toml("providers.twilio.rate.per_seconds"),
    Key::toml("providers.twilio.breaker.failures").or("5"),
    Key::toml("providers.twilio.breaker.window_seconds"),
    Key::toml("providers.twilio.breaker.open_seconds").or("30"),
];

/// How Twilio is called.
#[derive(Debug, Clone)]
pub struct TwilioSettings {
    /// Where it is.
    pub base_url: Origin,
    /// The account, `AC…`.
    pub account_sid: String,
    /// What calls are made with.
    pub credentials: TwilioCredentials,
    /// The account's auth token: status callbacks are signed with it, whatever calls are made with.
    pub auth_token: Option<SecretRef>,
    /// The secrets of shared keys that status callbacks may be signed with instead.
    pub shared_keys: Vec<SecretRef>,
    /// Who messages are from.
    pub sender: TwilioSender,
    /// How long one call may take.
    pub timeout: Duration,
    /// How often it is called, and when it is left alone.
    pub calls: Calls,
}

/// What calls are made with.
#[derive(Debug, Clone)]
pub enum TwilioCredentials {
    /// The account's auth token.
    AuthToken(SecretRef),
    /// An API key, which can be revoked by itself.
    ApiKey {
        /// Its id, `SK…`.
        sid: String,
        /// Its secret.
        secret: SecretRef,
    },
}

/// Who messages are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TwilioSender {
    /// A number in E.164, a short code, or a name of at most 11 characters.
    From(String),
    /// A messaging service, `MG…`, which picks the number.
    MessagingService(String),
}

impl TwilioSettings {
    /// Every secret in it, by its key.
    pub(super) fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        let mut secrets = Vec::new();
        if let TwilioCredentials::ApiKey { secret, .. } = &self.credentials {
            secrets.push((API_KEY_SECRET, secret));
        }
        secrets.extend(self.auth_token.iter().map(|token| (AUTH_TOKEN, token)));
        secrets.extend(self.shared_keys.iter().map(|key| (SHARED_KEYS, key)));
        secrets
    }
}

/// `None` while no credentials are set: then Twilio is off, and what is wrong with the rest is a finding all the same.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<TwilioSettings> {
    let on = [AUTH_TOKEN, API_KEY_SID, API_KEY_SECRET]
        .iter()
        .any(|key| reader.is_set(key));
    let base_url = base_url::read(reader, "providers.twilio.base_url");
    let timeout = reader.seconds("providers.twilio.timeout_seconds", SOME_TIME);
    let calls = Calls::read(reader, "twilio");
    let account_sid = sid(reader, ACCOUNT_SID, "AC");
    let auth_token = secret::read(reader, AUTH_TOKEN, "SMS is off unless an API key is set");
    let api_key_sid = sid(reader, API_KEY_SID, "SK");
    let api_key_secret = secret::read(reader, API_KEY_SECRET, "the API key is of no use");
    let shared_keys = secret::read_list(reader, SHARED_KEYS);
    let sender = sender(reader, on);
    if on {
        needs(
            reader,
            ACCOUNT_SID,
            "set the account's id, AC…: it stands in every URL",
        );
        if reader.is_set(API_KEY_SID) != reader.is_set(API_KEY_SECRET) {
            needs(
                reader,
                API_KEY_SID,
                "an API key is an id, SK…, and a secret: set both",
            );
            needs(
                reader,
                API_KEY_SECRET,
                "an API key is an id, SK…, and a secret: set both",
            );
        }
    }
    let credentials = match (api_key_sid, api_key_secret, &auth_token) {
        (Some(sid), Some(secret), _) => Some(TwilioCredentials::ApiKey { sid, secret }),
        (_, _, Some(token)) => Some(TwilioCredentials::AuthToken(token.clone())),
        _ => None,
    };
    Some(TwilioSettings {
        base_url: base_url?,
        account_sid: account_sid?,
        credentials: credentials?,
        auth_token,
        shared_keys: shared_keys?,
        sender: sender?,
        timeout: timeout?,
        calls: calls?,
    })
}

fn needs(reader: &mut Reader<'_>, key: &str, cure: &str) {
    if !reader.is_set(key) {
        reader.missing(key, "is not set, and Twilio's credentials are", cure);
    }
}

/// An id of Twilio's: two letters that say of what, then letters and digits. It stands in a path.
fn sid(reader: &mut Reader<'_>, key: &str, prefix: &str) -> Option<String> {
    let sid = reader.text(key).filter(|sid| !sid.is_empty())?;
    let fits = sid.len() <= 64
        && sid.starts_with(prefix)
        && sid.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        let problem = format!("is not an id that begins with {prefix}");
        let cure =
            format!("copy it again from Twilio's console: {prefix} and 32 letters and digits");
        reader.error(key, problem, cure);
        return None;
    }
    Some(sid)
}

fn sender(reader: &mut Reader<'_>, needed: bool) -> Option<TwilioSender> {
    match (reader.is_set(FROM), reader.is_set(SERVICE)) {
        (true, true) => {
            let problem = format!("is set beside {SERVICE}");
            let cure = "keep one of them: a messaging service picks the number itself";
            reader.error(FROM, problem, cure);
            None
        }
        (false, true) => sid(reader, SERVICE, "MG").map(TwilioSender::MessagingService),
        (true, false) => {
            let from = reader.text(FROM)?;
            if !is_sender(&from) {
                let problem = "is no sender that Twilio takes";
                let cure = "write a number such as +4780000000, a short code, or a name of at most 11 letters, digits \
                            and blanks";
                reader.error(FROM, problem, cure);
                return None;
            }
            Some(TwilioSender::From(from))
        }
        (false, false) => {
            if needed {
                let problem = format!("is not set, nor is {SERVICE}, and Twilio's credentials are");
                let cure = "set one of them: the number that messages are from, or the service that picks it";
                reader.missing(FROM, problem, cure);
            }
            None
        }
    }
}

/// A number in E.164, a short code of 3 to 8 digits, or a name: at most 11 letters, digits and blanks, not digits alone.
fn is_sender(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if let Some(number) = text.strip_prefix('+') {
        return (7..=15).contains(&number.len()) && digits(number);
    }
    if digits(text) {
        return (3..=8).contains(&text.len());
    }
    (1..=11).contains(&text.len())
        && text.trim() == text
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
}

/// Twilio signs with the account's auth token, never with an API key.
pub(super) fn can_verify(reader: &mut Reader<'_>, twilio: &TwilioSettings) {
    const PUBLIC_URL: &str = "webhooks.public_url";
    if reader.is_set(PUBLIC_URL) && twilio.auth_token.is_none() {
        let problem =
            "is set, but Twilio's status callbacks could not be verified, so none are asked for";
        let cure = "set providers.twilio.auth_token, too: an API key verifies no signature";
        reader.warn(PUBLIC_URL, problem, cure);
    }
}
