//! Google's own word for what an answer is. Most of them come with HTTP 200.

use longshore_provider::Response;
use serde::Deserialize;

/// The longest word that can become the code of a group.
const MAX_CODE_CHARS: usize = 50;

/// The `status` of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum Status {
    /// There are results.
    Ok,
    /// The address makes sense, and there is no such place.
    ZeroResults,
    /// There is nothing to look for in the request, or the place id is none.
    InvalidRequest,
    /// The place id was one, and is no longer.
    NotFound,
    /// Too much was asked, in a minute or in a day.
    OverQueryLimit,
    /// Nothing is answered until somebody has seen to it: the key, the bill, or a limit of the project's own.
    OverDailyLimit,
    /// The key is not good, or not for this.
    RequestDenied,
    /// Google is in trouble.
    UnknownError,
    /// A word that is not documented.
    Other(String),
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        match word.as_str() {
            "OK" => Self::Ok,
            "ZERO_RESULTS" => Self::ZeroResults,
            "INVALID_REQUEST" => Self::InvalidRequest,
            "NOT_FOUND" => Self::NotFound,
            "OVER_QUERY_LIMIT" => Self::OverQueryLimit,
            "OVER_DAILY_LIMIT" => Self::OverDailyLimit,
            "REQUEST_DENIED" => Self::RequestDenied,
            "UNKNOWN_ERROR" => Self::UnknownError,
            _ => Self::Other(word),
        }
    }
}

impl Status {
    /// The word, if it may become a code: a text of another form could be anything.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Ok => Some("OK"),
            Self::ZeroResults => Some("ZERO_RESULTS"),
            Self::InvalidRequest => Some("INVALID_REQUEST"),
            Self::NotFound => Some("NOT_FOUND"),
            Self::OverQueryLimit => Some("OVER_QUERY_LIMIT"),
            Self::OverDailyLimit => Some("OVER_DAILY_LIMIT"),
            Self::RequestDenied => Some("REQUEST_DENIED"),
            Self::UnknownError => Some("UNKNOWN_ERROR"),
            Self::Other(word) => is_word(word).then_some(word),
        }
    }
}

/// Capitals and underscores, as all of Google's are.
fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_uppercase() || b == b'_';
    (1..=MAX_CODE_CHARS).contains(&text.len()) && text.bytes().all(plain)
}

/// What an answer says of itself, whatever else is in it.
#[derive(Debug, Deserialize)]
pub(crate) struct StatusBody {
    pub(crate) status: Status,
    pub(crate) error_message: Option<String>,
}

impl StatusBody {
    /// `None` when it is not Google's form of an answer, or did not come whole.
    pub(crate) fn by(response: &Response) -> Option<Self> {
        match response.complete {
            true => serde_json::from_slice(&response.body).ok(),
            false => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_provider::{HeaderMap, StatusCode};

    use super::*;

    #[test]
    fn half_an_answer_says_nothing() {
        let mut response = Response {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: br#"{"status":"ZERO_RESULTS","results":[]}"#.to_vec(),
            complete: true,
        };
        let said = StatusBody::by(&response).expect("Google's form");
        assert_eq!(said.status, Status::ZeroResults);
        // Even where what came of it could be read.
        response.complete = false;
        assert!(StatusBody::by(&response).is_none());
    }

    #[test]
    fn only_words_become_codes() {
        for word in [
            "OK",
            "ZERO_RESULTS",
            "INVALID_REQUEST",
            "NOT_FOUND",
            "OVER_QUERY_LIMIT",
            "OVER_DAILY_LIMIT",
            "REQUEST_DENIED",
            "UNKNOWN_ERROR",
        ] {
            let status = Status::from(word.to_owned());
            assert!(!matches!(status, Status::Other(_)), "{word}");
            assert_eq!(status.code(), Some(word));
        }
        let long = "X".repeat(MAX_CODE_CHARS + 1);
        for (text, code) in [
            ("MAX_ELEMENTS_EXCEEDED", Some("MAX_ELEMENTS_EXCEEDED")),
            ("ok", None),
            ("Karl Johans gate 1", None),
            ("AIza-1", None),
            ("", None),
            (&*long, None),
        ] {
            assert_eq!(Status::from(text.to_owned()).code(), code, "{text:?}");
        }
    }
}
