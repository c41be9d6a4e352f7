//! The sorts of jobs that are enqueued.

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
    /// A write at Stripe that the ledger does not know its job by.
    FollowUp,
    /// Payments compared with Stripe's: questions alone.
    Comparison,
    /// Buckets swept, their rules applied, and what stood elsewhere moved back: what each does depends on what is there.
    Upkeep,
}

impl Sort {
    /// Whether the provider recognises a second request by its key.
    pub(crate) fn is_keyed(self) -> bool {
        matches!(self, Self::Payment | Self::FollowUp | Self::KeyedCall)
    }

    /// Whether a provider's ledger has something of a job that has completed.
    pub(crate) fn has_effect(self) -> bool {
        use Sort::{Comparison, FollowUp, Question, Upkeep};
        !matches!(self, Question | FollowUp | Comparison | Upkeep)
    }

    /// Whether its queue holds what may have been sent.
    pub(crate) fn is_held(self) -> bool {
        matches!(self, Self::MailHeld | Self::PlainCall)
    }
}
