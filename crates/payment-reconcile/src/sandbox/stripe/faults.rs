//! Faults in Stripe's words.

use std::collections::BTreeMap;

use longshore_sandbox::Fault;

use super::StripeSandbox;
use super::problem::Problem;

impl StripeSandbox {
    /// 409: another request under the same key is still being answered.
    #[must_use]
    pub fn key_in_use() -> Fault {
        answering(&Problem::of_status(409), None)
    }

    /// 429, `rate_limit`: too many requests.
    #[must_use]
    pub fn rate_limited() -> Fault {
        answering(
            &Problem::of_status(429),
            Some(("stripe-rate-limited-reason", "global-rate")),
        )
    }

    /// 429, `lock_timeout`: another request holds the object.
    #[must_use]
    pub fn lock_timeout() -> Fault {
        answering(&Problem::lock_timeout(), None)
    }

    /// This status, with `Stripe-Should-Retry`. Nothing is carried out or saved.
    #[must_use]
    pub fn should_retry(status: u16, should: bool) -> Fault {
        let should = if should { "true" } else { "false" };
        answering(
            &Problem::of_status(status),
            Some(("stripe-should-retry", should)),
        )
    }
}

fn answering(problem: &Problem, header: Option<(&str, &str)>) -> Fault {
    let header = header.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut headers = BTreeMap::from_iter(header);
    headers.insert("content-type".to_owned(), "application/json".to_owned());
    Fault::Answer {
        status: problem.status,
        headers,
        body: Some(problem.to_json().to_string()),
        effect: false,
    }
}
