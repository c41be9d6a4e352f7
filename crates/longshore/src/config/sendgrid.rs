//! `providers.sendgrid.*`.

use std::time::Duration;

use longshore_provider::Origin;

use super::base_url;
use super::calls::{self, Calls};
use super::key::Key;
use super::reader::{Reader, SOME_TIME};
use super::secret::{self, SecretRef};

pub(super) const API_KEY: &str = "providers.sendgrid.api_key";

pub(super) const KEYS: &[Key] = &[
    Key::text("providers.sendgrid.base_url").or("https://api.sendgrid.com"),
    Key::text(API_KEY).secret(),
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
    let api_key = secret::read(reader, API_KEY, "SendGrid is off");
    let calls = calls::read(reader, "sendgrid");
    Some(SendGridSettings {
        base_url: base_url?,
        api_key: api_key?,
        sandbox: sandbox?,
        timeout: timeout?,
        calls: calls?,
    })
}
