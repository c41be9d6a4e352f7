//! What is known of a message that was sent for a job, in four words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Delivery;

/// What the provider has said of the message that was sent for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryResult {
    /// It reached its recipient.
    Delivered,
    /// The provider took it on, and it did not reach its recipient.
    Failed,
    /// The provider took it on, and has not said how it ended.
    Accepted,
    /// The provider has said nothing of it.
    Unknown,
}

/// What providers' words come to; every other word is of a message on its way. Who unsubscribes or complains has got it.
const STATES: [(&str, DeliveryResult); 18] = [
    ("delivered", DeliveryResult::Delivered),
    ("read", DeliveryResult::Delivered),
    ("partially_delivered", DeliveryResult::Delivered),
    ("unsubscribe", DeliveryResult::Delivered),
    ("group_unsubscribe", DeliveryResult::Delivered),
    ("resubscribe", DeliveryResult::Delivered),
    ("group_resubscribe", DeliveryResult::Delivered),
    ("spamreport", DeliveryResult::Delivered),
    ("bounce", DeliveryResult::Failed),
    ("bounced", DeliveryResult::Failed),
    ("soft_bounce", DeliveryResult::Failed),
    ("blocked", DeliveryResult::Failed),
    ("dropped", DeliveryResult::Failed),
    ("undelivered", DeliveryResult::Failed),
    ("failed", DeliveryResult::Failed),
    ("canceled", DeliveryResult::Failed),
    ("cancelled", DeliveryResult::Failed),
    ("rejected", DeliveryResult::Failed),
];

impl DeliveryResult {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::Accepted, Self::Unknown];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
        }
    }

    /// What it is where a message is known, by the provider's word, if there was one.
    #[must_use]
    pub fn of_state(state: Option<&str>) -> Self {
        let known = STATES.iter().find(|(word, _)| Some(*word) == state);
        known.map_or(Self::Accepted, |(_, result)| *result)
    }

    /// What it is of a job whose message may be known.
    #[must_use]
    pub fn of(delivery: Option<&Delivery>) -> Self {
        delivery.map_or(Self::Unknown, |delivery| {
            Self::of_state(delivery.state.as_deref())
        })
    }

    /// The words of providers that say how a message ended, as `lua/part/meant.lua` takes them.
    pub(crate) fn states() -> serde_json::Map<String, serde_json::Value> {
        let states = STATES.iter();
        states
            .map(|(word, result)| ((*word).to_owned(), result.as_str().into()))
            .collect()
    }
}

impl fmt::Display for DeliveryResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryResult {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| "it is none of delivered, failed, accepted, unknown".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_words_say_how_a_message_ended() {
        for (state, result) in [
            (Some("delivered"), "delivered"),
            (Some("read"), "delivered"),
            (Some("spamreport"), "delivered"),
            (Some("bounce"), "failed"),
            (Some("undelivered"), "failed"),
            (Some("processed"), "accepted"),
            (Some("sent"), "accepted"),
            (None, "accepted"),
        ] {
            assert_eq!(
                DeliveryResult::of_state(state).as_str(),
                result,
                "{state:?}"
            );
        }
        assert_eq!(DeliveryResult::of(None), DeliveryResult::Unknown);
        for result in DeliveryResult::ALL {
            assert_eq!(result.as_str().parse(), Ok(result));
        }
        assert!("Delivered".parse::<DeliveryResult>().is_err());
    }
}
