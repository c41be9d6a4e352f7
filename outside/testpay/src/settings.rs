//! `providers.testpay.*`.

use std::time::Duration;

use longshore_integration::section;
use longshore_integration::settings::{
    KeyPath, Reader, SOME_TIME, SecretRef, origin, seconds, secret,
};
use longshore_provider::Origin;

section! {
    /// A made-up payment provider, to try a switch of providers with.
    pub struct TestPaySettings in "providers.testpay" {
        /// Scheme, host and port only. https, or http for loopback.
        pub base_url: Origin = "base_url", origin().or("http://127.0.0.1:9485");
        /// Any text. Refused in production.
        pub api_key: SecretRef = "api_key" as API_KEY,
            secret("testpay is off").checked(not_in_production).example("any");
        /// What its events are signed with. Without it they are not taken.
        pub webhook_secret: Option<SecretRef> = "webhook_secret" as WEBHOOK_SECRET,
            secret("testpay's events are not taken").optional().example("any");
        /// How long one call may take.
        pub timeout: Duration = "timeout_seconds", seconds(SOME_TIME).or("10");
    }
}

fn not_in_production(reader: &mut Reader<'_>, path: &KeyPath, _: &SecretRef) {
    if reader.is_profile("production") {
        let problem = "is set in production, and testpay moves no money";
        reader.error(path, problem, "leave it out");
    }
}
