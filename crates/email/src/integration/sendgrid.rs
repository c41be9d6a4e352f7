//! `providers.sendgrid.*`.

use std::time::Duration;

use crate::{InvalidPublicKey, PublicKey};
use longshore_integration::settings::{Calls, Key, Reader, SOME_TIME, SecretRef, base_url, secret};
use longshore_provider::Origin;

pub(super) const API_KEY: &str = "providers.sendgrid.api_key";
const WEBHOOK_PUBLIC_KEYS: &str = "providers.sendgrid.webhook_public_keys";

pub(super) const KEYS: &[Key] = &[
    Key::text("providers.sendgrid.base_url").or("https://api.sendgrid.com"),
    Key::text(API_KEY).secret(),
    Key::toml(WEBHOOK_PUBLIC_KEYS),
    Key::toml("providers.sendgrid.sandbox").or("false"),
    // Five seconds less than a run may take, so that a call ends before its run does.
    Key::toml("providers.sendgrid.timeout_seconds").or("25"),
    // 100 emails a second on the Pro plan: section 2.2 of the integration document.
    Key::toml("providers.sendgrid.rate_per_second").or("100"),
    Key::toml("providers.sendgrid.rate.count"),
    Key::toml("providers.sendgrid.rate.per_seconds"),
    // Section 2.1 of the integration document has these figures for a breaker.
    Key::toml("providers.sendgrid.breaker.failures").or("5"),
    Key::toml("providers.sendgrid.breaker.window_seconds"),
    Key::toml("providers.sendgrid.breaker.open_seconds").or("30"),
];

/// How SendGrid is called.
#[derive(Debug, Clone)]
pub struct SendGridSettings {
    /// Where it is.
    pub base_url: Origin,
    /// The API key.
    pub api_key: SecretRef,
    /// Whether SendGrid checks mails without delivering them (its sandbox mode).
    pub sandbox: bool,
    /// The public keys that its events are verified with: the old and the new one while they change. Without one its events
    /// are not taken.
    pub webhook_public_keys: Vec<PublicKey>,
    /// How long one call may take.
    pub timeout: Duration,
    /// How often it is called, and when it is left alone.
    pub calls: Calls,
}

/// Whether a key is configured, right or wrong.
pub(super) fn is_on(reader: &Reader<'_>) -> bool {
    reader.is_set(API_KEY)
}

/// `None` without a key, too: then SendGrid is off, and what is wrong with the rest is a finding all the same.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<SendGridSettings> {
    let base_url = base_url::read(reader, "providers.sendgrid.base_url");
    let timeout = reader.seconds("providers.sendgrid.timeout_seconds", SOME_TIME);
    let sandbox = reader.flag("providers.sendgrid.sandbox");
    if sandbox == Some(true) && reader.is_profile("production") {
        let problem = "is true in production, where no mail would be delivered";
        let cure = "set false, or leave it out";
        reader.error("providers.sendgrid.sandbox", problem, cure);
    }
    let webhook_public_keys = public_keys(reader);
    let api_key = secret::read(reader, API_KEY, "SendGrid is off");
    let calls = Calls::read(reader, "sendgrid");
    Some(SendGridSettings {
        base_url: base_url?,
        api_key: api_key?,
        sandbox: sandbox?,
        webhook_public_keys: webhook_public_keys?,
        timeout: timeout?,
        calls: calls?,
    })
}

/// Empty where there is none. All that are wrong are found, by their place in the list.
fn public_keys(reader: &mut Reader<'_>) -> Option<Vec<PublicKey>> {
    if !reader.is_set(WEBHOOK_PUBLIC_KEYS) {
        return Some(Vec::new());
    }
    let keys = reader.text_list(WEBHOOK_PUBLIC_KEYS)?;
    let several = keys.len() > 1;
    let keys: Vec<_> = keys
        .into_iter()
        .enumerate()
        .map(|(n, key)| match key.parse() {
            Ok(key) => Some(key),
            Err(error) => {
                let error: InvalidPublicKey = error;
                let problem = match several {
                    true => format!("{error} (key {} of the list)", n + 1),
                    false => error.to_string(),
                };
                reader.error(WEBHOOK_PUBLIC_KEYS, problem, error.cure());
                None
            }
        })
        .collect();
    keys.into_iter().collect()
}
