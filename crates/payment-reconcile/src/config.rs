//! What has to be known to take payments.

use std::time::Duration;

use longshore_provider::Origin;
use longshore_provider::secret::Secret;

const DEFAULT_ORIGIN: &str = "https://api.stripe.com";

/// How long an exchange may take. Stripe asks banks, and banks take their time; a job has 30 s in all.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(25);

/// How Stripe is reached: the section `providers.stripe`.
#[derive(Debug, Clone)]
pub struct StripeConfig {
    /// Its origin, `https://api.stripe.com` as a rule.
    pub base_url: Origin,
    /// The secret key, `sk_test_…` or `sk_live_…`, or a restricted one, `rk_…`.
    pub secret_key: Secret,
    /// How long one exchange may take, 25 s as a rule.
    pub timeout: Duration,
}

impl StripeConfig {
    /// The real service.
    #[must_use]
    pub fn new(secret_key: Secret) -> Self {
        Self {
            base_url: DEFAULT_ORIGIN
                .parse()
                .unwrap_or_else(|error| unreachable!("{DEFAULT_ORIGIN}: {error}")),
            secret_key,
            timeout: DEFAULT_TIMEOUT,
        }
    }
}
