//! `providers.google_maps.*`.

use std::time::Duration;

use longshore_integration::settings::{Calls, Key, Reader, SOME_TIME, SecretRef, base_url, secret};
use longshore_provider::Origin;

pub(super) const API_KEY: &str = "providers.google_maps.api_key";

pub(super) const KEYS: &[Key] = &[
    Key::text("providers.google_maps.base_url").or("https://maps.googleapis.com"),
    Key::text(API_KEY).secret(),
    Key::toml("providers.google_maps.timeout_seconds").or("5"),
    // Google's limit is 3,000 a minute.
    Key::toml("providers.google_maps.rate_per_second").or("50"),
    Key::toml("providers.google_maps.rate.count"),
    Key::toml("providers.google_maps.rate.per_seconds"),
    Key::toml("providers.google_maps.breaker.failures").or("5"),
    Key::toml("providers.google_maps.breaker.window_seconds"),
    Key::toml("providers.google_maps.breaker.open_seconds").or("30"),
];

/// How Google Maps is called.
#[derive(Debug, Clone)]
pub struct GoogleMapsSettings {
    /// Where it is.
    pub base_url: Origin,
    /// The API key.
    pub api_key: SecretRef,
    /// How long one call may take.
    pub timeout: Duration,
    /// How often it is called, and when it is left alone.
    pub calls: Calls,
}

/// `None` without a key: then Google Maps is off, and what is wrong with the rest is a finding all the same.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<GoogleMapsSettings> {
    let base_url = base_url::read(reader, "providers.google_maps.base_url");
    let timeout = reader.seconds("providers.google_maps.timeout_seconds", SOME_TIME);
    let calls = Calls::read(reader, "google_maps");
    let api_key = secret::read(reader, API_KEY, "Google Maps is off");
    Some(GoogleMapsSettings {
        base_url: base_url?,
        api_key: api_key?,
        timeout: timeout?,
        calls: calls?,
    })
}
