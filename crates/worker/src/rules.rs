//! How the jobs of each kind are run in one queue.

use std::collections::HashMap;
use std::time::Duration;

use longshore_job::{Handlers, RunPolicy};
use longshore_queue::Policy;

use crate::fleet::WorkSettings;

/// The rules of every kind that is known here, and those for the rest.
#[derive(Debug)]
pub(crate) struct Rules {
    by_kind: HashMap<&'static str, KindRules>,
    /// For jobs whose kind is not known: those of the queue.
    default: KindRules,
}

/// How the jobs of one kind are run.
#[derive(Debug)]
pub(crate) struct KindRules {
    /// How long one attempt may take.
    pub(crate) timeout: Duration,
    /// After how long a job expires where neither its producer nor its args say so.
    pub(crate) expires: Option<Duration>,
    /// What follows failures.
    pub(crate) policy: Policy,
}

impl Rules {
    pub(crate) fn new(settings: &WorkSettings, handlers: &Handlers) -> Self {
        let queue = RunPolicy {
            timeout: settings.timeout,
            expires: None,
            retry: settings.policy.schedule.clone(),
            on_unknown: settings.policy.on_unknown,
        };
        let kinds = handlers.policies(&queue);
        Self {
            by_kind: kinds.map(|(kind, policy)| (kind, policy.into())).collect(),
            default: queue.into(),
        }
    }

    /// How jobs of this kind are run.
    pub(crate) fn of(&self, kind: Option<&str>) -> &KindRules {
        kind.and_then(|kind| self.by_kind.get(kind))
            .unwrap_or(&self.default)
    }
}

impl From<RunPolicy> for KindRules {
    fn from(policy: RunPolicy) -> Self {
        Self {
            timeout: policy.timeout,
            expires: policy.expires,
            policy: Policy {
                schedule: policy.retry,
                on_unknown: policy.on_unknown,
            },
        }
    }
}
