//! `providers.stripe.*`.

use std::time::Duration;

use longshore_integration::section;
use longshore_integration::settings::{
    Calls, KeyPath, LimitSettings, Reader, SecretRef, calls, origin, secret, secrets, toml_by,
};
use longshore_provider::Origin;
use secrecy::ExposeSecret;

section! {
    /// Stripe, which payments are made by. No fallback: while its breaker is open payments wait.
    pub struct StripeSettings in "providers.stripe" {
        /// Scheme, host and port only. https, or http for loopback.
        pub base_url: Origin = "base_url", origin().or("https://api.stripe.com");
        /// The secret key, `sk_test_…` or `sk_live_…`, or a restricted one. Under `--profile production` a test key is refused,
        /// under every other profile a live one.
        pub secret_key: SecretRef = "secret_key" as SECRET_KEY,
            secret("Stripe is off").checked(of_this_mode).example("env:STRIPE_SECRET_KEY");
        /// What webhooks are signed with, `whsec_…`: the old and the new one while they change.
        pub webhook_secrets: Vec<SecretRef> = "webhook_secrets" as WEBHOOK_SECRETS,
            secrets().example(r#"["env:STRIPE_WEBHOOK_SECRET"]"#);
        /// How often it is called with an effect. Reads and writes are counted apart.
        pub writes: LimitSettings = "write_rate_per_second", toml_by(writes).or("100");
        /// How it is called.
        pub calls: Calls = "", calls("25", "100")
            .because("timeout_seconds", "Stripe asks banks, and banks take their time; a job has 30 s in all.")
            .because("rate_per_second", "For reads. Stripe allows 100 reads and 100 writes a second per key.");
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

fn of_this_mode(reader: &mut Reader<'_>, path: &KeyPath, key: &SecretRef) {
    if let Some(problem) = wrong_mode(reader.profile(), key.expose_secret()) {
        let cure = "set the key of the account's other mode";
        reader.error(path, problem, cure);
    }
}

fn writes(reader: &mut Reader<'_>, path: &KeyPath) -> Option<LimitSettings> {
    Some(LimitSettings {
        count: reader.whole(path, 1..=100_000)?,
        per: Duration::from_secs(1),
    })
}
