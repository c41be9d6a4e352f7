//! What is planted: secrets in the configuration, people in the args, and both in what providers say.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_client::kinds::{
    ApplyStripeEvent, CallService, CancelSubscription, ConfirmPaymentIntent, CreateCustomer,
    CreatePaymentIntent, CreateSubscription, GeocodeAddress, ReconcilePayments, SendEmail, SendSms,
};
use longshore_job::Prepared;
use longshore_sandbox::{Fault, FaultRule};
use longshore_services::AuthType;
use longshore_services::sandbox::ServiceSandbox;
use longshore_storage::sandbox::S3Sandbox;
use longshore_tests::Stage;
use serde_json::{Value, json};

/// Texts that stand nowhere by chance.
pub(crate) struct Marker {
    /// What it is part of.
    pub(crate) what: &'static str,
    pub(crate) text: &'static str,
    /// Payloads are stored as they came: that is where people may be. Nobody's secret may be even there.
    pub(crate) in_payloads: bool,
}

const fn person(what: &'static str, text: &'static str) -> Marker {
    Marker {
        what,
        text,
        in_payloads: true,
    }
}

const fn secret(what: &'static str, text: &'static str) -> Marker {
    Marker {
        what,
        text,
        in_payloads: false,
    }
}

/// All of them. A new provider adds its credentials here and in [`SETTINGS`], and what is personal in its args.
pub(crate) const MARKERS: &[Marker] = &[
    secret("the password of Redis", "zqredispassword"),
    secret("SendGrid's key", "zqsendgridkey"),
    secret("Twilio's auth token", "zqtwiliotoken"),
    secret("a shared key of Twilio's", "zqsharedkey"),
    secret("Google's key", "zqgooglekey"),
    secret("Stripe's key", "zqstripekey"),
    secret("what Stripe's events are signed with", "zqstripewebhooks"),
    secret("what the app checks", "zqappsecret"),
    // The one that the stand-in takes.
    secret("S3's key", S3Sandbox::SECRET_ACCESS_KEY),
    secret("R2's key", "zqr2key"),
    secret("Postmark's token", "zqpostmarktoken"),
    secret("what Postmark's events come with", "zqpostmarkwebhook"),
    secret("the collector's token", "zqotlptoken"),
    secret("what a service gives tokens for", "zqclientsecretofcrm"),
    secret("a service's token", "zqaccesstoken"),
    secret("the key of Sentry's DSN", "zqsentrykey"),
    secret("a signature", "zqsignature"),
    secret("a client secret", "zqclientsecret"),
    secret("a key that a provider made up", "zqforeignkey"),
    secret("the body of a forged webhook", "zqforgedbody"),
    person("an address", "zqaddress"),
    person("a name", "zqname"),
    person("template data", "zqdata"),
    person("a name in template data", "zqfield"),
    person("a name that looks like a field's", "zqplain"),
    person("a phone number", "91817161"),
    person("a text message", "zqtext"),
    person("a postal address", "zqstreet"),
    person("a payload that is none", "zqgarbage"),
    secret("the same in base64, in lower case", "enfnyxjiywdl"),
    person("somebody whom the app names", "zqcontact"),
    person("a key in a bucket", "zqbucket"),
    // Too short to stand nowhere by chance, so with the provider's word before or after.
    secret("a short name that a provider says", "zqbefore bo"),
    secret("a short name in another case", "zqbefore åse"),
    secret("a part of a longer text", "zqbefore flat"),
    secret("a name that is one of our words", "zqbefore queue"),
    secret("a number in other groups", "zqbefore 91-81"),
];

