//! Which jobs are meant.

use std::fmt;

use longshore_job::Envelope;
use serde::{Deserialize, Serialize};

use crate::{DeliveryResult, JobInfo, JobState};

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
        let since = self.since_ms.unwrap_or(0);
        self.has_state(job.state)
            && self.has_labels_of(job)
            && (since == 0 || job.enqueued_at_ms.is_some_and(|at| at >= since))
            && (self.kind.is_none() || is(&self.kind, job.kind().as_deref()))
    }

    fn has_labels_of(&self, job: &JobInfo) -> bool {
        is(&self.tenant, job.lane.tenant.as_deref())
            && is(&self.key, job.idempotency_key.as_deref())
            && self.tag.as_ref().is_none_or(|tag| job.tags.contains(tag))
    }
}

/// Which dead letters are meant, of a queue or of a group: those of which all of this is true. Nothing set means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// The jobs. Their kind is the one of their group, and `since_ms` is about their deaths; states say nothing here.
    pub jobs: JobFilter,
    /// What the provider has said of their messages.
    pub delivery: Option<DeliveryResult>,
    /// At most so many: where they are moved, those that died first.
    pub most: Option<u64>,
}

impl LetterFilter {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this letter is meant, as far as it says by itself.
    pub(crate) fn means(&self, job: &JobInfo, kind: Option<&str>) -> bool {
        let only = &self.jobs;
        let since = only.since_ms.unwrap_or(0);
        only.kind.as_deref().is_none_or(|only| kind == Some(only))
            && only.has_labels_of(job)
            && self
                .delivery
                .is_none_or(|only| DeliveryResult::of(job.delivery.as_ref()) == only)
            && (since == 0 || job.ended_at_ms.is_some_and(|at| at >= since))
    }

    /// What `lua/part/meant.lua` has to look for; empty where it need not look. A worker of an earlier version would overlook what
    /// is asked of deliveries, and move or discard too many: what begins with `2 ` it cannot read, and takes for none.
    pub(crate) fn looked_for(&self) -> String {
        let only = JobFilter {
            states: Vec::new(),
            since_ms: None,
            ..self.jobs.clone()
        };
        let Some(delivery) = self.delivery else {
            return match only == JobFilter::default() {
                true => String::new(),
                false => text_of(&only),
            };
        };
        let only = WithDelivery {
            jobs: &only,
            delivery,
            states: DeliveryResult::states(),
        };
        format!("2 {}", text_of(&only))
    }
}

/// A filter that goes by deliveries, as scripts take it.
#[derive(Serialize)]
struct WithDelivery<'a> {
    #[serde(flatten)]
    jobs: &'a JobFilter,
    delivery: DeliveryResult,
    /// What providers' words come to.
    states: serde_json::Map<String, serde_json::Value>,
}

/// As people read it: `kind send_email, tag spring, at most 10`; empty where nothing is set.
impl fmt::Display for LetterFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.jobs.parts();
        if let Some(since) = self.jobs.since_ms {
            parts.push(format!("died since {}", utc(since)));
        }
        parts.extend(self.delivery.map(|delivery| format!("delivery {delivery}")));
        parts.extend(self.most.map(|most| format!("at most {most}")));
        f.write_str(&parts.join(", "))
    }
}

/// As people read it: `kind send_email, tag spring`; `all` where nothing is set.
impl fmt::Display for JobFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.parts();
        if let Some(since) = self.since_ms {
            parts.push(format!("enqueued since {}", utc(since)));
        }
        match parts.is_empty() {
            true => f.write_str("all"),
            false => f.write_str(&parts.join(", ")),
        }
    }
}

impl JobFilter {
    /// In words, all but when.
    fn parts(&self) -> Vec<String> {
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
        parts
    }
}

fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| unreachable!("texts become JSON: {error}"))
}

fn is(wanted: &Option<String>, has: Option<&str>) -> bool {
    wanted.as_deref().is_none_or(|wanted| has == Some(wanted))
}

impl JobInfo {
    /// The kind that its payload names.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        let envelope = Envelope::parse(self.payload.as_deref()?).ok()?;
        Some(envelope.kind.into_owned())
    }
}

/// As RFC 3339 has it, to the second.
fn utc(ms: u64) -> String {
    let seconds = ms / 1000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from 1 March of the year 0, so that a leap day is the last of its year; eras are of 400 years.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_rfc_3339_has_them() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399_999), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_763_912_345_678), "2025-11-23T15:39:05Z");
        assert_eq!(utc(1_767_225_600_000), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn a_filter_of_letters_says_what_it_is_of() {
        let filter = LetterFilter {
            jobs: JobFilter {
                kind: Some("send_email".to_owned()),
                tag: Some("spring".to_owned()),
                since_ms: Some(951_782_400_000),
                ..JobFilter::default()
            },
            most: Some(10),
            delivery: None,
        };
        assert_eq!(
            filter.to_string(),
            "kind send_email, tag spring, died since 2000-02-29T00:00:00Z, at most 10"
        );
        assert_eq!(
            filter.looked_for(),
            r#"{"kind":"send_email","tag":"spring"}"#
        );
        assert!(LetterFilter::default().looked_for().is_empty());
        let delivered = LetterFilter {
            delivery: Some(DeliveryResult::Delivered),
            ..LetterFilter::default()
        };
        assert_eq!(delivered.to_string(), "delivery delivered");
        assert!(!delivered.is_all());
        // An earlier version cannot read it, and so means none instead of all.
        let looked_for = delivered.looked_for();
        assert!(
            looked_for.starts_with(r#"2 {"delivery":"delivered","states":{"#),
            "{looked_for}"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&looked_for).is_err());
    }
}
