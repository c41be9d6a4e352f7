//! `providers.stripe.*`.

use std::time::Duration;

use longshore_integration::settings::{
    Calls, Key, Limit, Reader, SOME_TIME, SecretRef, base_url, secret,
};
use longshore_provider::Origin;
use secrecy::ExposeSecret;

pub(super) const SECRET_KEY: &str = "providers.stripe.secret_key";
pub(super) const WEBHOOK_SECRETS: &str = "providers.stripe.webhook_secrets";

pub(super) const KEYS: &[Key] = &[
    Key::text("providers.stripe.base_url").or("https://api.stripe.com"),
    Key::text(SECRET_KEY).secret(),
    Key::toml(WEBHOOK_SECRETS).secret(),
    Key::toml("providers.stripe.timeout_seconds").or("25"),
    // 100 reads and 100 writes a second per key: section 2.1 of the integration document.
    Key::toml("providers.stripe.rate_per_second").or("100"),
    Key::toml("providers.stripe.rate.count"),
    Key::toml("providers.stripe.rate.per_seconds"),
    Key::toml("providers.stripe.write_rate_per_second").or("100"),
    // 5 failures in a row, open for 30 s: the same section.
    Key::toml("providers.stripe.breaker.failures").or("5"),
    Key::toml("providers.stripe.breaker.window_seconds"),
    Key::toml("providers.stripe.breaker.open_seconds").or("30"),
];

/// How Stripe is called.
#[derive(Debug, Clone)]
pub struct StripeSettings {
    /// Where it is.
    pub base_url: Origin,
    /// The secret key, `sk_test_…` or `sk_live_…`, or a restricted one.
    pub secret_key: SecretRef,
    /// The secrets that webhooks may be signed with: the old and the new one while they change.
    pub webhook_secrets: Vec<SecretRef>,
    /// How long one call may take.
    pub timeout: Duration,
    /// How often it is called to read, and when it is left alone.
    pub calls: Calls,
    /// How often it is called with an effect.
    pub writes: Limit,
}

impl StripeSettings {
    /// Every secret in it, by its key.
    pub(super) fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        let mut secrets = vec![(SECRET_KEY, &self.secret_key)];
        secrets.extend(
            self.webhook_secrets
                .iter()
                .map(|key| (WEBHOOK_SECRETS, key)),
        );
        secrets
    }
}

/// Why a profile does not take this key. `profile` is the one that was named: without one any key is taken.
#[must_use]
pub fn wrong_mode(profile: Option<&str>, key: &str) -> Option<&'static str> {
    let is_live = key.starts_with("sk_live_") || key.starts_with("rk_live_");
    let is_test = key.starts_with("sk_test_") || key.starts_with("rk_test_");
    match profile {
        Some("production") if is_test => Some("is a test key, and this is production"),
        Some("production") | None => None,
        Some(_) if is_live => Some("is a live key, which only production may use"),
        Some(_) => None,
    }
}

/// `None` without a key: then Stripe is off, and what is wrong with the rest is a finding all the same.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<StripeSettings> {
    let base_url = base_url::read(reader, "providers.stripe.base_url");
    let timeout = reader.seconds("providers.stripe.timeout_seconds", SOME_TIME);
    let calls = Calls::read(reader, "stripe");
    let writes = reader.whole("providers.stripe.write_rate_per_second", 1..=100_000);
    let webhook_secrets = secret::read_list(reader, WEBHOOK_SECRETS);
    let secret_key = secret::read(reader, SECRET_KEY, "Stripe is off")?;
    if let Some(problem) = wrong_mode(reader.profile(), secret_key.expose_secret()) {
        let cure = "set the key of the account's other mode";
        reader.error(SECRET_KEY, problem, cure);
        return None;
    }
    Some(StripeSettings {
        base_url: base_url?,
        secret_key,
        webhook_secrets: webhook_secrets?,
        timeout: timeout?,
        calls: calls?,
        writes: Limit {
            count: writes?,
            per: Duration::from_secs(1),
        },
    })
}
