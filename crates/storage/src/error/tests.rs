//! The table, line by line.

use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use longshore_job::CallReport;

use super::*;

fn answer(status: u16, code: &str, headers: &[(&'static str, &'static str)]) -> HttpResponse {
    let body = match code {
        "" => String::new(),
        code => {
            format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>")
        }
    };
    let status = StatusCode::try_from(status).unwrap();
    let mut answer = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in headers {
        answer.headers_mut().append(*name, *value);
    }
    answer
}

#[test]
fn every_answer_means_one_thing_to_the_job_and_one_to_the_breaker() {
    use ErrorClass::{
        Busy, Changed, Missing, Refused, Skewed, Unauthorized, Unavailable, Unsupported,
    };
    let minute = || ErrorClass::Throttled(DEFAULT_RETRY_AFTER);
    let refused = |reason: &str| CallReport::Refused {
        reason: reason.to_owned(),
    };
    let table = [
        (503, "SlowDown", minute(), CallReport::Nothing),
        (429, "TooManyRequests", minute(), CallReport::Nothing),
        (400, "ThrottlingException", minute(), CallReport::Nothing),
        (503, "ServiceUnavailable", Unavailable, CallReport::Ill),
        (500, "InternalError", Unavailable, CallReport::Ill),
        (502, "", Unavailable, CallReport::Ill),
        (400, "RequestTimeout", Unavailable, CallReport::Ill),
        (409, "OperationAborted", Busy, CallReport::Well),
        (403, "AccessDenied", Refused, CallReport::Well),
        (403, "", Refused, CallReport::Well),
        (
            403,
            "InvalidAccessKeyId",
            Unauthorized,
            refused("InvalidAccessKeyId"),
        ),
        (
            403,
            "SignatureDoesNotMatch",
            Unauthorized,
            refused("SignatureDoesNotMatch"),
        ),
        (400, "ExpiredToken", Unauthorized, refused("ExpiredToken")),
        (401, "Unauthorized", Unauthorized, refused("Unauthorized")),
        (403, "RequestTimeTooSkewed", Skewed, CallReport::Nothing),
        (404, "NoSuchBucket", Refused, CallReport::Well),
        (404, "NoSuchKey", Missing, CallReport::Well),
        (404, "", Missing, CallReport::Well),
        (301, "PermanentRedirect", Refused, CallReport::Well),
        (412, "PreconditionFailed", Changed, CallReport::Well),
        (501, "NotImplemented", Unsupported, CallReport::Well),
        (301, "", Refused, CallReport::Well),
        (400, "MalformedXML", Refused, CallReport::Well),
        // Not S3's words.
        (302, "", Unavailable, CallReport::Ill),
        (307, "TemporaryRedirect", Unavailable, CallReport::Ill),
        (408, "", Unavailable, CallReport::Ill),
        (520, "", Unavailable, CallReport::Ill),
    ];
    for (status, code, class, said) in table {
        let given = (!code.is_empty()).then_some(code);
        assert_eq!(classify(status, given, None), class, "{status} {code}");
        assert_eq!(
            report_of_response("/b/k", &answer(status, code, &[])),
            said,
            "{status} {code}"
        );
    }
}

#[test]
fn a_time_that_the_store_names_holds_everybody_back() {
    let named = answer(503, "SlowDown", &[("x-amz-retry-after", "4500")]);
    assert_eq!(
        report_of_response("/b/k", &named),
        CallReport::Hold(Duration::from_millis(4500))
    );
    let long = answer(503, "SlowDown", &[("x-amz-retry-after", "99999999999")]);
    assert_eq!(
        report_of_response("/b/k", &long),
        CallReport::Hold(MAX_RETRY_AFTER)
    );
    // The HTTP header is not how S3 says it.
    let http = answer(503, "SlowDown", &[("retry-after", "30")]);
    assert_eq!(report_of_response("/b/k", &http), CallReport::Nothing);
}

#[test]
fn a_refusal_costs_the_job_and_a_wait_costs_nothing() {
    let error = |class| Error::local(Name::S3, class, "because");
    let job = |class| JobError::from(error(class));
    assert!(matches!(
        job(ErrorClass::Refused),
        JobError::Permanent { .. }
    ));
    assert!(matches!(
        job(ErrorClass::Unavailable),
        JobError::Transient { .. }
    ));
    for class in [
        ErrorClass::Unauthorized,
        ErrorClass::Throttled(DEFAULT_RETRY_AFTER),
    ] {
        let held = matches!(
            job(class),
            JobError::Throttled {
                scope: Scope::Job,
                ..
            }
        );
        assert!(
            held,
            "a wait of this job alone: other queues use the store too"
        );
    }
}

#[test]
fn what_s3_says_reaches_the_reason_and_its_keys_do_not() {
    let denied = "<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:role/fleet is not authorized to perform: \
        s3:GetObject on resource: &quot;arn:aws:s3:::exports/users/ada/1.csv&quot;</Message></Error>";
    let missing = "<Error><Code>NoSuchKey</Code><Message>There is no users/ada/1.csv.</Message><Key>users/ada/1.csv</Key></Error>";
    for (body, sentence) in [
        (
            denied,
            "User: arn:aws:iam::1:role/fleet is not authorized to perform: s3:GetObject on resource: \
             \"arn:aws:s3:::exports/[key]",
        ),
        (missing, "There is no [key]."),
        ("<html>", ""),
    ] {
        let status = StatusCode::try_from(403).unwrap();
        let answer = HttpResponse::new(status, SdkBody::from(body));
        let row = Answers(Name::S3).row(&response_of(&answer));
        assert_eq!(row.sentence.unwrap_or_default(), sentence);
    }
}

#[test]
fn a_bucket_elsewhere_says_where() {
    let answer = answer(
        301,
        "PermanentRedirect",
        &[("x-amz-bucket-region", "eu-west-1")],
    );
    let region = region(&response_of(&answer));
    let help = advice(
        Name::S3,
        &ErrorClass::Refused,
        Some("PermanentRedirect"),
        region.as_deref(),
    );
    assert_eq!(
        help,
        ": the bucket is in the region eu-west-1; set providers.s3.region to it"
    );
}

#[test]
fn a_page_in_the_place_of_a_list_is_a_failure_of_the_store() {
    let report = |uri, body: &str| {
        let status = StatusCode::try_from(200).unwrap();
        report_of_response(uri, &HttpResponse::new(status, SdkBody::from(body)))
    };
    for page in ["<html>Sign in", "<!DOCTYPE html>", "{}", "Sign in"] {
        assert_eq!(
            report("/b?list-type=2&prefix=x", page),
            CallReport::Ill,
            "{page}"
        );
        // An object may be anything.
        assert_eq!(
            report("/b/k?x-id=GetObject", page),
            CallReport::Well,
            "{page}"
        );
    }
    for list in [
        "<?xml version=\"1.0\"?><ListBucketResult/>",
        "<ListBucketResult/>",
        "",
    ] {
        assert_eq!(report("/b?list-type=2", list), CallReport::Well, "{list}");
    }
}
