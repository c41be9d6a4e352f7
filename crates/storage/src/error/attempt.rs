//! What one try says of the store, whatever the SDK makes of it: for its breaker, and for whether it is made again.

use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use longshore_job::CallReport;

use super::{ErrorClass, classify, element, named, response_of};

/// S3's code in an answer that is no success. Its body is in memory, and small.
fn code(response: &HttpResponse) -> Option<&str> {
    let body = std::str::from_utf8(response.body().bytes()?).ok()?;
    element(body, "Code")
}

/// Whether an answer to this request is in XML.
fn told_in_xml(uri: &str) -> bool {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let names = [
            "delete",
            "list-type",
            "versions",
            "versioning",
            "uploads",
            "lifecycle",
        ];
        names.contains(&name)
    })
}

fn body_of(response: &HttpResponse) -> &[u8] {
    let body = response.body().bytes().unwrap_or_default();
    body.trim_ascii()
}

/// Whether an answer to this request is in XML, and this one is not: something in between has made it up.
fn is_made_up(uri: &str, response: &HttpResponse) -> bool {
    let body = body_of(response);
    let is_page = body.first() != Some(&b'<')
        || body.get(1) == Some(&b'!')
        || body
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"<html"));
    told_in_xml(uri) && !body.is_empty() && is_page
}

/// Whether a success to this request ends before its outermost element does. The SDK's reader takes what there is for all: of
/// a list that was cut off, and of the keys that were not deleted.
pub(crate) fn is_cut_off(uri: &str, response: &HttpResponse) -> bool {
    let body = body_of(response);
    if !response.status().is_success() || !told_in_xml(uri) || body.is_empty() {
        return false;
    }
    let Ok(body) = std::str::from_utf8(body) else {
        return true;
    };
    let root = match body.strip_prefix("<?") {
        Some(rest) => rest.split_once("?>").map_or("", |(_, rest)| rest),
        None => body,
    };
    let root = root.trim_start();
    if is_made_up(uri, response) || (root.ends_with("/>") && root.matches('<').count() == 1) {
        return false;
    }
    let name = root.strip_prefix('<').unwrap_or_default();
    let name = name.split(|c: char| c == '>' || c.is_ascii_whitespace());
    let name = name.into_iter().next().unwrap_or_default();
    name.is_empty() || !root.ends_with(&format!("</{name}>"))
}

/// What one try says of the store, for its breaker.
pub(crate) fn report_of_response(uri: &str, response: &HttpResponse) -> CallReport {
    let status = response.status();
    if status.is_success() {
        return match is_made_up(uri, response) {
            true => CallReport::Ill,
            false => CallReport::Well,
        };
    }
    let named = named(&response_of(response));
    match classify(status.as_u16(), code(response), named) {
        ErrorClass::NotReached => CallReport::NotReached,
        ErrorClass::Unavailable => CallReport::Ill,
        // A busy prefix or key, as long as no time is named: the SDK waits, and the job after it.
        ErrorClass::Throttled(_) => named.map_or(CallReport::Nothing, CallReport::Hold),
        ErrorClass::Unauthorized => CallReport::Refused {
            reason: code(response).unwrap_or("Unauthorized").to_owned(),
        },
        ErrorClass::Skewed | ErrorClass::NotNow(_) => CallReport::Nothing,
        ErrorClass::Busy
        | ErrorClass::Changed
        | ErrorClass::Missing
        | ErrorClass::Unsupported
        | ErrorClass::Refused => CallReport::Well,
    }
}

/// What the SDK does not try again by itself, and is worth it: R2's 429, and what another operation stood in the way of.
#[derive(Debug)]
pub(crate) struct Again;

impl ClassifyRetry for Again {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else {
            return RetryAction::NoActionIndicated;
        };
        match response.status().as_u16() {
            429 => RetryAction::throttling_error(),
            409 if classify(409, code(response), None) == ErrorClass::Busy => {
                RetryAction::transient_error()
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Again"
    }
}
