//! `providers.testpay.*`.

use std::time::Duration;

use longshore_integration::settings::{Key, Reader, SOME_TIME, SecretRef, base_url, secret};
use longshore_provider::Origin;

pub(crate) const API_KEY: &str = "providers.testpay.api_key";

pub(crate) const KEYS: &[Key] = &[
    Key::text("providers.testpay.base_url").or("http://127.0.0.1:9485"),
    Key::text(API_KEY).secret(),
    Key::toml("providers.testpay.timeout_seconds").or("10"),
];

/// How testpay is called.
#[derive(Debug, Clone)]
pub struct TestPaySettings {
    /// Where it is.
    pub base_url: Origin,
    /// The API key.
    pub api_key: SecretRef,
    /// How long one call may take.
    pub timeout: Duration,
}

/// `None` without a key: then it is off.
pub(crate) fn read(reader: &mut Reader<'_>) -> Option<TestPaySettings> {
    let timeout = reader.seconds("providers.testpay.timeout_seconds", SOME_TIME);
    if !reader.is_set(API_KEY) {
        return None;
    }
    if reader.is_profile("production") {
        let problem = "is set in production, and testpay moves no money";
        reader.error(API_KEY, problem, "leave it out");
        return None;
    }
    let base_url = base_url::read(reader, "providers.testpay.base_url");
    let api_key = secret::read(reader, API_KEY, "testpay is off");
    Some(TestPaySettings {
        base_url: base_url?,
        api_key: api_key?,
        timeout: timeout?,
    })
}
