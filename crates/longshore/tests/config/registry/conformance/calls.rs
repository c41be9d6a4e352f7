//! How each provider is called, and where its documents say something else than what follows elsewhere.

use std::time::Duration;

use longshore_job::Route;

use super::server::{Answers, Server};
use super::{Does, Follows};
use longshore_app::config::Config;

/// What a call does at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It changes something, and again if it is made again.
    Effect,
    /// It changes something, once for each key.
    Keyed,
    /// It changes nothing, or comes to the same.
    Repeatable,
}

/// One call of a provider, by the job that makes it.
#[derive(Debug)]
pub(super) struct Call {
    /// Whom it calls, as answers name it.
    pub(super) provider: &'static str,
    /// Whose queue the job is of.
    pub(super) queue_of: &'static str,
    pub(super) kind: Kind,
    pub(super) route: Route,
    pub(super) payload: &'static str,
    pub(super) good: Answers,
}

const MAIL: &str = r#"{"kind":"send_email","v":1,"args":{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}}"#;

const CUSTOMER: &str =
    r#"{"kind":"create_customer","v":1,"args":{"user_id":"user-1","email":"ada@example.com"}}"#;

const SERVICE: &str =
    r#"{"kind":"call_service","v":1,"args":{"service":"crm","operation":"update","body":{}}}"#;

const KEYED_SERVICE: &str =
    r#"{"kind":"call_service","v":1,"args":{"service":"crm","operation":"create","body":{}}}"#;

const SHELVES: Answers = &[
    ("versioning", 200, "<VersioningConfiguration/>"),
    (
        "list-type",
        200,
        "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
    ),
    (
        "uploads",
        200,
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
    ),
];

const fn call(
    provider: &'static str,
    queue_of: &'static str,
    kind: Kind,
    payload: &'static str,
    good: Answers,
) -> Call {
    Call {
        provider,
        queue_of,
        kind,
        route: Route::Primary,
        payload,
        good,
    }
}

/// What Stripe shows where the app is told of it.
pub(super) const SHOWN: Answers = &[
    (
        "/v1/events/evt_1",
        200,
        r#"{"id":"evt_1","type":"payment_intent.succeeded","livemode":false,"created":1,"data":{"object":{"id":"pi_1"}}}"#,
    ),
    (
        "/v1/payment_intents/pi_1",
        200,
        r#"{"id":"pi_1","status":"succeeded","amount":1000,"amount_received":1000,"currency":"nok","created":1,"livemode":false,"metadata":{"orderId":"o1"}}"#,
    ),
];

