//! What has to be known to geocode.

use std::time::Duration;

use longshore_provider::Origin;
use longshore_provider::secret::Secret;

/// How Google Maps is reached: the section `providers.google_maps`.
#[derive(Debug, Clone)]
pub struct GoogleMapsConfig {
    /// Its origin, such as `https://maps.googleapis.com`.
    pub base_url: Origin,
    /// The API key, `AIza…`, with the Geocoding API among those it is good for.
    pub api_key: Secret,
    /// How long one exchange may take.
    pub timeout: Duration,
}