/// Every secret there is in the configuration. Redis's password is set apart, since it has to be true.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("PROVIDERS__SENDGRID__API_KEY", "SG.zqsendgridkey.x"),
    ("EMAIL__FROM", r#"{email = "shop@example.com"}"#),
    ("EMAIL__TEMPLATES__WELCOME", "d-welcome"),
    ("EMAIL__TEMPLATES__PAYMENT_FAILED", "d-failed"),
    ("PROVIDERS__TWILIO__ACCOUNT_SID", "ACflow"),
    ("PROVIDERS__TWILIO__AUTH_TOKEN", "zqtwiliotoken"),
    (
        "PROVIDERS__TWILIO__WEBHOOK_SHARED_KEYS",
        r#"["zqsharedkey"]"#,
    ),
    ("PROVIDERS__TWILIO__FROM", "+4780000000"),
    ("PROVIDERS__GOOGLE_MAPS__API_KEY", "zqgooglekey"),
    ("PROVIDERS__STRIPE__SECRET_KEY", "sk_test_zqstripekey"),
    (
        "PROVIDERS__STRIPE__WEBHOOK_SECRETS",
        r#"["whsec_zqstripewebhooks"]"#,
    ),
    ("APP__SECRET", "zqappsecret"),
    ("PROVIDERS__S3__REGION", "eu-north-1"),
    ("PROVIDERS__S3__FORCE_PATH_STYLE", "true"),
    ("PROVIDERS__S3__ACCESS_KEY_ID", S3Sandbox::ACCESS_KEY_ID),
    (
        "PROVIDERS__S3__SECRET_ACCESS_KEY",
        S3Sandbox::SECRET_ACCESS_KEY,
    ),
    ("BUCKETS__EXPORTS__NAME", EXPORTS),
    ("PROVIDERS__R2__ENDPOINT_URL", "http://127.0.0.1:9"),
    ("PROVIDERS__R2__ACCESS_KEY_ID", "AKIAFLOW"),
    ("PROVIDERS__R2__SECRET_ACCESS_KEY", "zqr2key"),
    ("PROVIDERS__POSTMARK__SERVER_TOKEN", "zqpostmarktoken"),
    ("PROVIDERS__POSTMARK__WEBHOOK_USER", "postmark"),
    ("PROVIDERS__POSTMARK__WEBHOOK_PASSWORD", "zqpostmarkwebhook"),
    ("SERVICES__CRM__AUTH__TYPE", "oauth2"),
    ("SERVICES__CRM__AUTH__CLIENT_ID", "shop"),
    ("SERVICES__CRM__AUTH__CLIENT_SECRET", "zqclientsecretofcrm"),
    (
        "SERVICES__CRM__OPERATIONS",
        r#"{
            create = { method = "POST", path = "/contacts", idempotency_header = "idempotency-key" },
            update = { method = "PUT", path = "/contacts/{id}" },
        }"#,
    ),
];

/// The bucket of exports.
pub(crate) const EXPORTS: &str = "exports-flow";

/// A file that goes along with a mail.
const KEPT: &str = "zqbucket/ada lovelace.pdf";

/// Keys in the bucket: of what stays, and of what has expired.
pub(crate) fn objects(stage: &Stage) {
    let day = Duration::from_secs(24 * 3600);
    stage.s3.plant(EXPORTS, KEPT, "%PDF-7", day);
    for n in 0..20 {
        let key = format!("zqbucket/export of zqaddress@example.com {n}.csv");
        stage.s3.plant(EXPORTS, &key, "zqdata", 8 * day);
    }
}

/// Providers whose limits and breakers are out of the way, and who are given up on soon.
pub(crate) const PROVIDERS: &[&str] = &[
    "PROVIDERS__SENDGRID",
    "PROVIDERS__TWILIO",
    "PROVIDERS__GOOGLE_MAPS",
    "PROVIDERS__STRIPE",
    "SERVICES__CRM",
];

/// Where the service's tokens come from.
pub(crate) async fn tokens() -> ServiceSandbox {
    let anywhere = "127.0.0.1:0".parse().expect("an address");
    let login = ServiceSandbox::start(anywhere, "login", BTreeMap::new(), &AuthType::None);
    let login = login.await.expect("a free port");
    let body =
        json!({ "access_token": "zqaccesstoken", "token_type": "Bearer", "expires_in": 3600 });
    let gives = Fault::Answer {
        status: 200,
        headers: BTreeMap::new(),
        body: Some(body.to_string()),
        effect: false,
    };
    let rules = vec![FaultRule::always(gives)];
    login.faults().set(rules).expect("valid rules");
    login
}

