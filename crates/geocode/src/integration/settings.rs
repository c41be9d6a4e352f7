//! `providers.google_maps.*`.

use longshore_integration::section;
use longshore_integration::settings::{Calls, SecretRef, calls, origin, secret};
use longshore_provider::Origin;

section! {
    /// Google Maps, which addresses are looked up at.
    pub struct GoogleMapsSettings in "providers.google_maps" {
        /// Scheme, host and port only. https, or http for loopback.
        pub base_url: Origin = "base_url", origin().or("https://maps.googleapis.com");
        /// The API key.
        pub api_key: SecretRef = "api_key" as API_KEY,
            secret("Google Maps is off").example("env:GOOGLE_MAPS_API_KEY");
        /// How it is called.
        pub calls: Calls = "", calls("5", "50")
            .because("rate_per_second", "Google allows 3,000 a minute.");
    }
}
