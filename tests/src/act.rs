use std::collections::BTreeMap;
use std::net::SocketAddr;

use longshore_client::kinds::{
    CallService, CreatePaymentIntent, GeocodeAddress, SendEmail, SendSms,
};
use longshore_provider::{HeaderName, Method};
use longshore_services::ServiceOperation;
use longshore_storage::sandbox::S3Sandbox;

/// The service that configuration describes.
pub(crate) const SERVICE: &str = "crm";

/// What it is shown.
pub const SERVICE_TOKEN: &str = "crm-token";

/// What Stripe's stand-in signs its events with.
pub const WEBHOOK_SECRET: &str = "whsec_flow";

/// What requests to the app are signed with.
pub(crate) const APP_SECRET: &str = "flow";

/// Which provider's queue a flow plays on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// `email`, by SendGrid.
    Email,
    /// `sms`, by Twilio.
    Sms,
    /// `geocode`, by Google Maps.
    Geocode,
    /// `payment-reconcile`, by Stripe, and told to the app.
    Payments,
    /// `export-cleanup`, by S3, with R2 beside it.
    Storage,
    /// `svc-crm`, by a service that configuration alone describes.
    Service,
}

impl Act {
    /// The queue.
    #[must_use]
    pub fn queue(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Geocode => "geocode",
            Self::Payments => "payment-reconcile",
            Self::Storage => "export-cleanup",
            Self::Service => "svc-crm",
        }
    }

    /// The provider, as configuration has it.
    #[must_use]
    pub fn provider(self) -> &'static str {
        match self {
            Self::Email => "sendgrid",
            Self::Sms => "twilio",
            Self::Geocode => "google_maps",
            Self::Payments => "stripe",
            Self::Storage => "s3",
            Self::Service => SERVICE,
        }
    }

    /// A setting of its queue, as a variable without `LONGSHORE_`.
    pub(crate) fn of_queue(self, key: &str) -> String {
        let queue = self.queue().to_uppercase().replace('-', "_");
        format!("QUEUES__{queue}__{key}")
    }

    /// A setting of its provider.
    pub(crate) fn of_provider(self, key: &str) -> String {
        let key = match (self, key) {
            (Self::Storage, "BASE_URL") => "ENDPOINT_URL",
            (_, key) => key,
        };
        let table = match self {
            Self::Service => "SERVICES",
            _ => "PROVIDERS",
        };
        format!("{table}__{}__{key}", self.provider().to_uppercase())
    }

    /// What has to be set for it, but for `base_url`. Providers know `webhooks` as the place to post events to, and
    /// effects of payments go to `app`.
    pub(crate) fn settings(self, webhooks: SocketAddr, app: String) -> Vec<(String, String)> {
        let own: Vec<(&str, String)> = match self {
            Self::Email => vec![
                ("PROVIDERS__SENDGRID__API_KEY", "SG.flow".to_owned()),
                ("EMAIL__FROM", r#"{email = "shop@example.com"}"#.to_owned()),
                ("EMAIL__TEMPLATES__WELCOME", "d-welcome".to_owned()),
                ("EMAIL__TEMPLATES__INVOICE", "d-invoice".to_owned()),
            ],
            Self::Sms => vec![
                ("PROVIDERS__TWILIO__ACCOUNT_SID", "ACflow".to_owned()),
                ("PROVIDERS__TWILIO__AUTH_TOKEN", "12345".to_owned()),
                ("PROVIDERS__TWILIO__FROM", "+4780000000".to_owned()),
            ],
            Self::Geocode => vec![("PROVIDERS__GOOGLE_MAPS__API_KEY", "flow".to_owned())],
            Self::Payments => vec![
                ("PROVIDERS__STRIPE__SECRET_KEY", "sk_test_flow".to_owned()),
                (
                    "PROVIDERS__STRIPE__WEBHOOK_SECRETS",
                    format!(r#"["{WEBHOOK_SECRET}"]"#),
                ),
                (
                    "PROVIDERS__STRIPE__WRITE_RATE_PER_SECOND",
                    "100000".to_owned(),
                ),
                ("APP__BASE_URL", app),
                ("APP__SECRET", APP_SECRET.to_owned()),
            ],
            Self::Storage => storage(),
            Self::Service => service(),
        };
        let listener = [
            ("WEBHOOKS__HTTP_ADDR", webhooks.to_string()),
            ("WEBHOOKS__PRIVATE_ADDR", "127.0.0.1:0".to_owned()),
            ("WEBHOOKS__PUBLIC_URL", format!("http://{webhooks}")),
        ];
        let own = own
            .into_iter()
            .chain(listener)
            .map(|(name, value)| (name.to_owned(), value));
        // Out of the way of flows that are about something else.
        let roomy = [
            (self.of_provider("RATE_PER_SECOND"), "100000".to_owned()),
            (self.of_provider("BREAKER__FAILURES"), "1000".to_owned()),
        ];
        own.chain(roomy).collect()
    }
}

/// What describes the service, but for its `base_url`: the same as [`operations`].
fn service() -> Vec<(&'static str, String)> {
    vec![
        ("SERVICES__CRM__AUTH__TYPE", "bearer".to_owned()),
        ("SERVICES__CRM__AUTH__TOKEN", SERVICE_TOKEN.to_owned()),
        (
            "SERVICES__CRM__OPERATIONS",
            r#"{
                create = { method = "POST", path = "/contacts", idempotency_header = "idempotency-key" },
                update = { method = "PUT", path = "/contacts/{id}" },
            }"#
            .to_owned(),
        ),
    ]
}