/// One job of every kind that an app enqueues, each with all that its args can say of a person. Each `number` has an
/// address of its own: one that was found is not looked up again.
pub(crate) fn jobs(number: usize) -> Vec<Prepared> {
    let data = json!({
        "customer": "zqdata Hansen",
        "zqfield@example.com": ["zqdata", {"zqplain": "zqdata"}],
        "Zqplain": 1,
        "guests": ["Bo", "Åse", "SendGrid", "Answered", "Dead Queue"],
        "note": "ring at the old flat, 918 17 161",
    });
    let mail = SendEmail::new("welcome", "zqaddress@example.com");
    let mail = mail.name("Zqname Hansen").data(data);
    // The same with a file: providers quote what was in the request.
    let file = mail.clone();
    let file = file.attach(KEPT, "zqbucket.pdf", "application/pdf");
    let sms = SendSms::new("+4791817161", "Zqtext er klar");
    let place = GeocodeAddress::new(format!("Zqstreet {number}, 9008 Tromsø")).region("no");
    let customer = CreateCustomer::new("user-7")
        .email("zqaddress@example.com")
        .name("Zqname Hansen");
    let confirm = ConfirmPaymentIntent::new("pi_1").off_session(true);
    let intent = CreatePaymentIntent::new("order-1", "user-8", 1000, "nok");
    let contact = json!({ "name": "Zqname Hansen", "zqfield@example.com": ["zqdata Hansen"] });
    let create = CallService::new("crm", "create").body(&contact);
    let update = CallService::new("crm", "update")
        .path_param("id", "zqaddress@example.com")
        .query("zqname", "zqdata Hansen")
        .body(&contact);
    [
        Prepared::new(&mail),
        Prepared::new(&file),
        Prepared::new(&sms),
        Prepared::new(&place),
        Prepared::new(&customer),
        Prepared::new(&intent),
        Prepared::new(&confirm),
        Prepared::new(&create),
        Prepared::new(&update),
        Prepared::new(&CreateSubscription::new("user-7", "price_1")),
        Prepared::new(&CancelSubscription::new("sub_1")),
        Prepared::new(&ApplyStripeEvent::new("evt_1")),
        Prepared::new(&ReconcilePayments::new(
            "2026-11-22T00:00:00Z",
            "2026-11-23T00:00:00Z",
        )),
    ]
    .into_iter()
    .map(|job| job.expect("good args"))
    .collect()
}

/// How providers misbehave. Answers quote what was in the request, as each provider could.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Trouble {
    /// A complaint in the provider's own form.
    Complains(u16),
    /// A page of something in between.
    Page,
    /// Refused credentials: by 401, or in Google's way.
    Refuses,
    Throttles,
    Silent,
    HangsUp,
    Garbage,
}

pub(crate) const TROUBLES: &[Trouble] = &[
    Trouble::Complains(400),
    Trouble::Complains(402),
    Trouble::Complains(500),
    Trouble::Complains(200),
    Trouble::Page,
    Trouble::Throttles,
    Trouble::Silent,
    Trouble::HangsUp,
    Trouble::Garbage,
];

/// Keys that stand in a text as somebody's would.
const KEYS: &str = "SG.zqforeignkey.x, sk_test_zqforeignkey, Authorization: Bearer zqforeignkey1, key=zqforeignkey";

/// What a provider was told, and may say again. Google quotes in its own form only what it was asked for.
fn quote(provider: &str, number: usize) -> String {
    let people = match provider {
        "sendgrid" => {
            "zqaddress@example.com (Zqname Hansen, zqname hansen) zqdata Hansen, ZQDATA, zqplain: zqbefore Bo, zqbefore bo, \
             zqbefore ÅSE, zqbefore flat, zqbefore queue, zqbefore 91-81-71-61"
        }
        "twilio" => "'To' number +4791817161 (91817161): Zqtext er klar",
        "google_maps" => return format!("Zqstreet {number}, 9008 Tromsø (Zqstreet) with {KEYS}"),
        "crm" => "zqaddress@example.com (Zqname Hansen, zqname hansen) zqdata Hansen",
        // A page that stands before any of Stripe's knows no names.
        _ => "zqaddress@example.com, +4791817161",
    };
    format!("{people} with {KEYS}")
}

/// A complaint in this provider's form.
fn complaint(provider: &str, number: usize) -> Value {
    let said = quote(provider, number);
    match provider {
        "sendgrid" => json!({"errors": [
            {"message": said, "field": "personalizations.0.to.0.email", "help": null},
        ]}),
        "twilio" => json!({
            "code": 21211,
            "message": said,
            "more_info": "https://www.twilio.com/docs/errors/21211",
            "status": 400,
        }),
        "google_maps" => json!({"results": [], "status": "INVALID_REQUEST", "error_message": said}),
        "stripe" => json!({"error": {
            "type": "invalid_request_error",
            "code": "email_invalid",
            "message": format!("{said} Zqname Hansen"),
            "param": "email",
            "payment_intent": {"id": "pi_1", "client_secret": "pi_1_secret_zqclientsecret"},
        }}),
        "crm" => json!({"error": {"code": "zqaddress@example.com", "message": said}}),
        _ => json!({"error": format!("{said} Zqname Hansen Zqcontact")}),
    }
}

