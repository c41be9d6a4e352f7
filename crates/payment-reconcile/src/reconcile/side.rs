//! Whose payments are compared, and how that is called in a report.
//!
//! Stripe's report has its name in its words (`paid_at_stripe_pending_in_app`, `stripe_status`), and programs read them. In the
//! report of another provider `provider` takes its place.

use serde_json::{Map, Value};

use crate::records::AnotherRecords;

/// Whose payments are compared.
#[derive(Clone, Copy)]
pub(super) enum Side<'a> {
    /// Stripe's.
    Stripe,
    /// Those of a provider beside it.
    Another(&'a AnotherRecords),
}

impl Side<'_> {
    /// A word of the report.
    pub(super) fn word(self, word: &str) -> String {
        match self {
            Self::Stripe => word.to_owned(),
            Self::Another(_) => word.replace("stripe", "provider"),
        }
    }

    /// The same object with its names as words of the report.
    pub(super) fn named(self, object: Map<String, Value>) -> Map<String, Value> {
        let fields = object.into_iter();
        fields
            .map(|(name, value)| (self.word(&name), value))
            .collect()
    }
}
