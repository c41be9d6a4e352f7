//! What answers mean: one skeleton for all providers' tables.
//!
//! A provider's [`AnswerTable`] gives its name, the words and codes that it reads out of an answer, and one match over
//! what it documents. Everything else is decided here, once: what follows from an answer that no row names, how an answer
//! becomes a [`JobError`], its reason and its [`Answer`].
//!
//! | answer that no row names | call with an effect | call that may be repeated | look |
//! |---|---|---|---|
//! | never sent | `NotReached` | `NotReached` | `NotReached` |
//! | no answer, a 2xx that does not read, 408, 302, 303, any 5xx but 503, anything else | `OutcomeUnknown` | `Transient` | `Transient` |
//! | 503 | `Transient` | `Transient` | `Transient` |
//! | 429, 503 with a time | `Throttled` | `Throttled` | `Throttled` |
//! | 401, 402, 403, 407 | `Unauthorized` | `Unauthorized` | `Unauthorized` |
//! | 301, 307, 308, 421, 425 | `Transient` | `Transient` | `Transient` |
//! | any other 4xx | `Permanent`, our mistake | the same | `Transient` |
//!
//! The defaults are careful on purpose. An answer that does not say "nothing was done" leaves the outcome unknown, and an
//! unknown outcome is never failed over: of the 5xx only 503 says so. 408 does not, since servers also answer it when a
//! handler of theirs took too long. A redirect that asks for the same request elsewhere (301, 307, 308) does; 302 and 303
//! may be the answer to a form that was carried out.

mod json;

use std::time::Duration;

use longshore_job::{Answer, Blame, JobError, Scope};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::{DEFAULT_RETRY_AFTER, ProviderError, Response, excerpt};

pub use json::from_json;

/// The longest id of a request that is kept.
const MAX_ID_BYTES: usize = 128;

/// What a call was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It changes something at the provider, and a second one may change it twice.
    Effect,
    /// It changes nothing, or comes to the same however often it is made.
    Repeatable,
    /// It looks for what an earlier call has done. Nothing that is said to it is about that call, so no refusal is final.
    Look,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It is refused, and will be again.
    Refused(Blame),
    /// Our account or credentials are the trouble, not this job: a key, a right, credits, a sender.
    Account,
    /// The provider asks us to wait, as long as its answer says, else as long as its table says.
    Busy,
    /// Something that only this job is about is busy: it waits so long.
    Occupied(Duration),
    /// It was surely not carried out, and may be when asked again.
    NotDone,
    /// It may have been carried out.
    Unknown,
}

/// What a table makes of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// What it means; `None` where the table does not name it: then its status decides.
    pub meaning: Option<Meaning>,
    /// What dead letters are grouped by: the same for every job with this cause, so never a text that quotes. The status
    /// where there is none.
    pub code: Option<String>,
    /// Words that follow the status in a reason, such as codes. Nothing personal.
    pub words: Vec<String>,
    /// What the provider says, in its sentences or in ours. Where there is none, the beginning of a body that is not JSON
    /// is told.
    pub sentence: Option<String>,
}

/// A call that did not give what it was made for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// No 2xx.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A 2xx without what belongs in it: something in between may have made it up, with or without passing the request on.
    #[error("not understood: {why}")]
    NotUnderstood {
        /// The answer.
        response: Box<Response>,
        /// What is wrong with it. Quotes nothing of it; may be empty.
        why: String,
    },
    /// Nothing was asked: the request cannot be made from this job.
    #[error("not asked: {reason}")]
    NotAsked {
        /// What dead letters are grouped by.
        code: &'static str,
        /// Why.
        reason: String,
    },
}

impl CallError {
    /// The answer, if there was one.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::Provider(error) => error.response(),
            Self::NotUnderstood { response, .. } => Some(response),
            Self::NotAsked { .. } => None,
        }
    }
}

/// One provider's table of answers.
pub trait AnswerTable {
    /// The provider's name, as configuration has it.
    const NAME: &'static str;

    /// Its name in reasons.
    const TITLE: &'static str;

