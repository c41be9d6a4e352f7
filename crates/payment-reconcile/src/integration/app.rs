//! `app.*` and `payments.*`: where payment effects go, and who takes new customers.

use std::time::Duration;

use longshore_integration::settings::{Key, Reader, SOME_TIME, SecretRef, base_url, secret};
use longshore_provider::Origin;

use super::another::Known;
use super::stripe::StripeSettings;

const BASE_URL: &str = "app.base_url";
pub(super) const SECRET: &str = "app.secret";
const NEW_CUSTOMERS: &str = "payments.provider_for_new_customers";

/// The payment provider that every program has.
const STRIPE: &str = "stripe";

/// The template of the mails about payments that failed.
const PAYMENT_FAILED: &str = "payment_failed";

pub(super) const KEYS: &[Key] = &[
    Key::text(BASE_URL),
    Key::text(SECRET).secret(),
    Key::toml("app.timeout_seconds").or("10"),
    Key::text(NEW_CUSTOMERS).or(STRIPE),
];

/// Where payment effects are delivered.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// The app's origin.
    pub base_url: Origin,
    /// What effects are signed with.
    pub secret: SecretRef,
    /// How long one delivery may take.
    pub timeout: Duration,
}

/// `None` while there is no app.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<AppSettings> {
    let timeout = reader.seconds("app.timeout_seconds", SOME_TIME);
    let (has_url, has_secret) = (reader.is_set(BASE_URL), reader.is_set(SECRET));
    if has_url && !has_secret {
        let cure = "set what the app checks signatures with";
        reader.missing(SECRET, "is not set, and app.base_url is", cure);
    }
    if has_secret && !has_url {
        let cure = "set the app's origin, such as https://shop.example.com";
        reader.missing(BASE_URL, "is not set, and app.secret is", cure);
    }
    let base_url = match has_url {
        true => base_url::read(reader, BASE_URL),
        false => None,
    };
    let secret = secret::read(reader, SECRET, "no payment effect is delivered");
    Some(AppSettings {
        base_url: base_url?,
        secret: secret?,
        timeout: timeout?,
    })
}

/// The payment provider that takes new customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomers(pub String);

/// Who takes new customers: Stripe, or the other payment provider of the program.
pub(super) fn new_customers(
    reader: &mut Reader<'_>,
    another: Option<&Known>,
) -> Option<NewCustomers> {
    let name = reader.text(NEW_CUSTOMERS)?;
    let another_of_that_name = another.filter(|another| another.name == name);
    if name == STRIPE || another_of_that_name.is_some_and(|another| another.is_on) {
        return Some(NewCustomers(name));
    }
    let (problem, cure) = match (another_of_that_name, another) {
        (Some(off), _) => (
            format!("is `{name}`, which is off"),
            format!("set {}, or use {STRIPE}", off.turned_on_by),
        ),
        (None, Some(another)) => (
            format!("is `{name}`, which is no payment provider"),
            format!("use {STRIPE} or {}", another.name),
        ),
        (None, None) => (
            format!("is `{name}`, which is no payment provider of this program"),
            format!("use {STRIPE}"),
        ),
    };
    reader.error(NEW_CUSTOMERS, problem, cure);
    None
}

/// What does not go together with what is configured elsewhere.
pub(super) fn check(
    reader: &mut Reader<'_>,
    stripe: Option<&StripeSettings>,
    app: Option<&AppSettings>,
) {
    // Events that are heard have to be told to somebody.
    let heard = stripe.is_some_and(|stripe| !stripe.webhook_secrets.is_empty());
    if heard && app.is_none() && !reader.is_set(BASE_URL) {
        let problem = "is not set, so Stripe's events would be heard and told to nobody";
        let cure = "set app.base_url and app.secret, or leave providers.stripe.webhook_secrets out";
        reader.missing(BASE_URL, problem, cure);
    }
    // A payment that failed leads to a mail, if the app wants one: whoever sends mails has to know its template.
    // Those are another integration's keys, which a program may be without.
    let templates = reader.raw(&"email.templates".into());
    let templates = templates.and_then(|value| value.as_dict());
    let forgotten =
        templates.is_some_and(|all| !all.is_empty() && !all.contains_key(PAYMENT_FAILED));
    let key = reader.raw(&"providers.sendgrid.api_key".into());
    let mails = key.is_some_and(|key| key.as_str() != Some(""));
    if app.is_some() && mails && forgotten {
        let problem =
            "is not set, so the mails about failed payments that the app asks for will be refused";
        let cure = "set SendGrid's id of a template for them";
        let key = format!("email.templates.{PAYMENT_FAILED}");
        reader.warn(key.as_str(), problem, cure);
    }
}
