//! What a run can end as. Small and closed on purpose: settling is one match over these.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest reason that is stored, in characters.
const MAX_REASON_CHARS: usize = 10_000;

/// Cuts a reason to the length that is stored: 10,000 characters.
#[must_use]
pub fn clip_reason(reason: &str) -> Cow<'_, str> {
    match reason.char_indices().nth(MAX_REASON_CHARS) {
        None => Cow::Borrowed(reason),
        Some((end, _)) => Cow::Owned(reason[..end].to_owned()),
    }
}

/// What is known of the provider's answer to the last request of a run. Goes into the job's history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The provider that was called, as the configuration names it: `sendgrid`, `stripe`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Cow<'static, str>>,
    /// Its HTTP status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The provider's own code, the same for every job with this cause. Dead letters are grouped by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's id for the request or what it made, for its support desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What else a program may want to know of it, by short names that the kind documents: a decline code, the id of what was made
    /// all the same. Words and ids alone: it is shown wherever the code is, so it holds no secret and names no person.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// The part of the reason that the provider wrote, word for word. Empty if the whole reason is ours and quotes no args. `None`
    /// if that is not known. Every word of the job's args is removed from this part, however short; if it is `None`, from the whole
    /// reason. From the rest only addresses, numbers and long texts are removed, which our own words do not contain by chance.
    /// Not stored.
    #[serde(skip)]
    pub quoted: Option<String>,
    /// The request may have been carried out, and that is no reason to ask what became of it: it may be made again. So the job fails and is
    /// tried again, and counts as one that may have been sent. Not stored.
    #[serde(skip)]
    pub unknown: bool,
}

impl Answer {
    /// An answer of this provider, with nothing else known yet.
    #[must_use]
    pub fn of(provider: &'static str) -> Self {
        Self {
            provider: Some(Cow::Borrowed(provider)),
            ..Self::default()
        }
    }

    /// Marks the reason as all ours: it quotes neither a provider nor the args. So its words stay, even if a user has such a
    /// name.
    #[must_use]
    pub fn quoting_nothing(self) -> Self {
        Self {
            quoted: Some(String::new()),
            ..self
        }
    }
}

/// A run that ended well.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The effect is done.
    Done {
        /// Stored with the job. Operators see the fields that its kind calls public
        /// ([`Job::PUBLIC_RESULT`](crate::Job::PUBLIC_RESULT)); the others only on request. Must hold no secret.
        result: Option<serde_json::Value>,
        /// What the provider said.
        answer: Answer,
    },
    /// There was nothing to do.
    Skipped {
        /// Why, for the history and the log.
        reason: String,
    },
}

impl Outcome {
    /// Done, with neither a result nor a provider's answer.
    #[must_use]
    pub fn done() -> Self {
        Self::Done {
            result: None,
            answer: Answer::default(),
        }
    }
}

/// Whose mistake a refusal is: who has to change something before the same job can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// Ours: a parameter is missing, a template is unknown, a request is malformed, a setting is wrong. Somebody should
    /// look at it. A refusal counts as ours unless it is known to be the user's.
    Ours,
    /// The user's: a declined card, a wrong number, a suppressed address. This is expected, and not an error of ours.
    Theirs,
}

/// What a throttle holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only this job: one number, one object is busy.
    Job,
    /// The whole provider, so every job of its queue.
    Provider,
}

/// A run that failed. Each variant says what happens to the job next.
///
/// A reason has at most 10,000 characters, states the cause and names no person.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JobError {
    /// A refusal: bad number, declined card, unknown template. Dead at once.
    #[error("refused: {reason}")]
    Permanent {
        /// What was refused and why.
        reason: String,
        /// What the provider said.
        answer: Answer,
        /// Whose mistake it is.
        blame: Blame,
    },
    /// The provider asked us to wait. Given back until then, at the cost of no attempt.
    #[error("throttled for {} s: {reason}", retry_after.as_secs())]
    Throttled {
        /// How long from now; the queue caps it at an hour.
        retry_after: Duration,
        /// What has to wait.
        scope: Scope,
        /// What the provider said about it.
        reason: String,
        /// What the provider said.
        answer: Answer,
    },
    /// The attempt failed, and nothing was done: the provider said so (503), or the request was only a read; or it may be made again
    /// ([`Answer::unknown`]). Retried on the schedule; dead after the last attempt.
    #[error("failed: {reason}")]
    Transient {
        /// What failed.
        reason: String,
        /// What the provider said.
        answer: Answer,
    },
    /// The provider was not reached: DNS, TCP or TLS failed, or took too long. Nothing was sent, so no attempt is used.
    /// One run cannot know whether the provider or this machine is cut off.
    #[error("not reached: {reason}")]
    NotReached {
        /// Which host was not reached, and why.
        reason: String,
        /// Which provider it was.
        answer: Answer,
    },
    /// The request was sent and no clear answer came. The `on_unknown` of its kind or queue decides what follows.
    #[error("outcome unknown: {reason}")]
    OutcomeUnknown {
        /// Where it was lost.
        reason: String,
        /// What is known of the request.
        answer: Answer,
    },
    /// The provider refused our credentials. That is not this job's fault, so no attempt is used.
    #[error("credentials refused: {reason}")]
    Unauthorized {
        /// What the provider said about them.
        reason: String,
        /// What the provider said.
        answer: Answer,
    },
}