    /// How long a 429 that names no time is waited out.
    const WAIT: Duration = DEFAULT_RETRY_AFTER;

    /// What waits when the provider asks us to.
    const WAITS: Scope = Scope::Provider;

    /// Whether the sentences of its rows are our own, and quote nothing of an answer.
    const OWN_SENTENCES: bool = false;

    /// The headers that may have its id for the request, for its support desk.
    const REQUEST_ID: &'static [&'static str] = &["x-request-id"];

    /// Its name, where one table serves several that speak the same.
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// Its name in reasons, where one table serves several.
    fn title(&self) -> &str {
        Self::TITLE
    }

    /// What it says in this answer. The one match over its codes.
    fn row(&self, response: &Response) -> Row;

    /// A text without what no reason may hold and only this table knows.
    fn clean(&self, text: &str) -> String {
        text.to_owned()
    }

    /// What a failed call means for its job.
    fn job_error(&self, purpose: Purpose, error: &CallError) -> JobError {
        let title = self.title();
        match error {
            CallError::NotAsked { code, reason } => {
                let refused = Meaning::Refused(Blame::Ours);
                refused.means(purpose, reason.clone(), self.coded(code), None)
            }
            CallError::Provider(ProviderError::NeverSent { cause }) => JobError::NotReached {
                reason: format!("{title} was not reached: {}", self.clean(cause)),
                answer: nothing_quoted(self.coded("not reached")),
            },
            CallError::Provider(ProviderError::NoAnswer { cause }) => {
                let reason = format!(
                    "{title} was asked and no answer came: {}",
                    self.clean(cause)
                );
                let answer = nothing_quoted(self.coded("no answer"));
                Meaning::Unknown.means(purpose, reason, answer, None)
            }
            CallError::NotUnderstood { response, why } => {
                let (mut reason, mut answer) = self.reason_and_answer(response);
                answer.code = answer.code.map(|code| format!("{code} not understood"));
                if !why.is_empty() {
                    reason = format!("{reason}, and {why}");
                }
                Meaning::Unknown.means(purpose, reason, answer, None)
            }
            CallError::Provider(error) => {
                let (reason, mut answer) = match error.response() {
                    Some(response) => self.reason_and_answer(response),
                    None => (error.to_string(), self.coded("no answer")),
                };
                let wait = Some((error.named_wait().unwrap_or(Self::WAIT), Self::WAITS));
                match self.meaning(error) {
                    // Nothing was at stake: one that names a time when all is well again is believed.
                    Meaning::Unknown
                        if purpose != Purpose::Effect
                            && matches!(error, ProviderError::Throttled { .. }) =>
                    {
                        answer.unknown = purpose == Purpose::Repeatable;
                        Meaning::Busy.means(purpose, reason, answer, wait)
                    }
                    meaning => meaning.means(purpose, reason, answer, wait),
                }
            }
        }
    }

    /// What an answer, or its absence, means: as the table says, else by its status.
    fn meaning(&self, error: &ProviderError) -> Meaning {
        let named = error
            .response()
            .and_then(|response| self.row(response).meaning);
        named.unwrap_or_else(|| by_status(error))
    }

    /// The reason, and what is kept, of an answer.
    fn reason_and_answer(&self, response: &Response) -> (String, Answer) {
        let row = self.row(response);
        let status = response.status.as_u16();
        let mut reason = format!("{} answered {status}", self.title());
        for word in &row.words {
            reason.push_str(", ");
            reason.push_str(word);
        }
        let is_json = || serde_json::from_slice::<IgnoredAny>(&response.body).is_ok();
        let is_ours = Self::OWN_SENTENCES && row.sentence.is_some();
        let sentence = match row.sentence {
            Some(sentence) => excerpt(&self.clean(&sentence)),
            None if is_json() => String::new(),
            // Cleaned before it is cut short: half of what is looked for would not be found.
            None => excerpt(&self.clean(&String::from_utf8_lossy(&response.body))),
        };
        if !sentence.is_empty() {
            reason.push_str(": ");
            reason.push_str(&sentence);
        }
        let answer = Answer {
            code: Some(row.code.unwrap_or_else(|| status.to_string())),
            quoted: Some(match is_ours {
                true => String::new(),
                false => sentence,
            }),
            ..self.answer(response)
        };
        (reason, answer)
    }

    /// What is kept of an answer that was a good one.
    fn answer(&self, response: &Response) -> Answer {
        let mut ids = Self::REQUEST_ID
            .iter()
            .filter_map(|name| response.header(name));
        Answer {
            status: Some(response.status.as_u16()),
            request_id: ids.find(|id| id.len() <= MAX_ID_BYTES).map(str::to_owned),
            ..Answer::of(self.name())
        }
    }

    /// Where no answer came, or no request was made for one.
    fn coded(&self, code: &str) -> Answer {
        Answer {
            code: Some(code.to_owned()),
            ..Answer::of(self.name())
        }
    }
}