pub(super) const CALLS: &[Call] = &[
    call("sendgrid", "sendgrid", Kind::Effect, MAIL, &[("", 202, "")]),
    Call {
        route: Route::Fallback,
        ..call(
            "postmark",
            "sendgrid",
            Kind::Effect,
            MAIL,
            &[(
                "",
                200,
                r#"{"ErrorCode":0,"Message":"OK","MessageID":"m-1"}"#,
            )],
        )
    },
    call(
        "twilio",
        "twilio",
        Kind::Effect,
        r#"{"kind":"send_sms","v":1,"args":{"to":"+4790000000","body":"Hello"}}"#,
        &[(
            "",
            201,
            r#"{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}"#,
        )],
    ),
    call(
        "google_maps",
        "google_maps",
        Kind::Repeatable,
        r#"{"kind":"geocode_address","v":1,"args":{"address":"Oslo"}}"#,
        &[("", 200, r#"{"status":"ZERO_RESULTS","results":[]}"#)],
    ),
    call(
        "stripe",
        "stripe",
        Kind::Keyed,
        CUSTOMER,
        &[("", 200, r#"{"id":"cus_1"}"#)],
    ),
    call(
        "app",
        "stripe",
        Kind::Repeatable,
        r#"{"kind":"apply_stripe_event","v":1,"args":{"event_id":"evt_1"}}"#,
        &[("", 200, "{}")],
    ),
    call(
        "s3",
        "s3",
        Kind::Repeatable,
        r#"{"kind":"sweep_bucket","v":1,"args":{"bucket":"exports","dry_run":true}}"#,
        SHELVES,
    ),
    call(
        "r2",
        "s3",
        Kind::Repeatable,
        r#"{"kind":"sweep_bucket","v":1,"args":{"bucket":"exports","dry_run":true,"store":"r2"}}"#,
        SHELVES,
    ),
    call(
        "events",
        "events",
        Kind::Repeatable,
        r#"{"kind":"deliver_event","v":1,"args":{"type":"job.dead","timestamp":"2026-11-29T09:00:00Z","data":{"id":"1","sequence":1,"queue":"email"}}}"#,
        &[("", 204, "")],
    ),
    // A service that configuration alone describes.
    call("crm", "crm", Kind::Effect, SERVICE, &[("", 200, "{}")]),
    call("crm", "crm", Kind::Keyed, KEYED_SERVICE, &[("", 201, "{}")]),
    call(
        "crm",
        "crm",
        Kind::Repeatable,
        r#"{"kind":"call_service","v":1,"args":{"service":"crm","operation":"ping"}}"#,
        &[("", 200, "{}")],
    ),
];

impl Call {
    /// Where the provider's documents, or its place in the house, say something else.
    pub(super) fn differs(&self, does: Does) -> Option<Follows> {
        Some(match (self.provider, does) {
            // Stripe saves failures under the key, and says that their effect may have happened.
            ("stripe", Does::Status(503) | Does::Wait(503)) => Follows::Unknown,
            // The same key is under way.
            ("stripe" | "app", Does::Status(409)) => Follows::AgainWell,
            // Not Google's word: a wrong `base_url`.
            ("google_maps", Does::Status(404)) => Follows::AgainWell,
            // The order may come later.
            ("app", Does::Status(404)) => Follows::AgainWell,
            // About this effect: whose secret is wrong is told by a 401.
            ("app", Does::Status(403)) => Follows::Refused,
            // The app has taken the effect, whatever else it says.
            ("app", Does::Garbage | Does::SlowBody) => Follows::Done,
            // A receiver may be deployed, or mended, by the next attempt.
            ("events", Does::Status(400 | 403 | 404 | 409 | 413 | 422)) => Follows::AgainWell,
            // It has taken the event, whatever else it says.
            ("events", Does::Garbage | Does::SlowBody) => Follows::Done,
            // About one bucket or one right; a 301 is another region's bucket.
            ("s3" | "r2", Does::Status(301 | 403)) => Follows::Refused,
            _ => return None,
        })
    }
}

/// A configuration in which this call goes to this server, and those of Stripe's that come before it to `stripe`.
pub(super) fn config(
    call: &Call,
    server: &Server,
    stripe: &Server,
    fallback: bool,
    timeout: Duration,
) -> Config {
    let seconds = timeout.as_secs_f64().to_string();
    let to = |provider: &str| match provider == call.provider {
        true => format!("http://{}", server.addr),
        false => format!("http://{}", stripe.addr),
    };
    let mut env: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: &str| {
        env.push((format!("LONGSHORE_{name}"), value.to_owned()));
    };
    for (provider, at) in [
        ("sendgrid", "BASE_URL"),
        ("postmark", "BASE_URL"),
        ("twilio", "BASE_URL"),
        ("google_maps", "BASE_URL"),
        ("stripe", "BASE_URL"),
        ("s3", "ENDPOINT_URL"),
        ("r2", "ENDPOINT_URL"),
    ] {
        if provider == "postmark" && !fallback {
            continue;
        }
        let section = format!("PROVIDERS__{}", provider.to_ascii_uppercase());
        set(&format!("{section}__{at}"), &to(provider));
        set(&format!("{section}__TIMEOUT_SECONDS"), &seconds);
    }
    for (name, value) in [
        ("APP__BASE_URL", &*to("app")),
        ("APP__TIMEOUT_SECONDS", &*seconds),
        ("APP__SECRET", "x"),
        ("EVENTS__URL", &*format!("{}/events", to("events"))),
        ("EVENTS__SECRET", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("PROVIDERS__EVENTS__TIMEOUT_SECONDS", &*seconds),
        ("PROVIDERS__SENDGRID__API_KEY", "SG.x"),
        ("PROVIDERS__TWILIO__ACCOUNT_SID", "AC1"),
        ("PROVIDERS__TWILIO__AUTH_TOKEN", "x"),
        ("PROVIDERS__TWILIO__FROM", "+4780000000"),
        ("PROVIDERS__GOOGLE_MAPS__API_KEY", "x"),
        ("PROVIDERS__STRIPE__SECRET_KEY", "sk_test_x"),
        ("PROVIDERS__S3__REGION", "eu-north-1"),
        ("PROVIDERS__S3__FORCE_PATH_STYLE", "true"),
        ("PROVIDERS__S3__ACCESS_KEY_ID", "x"),
        ("PROVIDERS__S3__SECRET_ACCESS_KEY", "x"),
        ("PROVIDERS__R2__ACCESS_KEY_ID", "x"),
        ("PROVIDERS__R2__SECRET_ACCESS_KEY", "x"),
        ("BUCKETS__EXPORTS__NAME", "example-exports"),
        ("BUCKETS__EXPORTS__FALLBACK_NAME", "example-exports"),
        ("EMAIL__FROM__EMAIL", "shop@example.com"),
        (
            "EMAIL__TEMPLATES__WELCOME",
            r#"{ sendgrid = "d-1", postmark = "welcome" }"#,
        ),
    ] {
        set(name, value);
    }
    let service = format!(
        r#"{{ base_url = "{}", timeout_seconds = {seconds}, auth = {{ type = "bearer", token = "x" }}, operations = {{
            ping = {{ method = "GET", path = "/ping" }},
            update = {{ method = "PUT", path = "/things" }},
            create = {{ method = "POST", path = "/things", idempotency_header = "idempotency-key" }},
        }} }}"#,
        to("crm")
    );
    set("SERVICES__CRM", &service);
    if fallback {
        set("EMAIL__FALLBACK", "postmark");
        set("PROVIDERS__POSTMARK__SERVER_TOKEN", "x");
    }
    let program = longshore::program();
    Config::load_with(None, None, program.integrations(), program.families(), env)
        .unwrap_or_else(|findings| panic!("{findings}"))
}
