//! What has to be known to take payments.

use std::time::Duration;

use longshore_provider::Origin;
use longshore_provider::secret::Secret;

/// How Stripe is reached: the section `providers.stripe`.
#[derive(Debug, Clone)]
pub struct StripeConfig {
    /// Its origin, such as `https://api.stripe.com`.
    pub base_url: Origin,
    /// The secret key, `sk_test_…` or `sk_live_…`, or a restricted one, `rk_…`.
    pub secret_key: Secret,
    /// How long one exchange may take.
    pub timeout: Duration,
}