impl JobError {
    /// A refusal that no provider took part in. It counts as our own mistake.
    #[must_use]
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self::Permanent {
            reason: reason.into(),
            answer: Answer::default(),
            blame: Blame::Ours,
        }
    }

    /// A refusal of our own mistake that no provider took part in. Dead letters are grouped by the code.
    #[must_use]
    pub fn refusal(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Permanent {
            reason: reason.into(),
            answer: Answer {
                code: Some(code.into()),
                ..Answer::default()
            },
            blame: Blame::Ours,
        }
    }

    /// Whose mistake it is, where it is a refusal.
    #[must_use]
    pub fn blame(&self) -> Option<Blame> {
        match self {
            Self::Permanent { blame, .. } => Some(*blame),
            Self::Throttled { .. }
            | Self::Transient { .. }
            | Self::NotReached { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Unauthorized { .. } => None,
        }
    }

    /// A failure that no provider took part in.
    #[must_use]
    pub fn transient(reason: impl Into<String>) -> Self {
        Self::Transient {
            reason: reason.into(),
            answer: Answer::default(),
        }
    }

    /// A run that did not come to its end: it took too long, its handler panicked, its worker had to go. Whether a request
    /// with an effect had left decides what that means. `provider` is the one that is to blame, if one is.
    #[must_use]
    pub fn unfinished(sent: bool, reason: &str, code: &str, provider: Option<&str>) -> Self {
        let answer = Answer {
            provider: provider.map(|name| name.to_owned().into()),
            code: Some(code.to_owned()),
            ..Answer::default().quoting_nothing()
        };
        match sent {
            true => Self::OutcomeUnknown {
                reason: format!("{reason}, and a request was out"),
                answer,
            },
            false => Self::Transient {
                reason: reason.to_owned(),
                answer,
            },
        }
    }

    /// The same, with one more of its [`details`](Answer::details), if there is one.
    #[must_use]
    pub fn with_detail(mut self, name: &str, value: Option<&str>) -> Self {
        let (Self::Permanent { answer, .. }
        | Self::Throttled { answer, .. }
        | Self::Transient { answer, .. }
        | Self::NotReached { answer, .. }
        | Self::OutcomeUnknown { answer, .. }
        | Self::Unauthorized { answer, .. }) = &mut self;
        if let Some(value) = value {
            answer.details.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// The reason alone.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Permanent { reason, .. }
            | Self::Throttled { reason, .. }
            | Self::Transient { reason, .. }
            | Self::NotReached { reason, .. }
            | Self::OutcomeUnknown { reason, .. }
            | Self::Unauthorized { reason, .. } => reason,
        }
    }

    /// What the provider said.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        match self {
            Self::Permanent { answer, .. }
            | Self::Throttled { answer, .. }
            | Self::Transient { answer, .. }
            | Self::NotReached { answer, .. }
            | Self::OutcomeUnknown { answer, .. }
            | Self::Unauthorized { answer, .. } => answer,
        }
    }
}

/// Why a job is dead, in the words that dead letters are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The provider, or we, refused it.
    Refused,
    /// Its last attempt failed.
    Failed,
    /// A request may have gone out, and the queue's rule is to hold such jobs.
    OutcomeUnknown,
    /// Its payload, id or record cannot be read.
    Undecodable,
    /// It was older than its `expires_in`.
    Expired,
    /// It was lost with its worker three times: it may be what kills them.
    Poison,
}

impl Class {
    /// The word for it, as JSON and tables show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Undecodable => "undecodable",
            Self::Expired => "expired",
            Self::Poison => "poison",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What dead letters of one group have in common beside their kind. Never a text that differs from job to job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cause {
    /// The class of the last failure.
    pub class: Class,
    /// The provider that was asked, if any.
    pub provider: Option<Cow<'static, str>>,
    /// The provider's own code, or ours where no provider took part.
    pub code: Option<String>,
}

impl Cause {
    /// A cause that no provider took part in.
    #[must_use]
    pub fn without_provider(class: Class, code: impl Into<String>) -> Self {
        Self {
            class,
            provider: None,
            code: Some(code.into()),
        }
    }
}

/// `refused by sendgrid: 400 personalizations.to.email`
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class {
            Class::OutcomeUnknown => f.write_str("outcome unknown")?,
            class => write!(f, "{class}")?,
        }
        if let Some(provider) = &self.provider {
            let by = match self.class {
                Class::Refused => "by",
                _ => "at",
            };
            write!(f, " {by} {provider}")?;
        }
        match &self.code {
            Some(code) => write!(f, ": {code}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_at_ten_thousand_characters_not_bytes() {
        let long = "ø".repeat(10_001);
        assert_eq!(clip_reason(&long).chars().count(), 10_000);
        assert!(matches!(clip_reason("short"), Cow::Borrowed("short")));
    }

    #[test]
    fn causes_read_like_sentences() {
        let cause = Cause {
            class: Class::Refused,
            provider: Some("sendgrid".into()),
            code: Some("400 to.email".into()),
        };
        assert_eq!(cause.to_string(), "refused by sendgrid: 400 to.email");
        let ours = Cause::without_provider(Class::Undecodable, "not JSON");
        assert_eq!(ours.to_string(), "undecodable: not JSON");
    }
}
