//! What Google's answers mean for a job: the only place that decides it.

use std::time::{Duration, SystemTime};

use longshore_job::{Answer, Blame, JobError, Scope};
use longshore_provider::{ProviderError, Response, StatusCode, excerpt, retry_after};

use crate::google_maps::{LookUpError, NAME};
use crate::key::Unsaid;
use crate::status::{Said, Status};

/// How long nobody asks after `OVER_QUERY_LIMIT`, which says neither until when nor which limit it is: the one of a
/// minute or the one of a day. A minute is over by then for sure. If it was the day's, one job a minute finds out
/// that it still is, which costs no attempt, and bothers Google little enough not to be blocked for it.
const OVER_QUERY_LIMIT_WAIT: Duration = Duration::from_secs(60);

impl LookUpError {
    /// The outcome.
    pub(crate) fn into_job_error(self, unsaid: &Unsaid<'_>) -> JobError {
        match self {
            Self::Provider(error) => from_provider(error, unsaid),
            Self::Refused { status, response } => from_status(&status, &response, unsaid),
            // Something in between, most likely. The address is not to blame, and nothing was done.
            Self::NotUnderstood(response) => JobError::Transient {
                reason: answered(&response, unsaid),
                answer: answer(&response, unsaid),
            },
        }
    }
}

fn from_provider(error: ProviderError, unsaid: &Unsaid<'_>) -> JobError {
    match error {
        ProviderError::NeverSent { cause } => JobError::NotReached {
            reason: format!(
                "Google Maps was not reached: {}",
                unsaid.remove_from(&cause)
            ),
            answer: coded("not reached"),
        },
        // Looking up changes nothing, so a lost answer leaves nothing unknown.
        ProviderError::NoAnswer { cause } => JobError::Transient {
            reason: format!(
                "no answer came from Google Maps: {}",
                unsaid.remove_from(&cause)
            ),
            answer: coded("no answer"),
        },
        ProviderError::Unauthorized { response } => JobError::Unauthorized {
            reason: answered(&response, unsaid),
            answer: answer(&response, unsaid),
        },
        ProviderError::Throttled {
            retry_after,
            response,
        } => JobError::Throttled {
            retry_after,
            scope: Scope::Provider,
            reason: answered(&response, unsaid),
            answer: answer(&response, unsaid),
        },
        ProviderError::Unavailable { response } => JobError::Transient {
            reason: answered(&response, unsaid),
            answer: answer(&response, unsaid),
        },
        ProviderError::Rejected { response } => {
            let (reason, answer) = (answered(&response, unsaid), answer(&response, unsaid));
            match response.status {
                // The project is blocked, or the key may not be used from here.
                StatusCode::FORBIDDEN => JobError::Unauthorized { reason, answer },
                // Not Google's word, so about the path and not about the address: a wrong `base_url`.
                StatusCode::NOT_FOUND => JobError::Transient { reason, answer },
                _ => JobError::Permanent {
                    reason,
                    answer,
                    blame: Blame::Theirs,
                },
            }
        }
        // Not Google's answer: a wrong `base_url`, or a proxy in between.
        ProviderError::Unexpected { response } => JobError::Transient {
            reason: answered(&response, unsaid),
            answer: answer(&response, unsaid),
        },
    }
}

fn from_status(status: &Status, response: &Response, unsaid: &Unsaid<'_>) -> JobError {
    let (reason, answer) = (answered(response, unsaid), answer(response, unsaid));
    match status {
        Status::InvalidRequest => JobError::Permanent {
            reason,
            answer,
            blame: Blame::Theirs,
        },
        Status::OverQueryLimit => JobError::Throttled {
            retry_after: retry_after(&response.headers, SystemTime::now())
                .unwrap_or(OVER_QUERY_LIMIT_WAIT),
            scope: Scope::Provider,
            reason,
            answer,
        },
        // The key, the bill or the project's own limit: no address at all can be looked up until that is mended.
        Status::OverDailyLimit | Status::RequestDenied => JobError::Unauthorized { reason, answer },
        // Google says that it may work the next time.
        Status::UnknownError => JobError::Transient { reason, answer },
        // No answers to an address, and what is not documented: nothing is known, so it is not for good.
        Status::Ok | Status::ZeroResults | Status::NotFound | Status::Other(_) => {
            JobError::Transient { reason, answer }
        }
    }
}

/// An answer that never came.
fn coded(code: &str) -> Answer {
    Answer {
        code: Some(code.to_owned()),
        ..Answer::of(NAME)
    }
}

/// What dead letters are grouped by is Google's word, or else the HTTP status.
fn answer(response: &Response, unsaid: &Unsaid<'_>) -> Answer {
    let status = response.status.as_u16();
    let said = Said::by(response);
    Answer {
        status: Some(status),
        ..coded(&code(response, said.as_ref(), unsaid))
    }
}

fn code(response: &Response, said: Option<&Said>, unsaid: &Unsaid<'_>) -> String {
    let word = said.and_then(|said| said.status.code());
    match word {
        Some(word) => unsaid.key.remove_from(word),
        None => response.status.as_u16().to_string(),
    }
}

/// `Google Maps answered REQUEST_DENIED: The provided API key is invalid.`
fn answered(response: &Response, unsaid: &Unsaid<'_>) -> String {
    let said = Said::by(response);
    let code = code(response, said.as_ref(), unsaid);
    let text = match said {
        Some(said) => said.error_message.unwrap_or_default(),
        None => String::from_utf8_lossy(&response.body).into_owned(),
    };
    // Before it is cut short: half of them would not be found.
    let text = excerpt(&unsaid.remove_from(&text));
    match text.is_empty() {
        true => format!("Google Maps answered {code}"),
        false => format!("Google Maps answered {code}: {text}"),
    }
}

#[cfg(test)]
mod tests;
