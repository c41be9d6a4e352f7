//! Which jobs are meant.

use std::fmt;

use longshore_job::Envelope;
use serde::{Deserialize, Serialize};

use crate::{JobInfo, JobState};

/// Which jobs are meant: those of which all of this is true. Nothing set means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFilter {
    /// In one of these states; none means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<JobState>,
    /// Of this kind, as their payloads name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of this tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// With this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Enqueued with this idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Enqueued at this time or later, in ms since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
}

impl JobFilter {
    /// Whether jobs in this state may be meant.
    #[must_use]
    pub fn has_state(&self, state: JobState) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }

    /// Whether this job is meant.
    #[must_use]
    pub fn means(&self, job: &JobInfo) -> bool {
        let is = |wanted: &Option<String>, has: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| has == Some(wanted))
        };
        let since = self.since_ms.unwrap_or(0);
        self.has_state(job.state)
            && is(&self.tenant, job.lane.tenant.as_deref())
            && is(&self.key, job.idempotency_key.as_deref())
            && self.tag.as_ref().is_none_or(|tag| job.tags.contains(tag))
            && (since == 0 || job.enqueued_at_ms.is_some_and(|at| at >= since))
            && (self.kind.is_none() || is(&self.kind, job.kind().as_deref()))
    }
}

/// As people read it: `kind send_email, tag spring`; `all` where nothing is set.
impl fmt::Display for JobFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = self.states.iter().map(|state| state.as_str());
        let mut parts: Vec<String> = Vec::new();
        if !self.states.is_empty() {
            parts.push(states.collect::<Vec<_>>().join(" or "));
        }
        for (name, value) in [
            ("kind", &self.kind),
            ("tenant", &self.tenant),
            ("tag", &self.tag),
            ("key", &self.key),
        ] {
            parts.extend(value.as_ref().map(|value| format!("{name} {value}")));
        }
        if let Some(since) = self.since_ms {
            parts.push(format!("enqueued since {since} ms"));
        }
        match parts.is_empty() {
            true => f.write_str("all"),
            false => f.write_str(&parts.join(", ")),
        }
    }
}

impl JobInfo {
    /// The kind that its payload names.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        let envelope = Envelope::parse(self.payload.as_deref()?).ok()?;
        Some(envelope.kind.into_owned())
    }
}