impl Meaning {
    /// What follows for a job whose call was made for this `purpose`. `wait` is how long, and what, waits when the
    /// provider asks us to.
    #[must_use]
    pub fn means(
        self,
        purpose: Purpose,
        reason: String,
        mut answer: Answer,
        wait: Option<(Duration, Scope)>,
    ) -> JobError {
        answer.unknown |= (self, purpose) == (Self::Unknown, Purpose::Repeatable);
        match (self, purpose) {
            (Self::Refused(_), Purpose::Look)
            | (Self::Unknown, Purpose::Repeatable | Purpose::Look)
            | (Self::NotDone, _) => JobError::Transient { reason, answer },
            (Self::Refused(blame), Purpose::Effect | Purpose::Repeatable) => JobError::Permanent {
                reason,
                answer,
                blame,
            },
            (Self::Account, _) => JobError::Unauthorized { reason, answer },
            (Self::Unknown, Purpose::Effect) => JobError::OutcomeUnknown { reason, answer },
            (Self::Busy, _) => {
                let (retry_after, scope) = wait.unwrap_or((DEFAULT_RETRY_AFTER, Scope::Provider));
                JobError::Throttled {
                    retry_after,
                    scope,
                    reason,
                    answer,
                }
            }
            (Self::Occupied(retry_after), _) => JobError::Throttled {
                retry_after,
                scope: Scope::Job,
                reason,
                answer,
            },
        }
    }
}

/// Marks an answer whose reason has only our own words and those of this machine.
fn nothing_quoted(answer: Answer) -> Answer {
    Answer {
        quoted: Some(String::new()),
        ..answer
    }
}

/// What an answer means that no row names.
fn by_status(error: &ProviderError) -> Meaning {
    match error {
        ProviderError::Unauthorized { .. } => Meaning::Account,
        ProviderError::Throttled { .. } => Meaning::Busy,
        ProviderError::NeverSent { .. } => Meaning::NotDone,
        ProviderError::NoAnswer { .. } => Meaning::Unknown,
        ProviderError::Unavailable { response }
        | ProviderError::Rejected { response }
        | ProviderError::Unexpected { response } => match response.status.as_u16() {
            402 | 403 | 407 => Meaning::Account,
            301 | 307 | 308 | 421 | 425 | 503 => Meaning::NotDone,
            408 => Meaning::Unknown,
            400..=499 => Meaning::Refused(Blame::Ours),
            _ => Meaning::Unknown,
        },
    }
}

/// A word of a provider's, if it looks like one: letters, digits, `_`, `-` and `.`, at most 80 of them. Only such a one may
/// become a code.
#[must_use]
pub fn word(text: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let fits = (1..=80).contains(&text.len()) && text.bytes().all(plain);
    fits.then_some(text)
}

/// Reads what an answer's body holds.
///
/// # Errors
/// [`CallError::NotUnderstood`], with the field that did not read.
pub fn decode<T: DeserializeOwned>(response: &Response) -> Result<T, CallError> {
    from_json(&response.body).map_err(|why| CallError::NotUnderstood {
        response: Box::new(response.clone()),
        why: match response.complete {
            true => why,
            false => "its body broke off".to_owned(),
        },
    })
}

#[cfg(test)]
mod tests;
