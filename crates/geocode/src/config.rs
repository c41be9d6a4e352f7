//! What has to be known to geocode.

use std::time::Duration;

use longshore_provider::Origin;
use longshore_provider::secret::Secret;

/// Google Maps, the world over.
const DEFAULT_ORIGIN: &str = "https://maps.googleapis.com";

/// How long an answer may take; Google answers in a fraction of a second, and asking again costs little.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How Google Maps is reached: the section `providers.google_maps`.
#[derive(Debug, Clone)]
pub struct GoogleMapsConfig {
    /// Its origin, `https://maps.googleapis.com` as a rule.
    pub base_url: Origin,
    /// The API key, `AIza…`, with the Geocoding API among those it is good for.
    pub api_key: Secret,
    /// How long one exchange may take, 5 s as a rule.
    pub timeout: Duration,
}

impl GoogleMapsConfig {
    /// The real service with this key.
    #[must_use]
    pub fn new(api_key: impl Into<Secret>) -> Self {
        Self {
            base_url: DEFAULT_ORIGIN
                .parse()
                .unwrap_or_else(|error| unreachable!("{DEFAULT_ORIGIN}: {error}")),
            api_key: api_key.into(),
            timeout: DEFAULT_TIMEOUT,
        }
    }
}
