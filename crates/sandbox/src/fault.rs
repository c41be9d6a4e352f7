//! Faults on demand: what goes wrong, and on which requests.

mod faults;
mod in_words;
mod when;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::provider::Draft;
pub use faults::{Faults, InForce};
pub use when::When;

/// What goes wrong. `effect` says whether the request is carried out all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Another answer than the right one.
    Answer {
        /// Its status.
        status: u16,
        /// Its headers.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        /// Its body; without one, the provider's own way of explaining the status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// Carried out all the same.
        #[serde(default)]
        effect: bool,
    },
    /// 429, with neither header when neither is given.
    Throttle {
        /// `Retry-After`, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u64>,
        /// `X-RateLimit-Reset`, this many seconds from now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reset_in_seconds: Option<u64>,
    },
    /// Carried out, and answered rightly, but late.
    Delay {
        /// How late, in milliseconds.
        ms: u64,
    },
    /// The connection stays open and nothing ever comes.
    NeverAnswer {
        /// Carried out all the same.
        #[serde(default)]
        effect: bool,
    },
    /// The connection is reset as soon as the request's first bytes are there, without reading them. Nothing of
    /// the request is known by then, so such a rule has no `only`, and these rules are asked before all others.
    HangUpUnread,
    /// The request is read whole, and the connection closed without an answer.
    HangUp {
        /// Carried out all the same.
        #[serde(default)]
        effect: bool,
    },
    /// A body that is neither JSON nor text.
    Garbage {
        /// The status above it.
        status: u16,
        /// Carried out all the same.
        #[serde(default)]
        effect: bool,
    },
}

impl Fault {
    /// Whether a request that this happens to is carried out all the same.
    pub(crate) fn carries_out(&self) -> bool {
        match self {
            Self::Delay { .. } => true,
            Self::Throttle { .. } | Self::HangUpUnread => false,
            Self::Answer { effect, .. }
            | Self::NeverAnswer { effect }
            | Self::HangUp { effect }
            | Self::Garbage { effect, .. } => *effect,
        }
    }
}

/// The requests that a rule is about; every field that is there has to be equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Those of this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Those with this template, by the provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Those for this recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

impl Only {
    /// Whether a request with these effects is meant. One that would be refused has none, and is meant only by a
    /// rule that is about all.
    fn means(&self, effects: &[Draft]) -> bool {
        let fits = |wanted: &Option<String>, found: Option<&String>| {
            wanted.is_none() || wanted.as_ref() == found
        };
        *self == Self::default()
            || effects.iter().any(|effect| {
                fits(&self.job, effect.job.as_ref())
                    && fits(&self.template, effect.template.as_ref())
                    && fits(&self.recipient, Some(&effect.recipient))
            })
    }
}

/// A fault and the requests it happens to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// How often, counted over the requests that came to this rule.
    #[serde(default)]
    pub when: When,
    /// Which requests it is about; without it, all.
    #[serde(default)]
    pub only: Only,
    /// How many milliseconds after it was set it ends; without it, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
}

impl FaultRule {
    /// This fault, always.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self::new(fault, When::Always)
    }

    /// This fault on the first `n` requests.
    #[must_use]
    pub fn first(n: u64, fault: Fault) -> Self {
        Self::new(fault, When::First(n))
    }

    /// This fault at these times.
    #[must_use]
    pub fn new(fault: Fault, when: When) -> Self {
        Self {
            fault,
            when,
            only: Only::default(),
            for_ms: None,
        }
    }

    /// Narrows it to these requests.
    #[must_use]
    pub fn only(mut self, only: Only) -> Self {
        self.only = only;
        self
    }

    /// Ends it so long after it was set.
    #[must_use]
    pub fn ends_after(mut self, time: Duration) -> Self {
        self.for_ms = Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self
    }

    fn check(&self) -> Result<(), &'static str> {
        match &self.fault {
            Fault::Answer { status, .. } | Fault::Garbage { status, .. }
                if !(200..=599).contains(status) =>
            {
                return Err("status must be 200 to 599");
            }
            Fault::Answer { headers, .. } => {
                let fit = |(name, value): (&String, &String)| {
                    name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok()
                };
                if !headers.iter().all(fit) {
                    return Err("a header's name or value cannot be sent");
                }
            }
            Fault::HangUpUnread if self.only != Only::default() => {
                return Err("hang_up_unread knows nothing of the request, so it takes no `only`");
            }
            _ => {}
        }
        if self.for_ms == Some(0) {
            return Err("for_ms must be at least 1");
        }
        self.when.check()
    }
}

/// A rule that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {index}: {why}")]
pub struct InvalidRule {
    /// Which one, from 0.
    pub index: usize,
    /// Why.
    pub why: &'static str,
}
