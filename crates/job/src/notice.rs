//! Notices: what an application is told of its jobs.

use std::collections::BTreeSet;
use std::fmt;

/// What happened to a job, as far as an application may be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeType {
    /// It completed.
    Completed,
    /// It became a dead letter.
    Dead,
    /// It was cancelled.
    Cancelled,
    /// Its provider said of its message how far it has come, in the provider's word: `delivered`, `bounced`.
    Delivery(String),
}

impl NoticeType {
    /// That a message has come this far, in the provider's word.
    #[must_use]
    pub fn delivery(state: &str) -> Self {
        // As all the others say it.
        Self::Delivery(match state {
            "bounce" => "bounced".to_owned(),
            other => other.to_owned(),
        })
    }

    /// Reads `job.dead` or `delivery.bounced`; `None` for other texts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.split_once('.')? {
            ("job", "completed") => Self::Completed,
            ("job", "dead") => Self::Dead,
            ("job", "cancelled") => Self::Cancelled,
            ("delivery", state) if !state.is_empty() => Self::Delivery(state.to_owned()),
            _ => return None,
        })
    }

    /// The word by which a configuration asks for it: `dead`, `bounced`.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Completed => "completed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Delivery(state) => state,
        }
    }
}

impl fmt::Display for NoticeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self {
            Self::Delivery(_) => "delivery",
            _ => "job",
        };
        write!(f, "{of}.{}", self.word())
    }
}

/// What an application is told of one job. It holds none of the job's args, and no text that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub notice_type: NoticeType,
    /// The job's id.
    pub job: String,
    /// Of two notices of one job, the one with the larger sequence is later. Less than 2^53.
    pub sequence: u64,
    /// When it happened, in ms since the epoch, by Redis's clock.
    pub at_ms: u64,
    /// The job's queue.
    pub queue: String,
    /// The job's kind; `None` where it cannot be read, or the job is forgotten by now.
    pub kind: Option<String>,
    /// The key that it was enqueued with.
    pub key: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its tenant.
    pub tenant: Option<String>,
    /// Why it is dead, as a word that does not differ from job to job: `rejected`, `expired`. Of a cancelled job
    /// `may_have_been_sent`, if a request of it may have been carried out.
    pub reason: Option<String>,
    /// The provider's own code for that, or for what became of the message.
    pub code: Option<String>,
}

/// Which notices an application wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeFilter {
    /// The words of what it wants to be told: `dead`, `delivered`.
    pub on: BTreeSet<String>,
    /// The kinds of the jobs that it wants to be told of; `None` = all.
    pub kinds: Option<BTreeSet<String>>,
}

impl NoticeFilter {
    /// Whether it wants to be told this at all.
    #[must_use]
    pub fn wants(&self, notice_type: &NoticeType) -> bool {
        self.on.contains(notice_type.word())
    }

    /// Whether it wants to be told of jobs of this kind. What is of no known kind may be one of those, so it is told.
    #[must_use]
    pub fn wants_kind(&self, kind: Option<&str>) -> bool {
        match (&self.kinds, kind) {
            (Some(kinds), Some(kind)) => kinds.contains(kind),
            (None, _) | (_, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_shown() {
        for text in [
            "job.completed",
            "job.dead",
            "job.cancelled",
            "delivery.bounced",
        ] {
            let read = NoticeType::parse(text).expect("is a type");
            assert_eq!(read.to_string(), text);
            assert!(text.ends_with(read.word()));
        }
        for text in ["job.bounced", "delivery.", "dead", "", "other.dead"] {
            assert_eq!(NoticeType::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_job_whose_kind_is_not_known_is_told() {
        let filter = NoticeFilter {
            on: ["dead".to_owned()].into(),
            kinds: Some(["send_email".to_owned()].into()),
        };
        assert!(filter.wants_kind(None) && filter.wants_kind(Some("send_email")));
        assert!(!filter.wants_kind(Some("send_sms")));
        assert!(filter.wants(&NoticeType::Dead) && !filter.wants(&NoticeType::Completed));
    }
}