/// What the service's stand-in can do.
pub(crate) fn operations() -> BTreeMap<String, ServiceOperation> {
    let operation = |method, path: &str, key: Option<&'static str>| ServiceOperation {
        method,
        path: path.parse().expect("a template"),
        headers: Vec::new(),
        idempotency_header: key.map(HeaderName::from_static),
        classes: BTreeMap::new(),
    };
    let create = operation(Method::POST, "/contacts", Some("idempotency-key"));
    let update = operation(Method::PUT, "/contacts/{id}", None);
    [("create".to_owned(), create), ("update".to_owned(), update)].into()
}

/// One contact of many, made under an idempotency key.
#[must_use]
pub fn contact(number: usize) -> CallService {
    let body = serde_json::json!({ "name": format!("customer {number}") });
    CallService::new(SERVICE, "create").body(&body)
}

/// One contact of many, changed without a key: the ledger knows the request by [`contact_path`] alone.
#[must_use]
pub fn contact_update(number: usize) -> CallService {
    let body = serde_json::json!({ "tier": "gold" });
    CallService::new(SERVICE, "update")
        .path_param("id", number.to_string())
        .body(&body)
}

/// What the service's ledger says of [`contact_update`].
#[must_use]
pub fn contact_path(number: usize) -> String {
    format!("update /contacts/{number}")
}

/// What S3 and the buckets take. R2 is off until a flow gives it an endpoint.
pub(crate) fn storage() -> Vec<(&'static str, String)> {
    let key = S3Sandbox::ACCESS_KEY_ID.to_owned();
    let secret = S3Sandbox::SECRET_ACCESS_KEY.to_owned();
    vec![
        ("PROVIDERS__S3__REGION", "eu-north-1".to_owned()),
        ("PROVIDERS__S3__FORCE_PATH_STYLE", "true".to_owned()),
        ("PROVIDERS__S3__ACCESS_KEY_ID", key.clone()),
        ("PROVIDERS__S3__SECRET_ACCESS_KEY", secret.clone()),
        ("PROVIDERS__R2__FORCE_PATH_STYLE", "true".to_owned()),
        ("PROVIDERS__R2__ACCESS_KEY_ID", key),
        ("PROVIDERS__R2__SECRET_ACCESS_KEY", secret),
        ("BUCKETS__UPLOADS__NAME", "uploads-flow".to_owned()),
        ("BUCKETS__EXPORTS__NAME", "exports-flow".to_owned()),
        ("BUCKETS__PUBLIC__NAME", "public-flow".to_owned()),
    ]
}

/// One mail of many.
#[must_use]
pub fn email(number: usize) -> SendEmail {
    SendEmail::new("welcome", format!("customer{number}@example.com"))
}

/// One text message of many.
#[must_use]
pub fn sms(number: usize) -> SendSms {
    SendSms::new(format!("+479{number:07}"), "Bordet er klart 🍽")
}

/// One address of many.
#[must_use]
pub fn address(number: usize) -> GeocodeAddress {
    GeocodeAddress::new(format!("Storgata {number}, Tromsø")).region("no")
}

/// One payment of many.
#[must_use]
pub fn payment(number: usize) -> CreatePaymentIntent {
    let (order, user) = (format!("order-{number}"), format!("user-{number}"));
    CreatePaymentIntent::new(order, user, 1000 + number as u64, "nok")
}
