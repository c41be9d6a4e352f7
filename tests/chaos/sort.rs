//! The sorts of jobs that are enqueued.

use longshore_tests::Act;

/// What was enqueued, by what may happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    /// A mail whose queue retries when an outcome is not known: a second one may follow.
    MailRetried,
    /// A mail whose queue holds such jobs.
    MailHeld,
    /// A text message, whose queue verifies.
    Text,
    /// A write at Stripe, under an idempotency key.
    Payment,
    /// A write at a service that configuration alone describes, under an idempotency key.
    KeyedCall,
    /// One without a key, whose queue holds such jobs.
    PlainCall,
    /// A question without an effect.
    Question,
}

impl Sort {
    /// Whose queue it waits in.
    pub(crate) fn act(self) -> Act {
        match self {
            Self::MailRetried | Self::MailHeld => Act::Email,
            Self::Text => Act::Sms,
            Self::Payment => Act::Payments,
            Self::Question => Act::Geocode,
            Self::KeyedCall | Self::PlainCall => Act::Service,
        }
    }

    /// Whether the provider recognises a second request by its key.
    pub(crate) fn is_keyed(self) -> bool {
        matches!(self, Self::Payment | Self::KeyedCall)
    }
}