/// The fault of it at this provider.
fn fault(trouble: Trouble, provider: &str, number: usize) -> Fault {
    let answer = |status, body: String| Fault::Answer {
        status,
        headers: BTreeMap::new(),
        body: Some(body),
        effect: false,
    };
    let complaint = complaint(provider, number);
    match trouble {
        // Only Stripe has a 402 of its own; of others it is about our account, and pauses their queues.
        Trouble::Complains(402) if provider != "stripe" => answer(400, complaint.to_string()),
        // Of a service that is a success, and its answer the result.
        Trouble::Complains(200) if provider == "crm" => {
            let body = json!({"id": 1, "api_key": "zqforeignkey", "new": {"refresh_token": "zqforeignkey"}});
            answer(200, body.to_string())
        }
        Trouble::Complains(status) => answer(status, complaint.to_string()),
        Trouble::Page => {
            let said = quote(provider, number);
            answer(502, format!("<html>\n{said}</html>"))
        }
        Trouble::Refuses if provider == "google_maps" => {
            let mut complaint = complaint;
            complaint["status"] = "REQUEST_DENIED".into();
            answer(200, complaint.to_string())
        }
        Trouble::Refuses if provider == "twilio" => {
            let mut complaint = complaint;
            complaint["code"] = 20003.into();
            answer(401, complaint.to_string())
        }
        Trouble::Refuses => answer(401, complaint.to_string()),
        Trouble::Throttles => Fault::Throttle {
            retry_after_seconds: Some(1),
            reset_in_seconds: None,
        },
        Trouble::Silent => Fault::NeverAnswer { effect: false },
        Trouble::HangsUp => Fault::HangUp { effect: true },
        Trouble::Garbage => Fault::Garbage {
            status: 200,
            effect: false,
        },
    }
}

/// Makes every provider misbehave in this way; `None` ends it.
pub(crate) fn misbehave(stage: &Stage, trouble: Option<Trouble>, number: usize) {
    for (provider, faults) in [
        ("sendgrid", stage.sendgrid.faults()),
        ("twilio", stage.twilio.faults()),
        ("google_maps", stage.google_maps.faults()),
        ("stripe", stage.stripe.faults()),
        ("crm", stage.service.faults()),
    ] {
        let fault = trouble.map(|trouble| fault(trouble, provider, number));
        let rules = fault.into_iter().map(FaultRule::always).collect();
        faults.set(rules).expect("valid rules");
    }
}

/// Makes the app refuse what it is told, once, with people in the answer.
pub(crate) fn app_misbehaves(stage: &Stage) {
    let fault = fault(Trouble::Complains(400), "app", 0);
    let rules = vec![FaultRule::first(1, fault)];
    stage.app.faults().set(rules).expect("valid rules");
}

/// Payloads that are none, each in its way.
pub(crate) const GARBAGE: &[&str] = &[
    "zqgarbage <zqaddress@example.com>",
    r#"{"kind":"Zqgarbage Hansen","v":1,"args":{"to":"zqaddress@example.com"}}"#,
    r#"{"kind":"send_sms","v":1,"args":{"to":["+4791817161"],"body":"zqtext"}}"#,
    r#"{"kind":"send_email","v":1,"args":{"template":"welcome","to":"zqaddress@example.com"}}"#,
    r#"{"kind":"send_email","v":1,"args":{"template":"welcome","to":{"email":"zqaddress@example.com"},"zqgarbage@example.com":1}}"#,
    r#"{"kind":"create_customer","v":1,"args":{"user_id":"zqgarbage","email":"zqname"}}"#,
    r#"{"kind":"geocode_address","v":"zqstreet","args":{"address":"zqstreet 7"}}"#,
    r#"{"kind":"call_service","v":1,"args":{"service":"crm","operation":"update","path_params":{"zqgarbage":"zqname"}}}"#,
];
