//! `providers.sendgrid.*`.

use crate::{InvalidPublicKey, PublicKey};
use longshore_integration::section;
use longshore_integration::settings::{
    Calls, KeyPath, Reader, SecretRef, calls, flag, origin, secret, toml_by,
};
use longshore_provider::Origin;

section! {
    /// SendGrid, which mails are sent by. A provider without credentials is off: `work` leaves its queue out, with a warning.
    pub struct SendGridSettings in "providers.sendgrid" {
        /// Scheme, host and port only. https, or http for loopback.
        pub base_url: Origin = "base_url", origin().or("https://api.sendgrid.com");
        /// The API key.
        pub api_key: SecretRef = "api_key" as API_KEY,
            secret("SendGrid is off").example("env:SENDGRID_API_KEY");
        /// What its events are verified with, as SendGrid shows it (Mail Settings > Event Webhook > Signature Verification):
        /// the old and the new one while they change. Not a secret. Without one its events are not taken.
        pub webhook_public_keys: Vec<PublicKey> = "webhook_public_keys" as WEBHOOK_PUBLIC_KEYS,
            toml_by(public_keys).example(r#"["MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE…"]"#);
        /// SendGrid's sandbox mode: mails are checked and not delivered. Refused in production.
        pub sandbox: bool = "sandbox" as SANDBOX, flag().or("false").checked(not_in_production);
        /// How it is called.
        pub calls: Calls = "", calls("25", "100")
            .because("timeout_seconds", "Five seconds less than a run may take, so that a call ends before its run does.")
            .because("rate_per_second", "100 emails a second on SendGrid's Pro plan.");
    }
}

/// Whether a key is configured, right or wrong.
pub(super) fn is_on(reader: &Reader<'_>) -> bool {
    reader.is_set(SendGridSettings::API_KEY)
}

fn not_in_production(reader: &mut Reader<'_>, path: &KeyPath, sandbox: &bool) {
    if *sandbox && reader.is_profile("production") {
        let problem = "is true in production, where no mail would be delivered";
        let cure = "set false, or leave it out";
        reader.error(path, problem, cure);
    }
}

/// Empty where there is none. All that are wrong are found, by their place in the list.
fn public_keys(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Vec<PublicKey>> {
    if !reader.is_set(path) {
        return Some(Vec::new());
    }
    let keys = reader.text_list(path)?;
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
                reader.error(path, problem, error.cure());
                None
            }
        })
        .collect();
    keys.into_iter().collect()
}
