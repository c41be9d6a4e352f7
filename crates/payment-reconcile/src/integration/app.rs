//! `app.*` and `payments.*`: where payment effects go, and who takes new customers.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_integration::settings::{
    KeyPath, Reader, SOME_TIME, SecretRef, origin, seconds, secret, text, toml_by, whole,
};
use longshore_integration::{Sections, section};
use longshore_provider::Origin;

use super::another::Known;
use super::stripe::StripeSettings;
use crate::provider::Share;

/// The template of the mails about payments that failed.
const PAYMENT_FAILED: &str = "payment_failed";

/// The payment provider that every program has.
const STRIPE: &str = "stripe";

section! {
    /// The company's own app, which is told of payments.
    pub struct AppSettings in "app" {
        /// Where payment effects are delivered (`POST /payments/effects`), and payments are read for the reconcile
        /// (`GET /payments`).
        pub base_url: Origin = "base_url" as BASE_URL, origin().example("https://shop.example.com");
        /// What requests to it are signed with.
        pub secret: SecretRef = "secret" as SECRET,
            secret("no payment effect is delivered").example("env:APP_SECRET");
        /// How long one delivery may take.
        pub timeout: Duration = "timeout_seconds", seconds(SOME_TIME).or("10");
    }
}

section! {
    /// Who takes payments.
    pub(super) struct PaymentsKeys in "payments" {
        /// The provider that takes new customers: stripe, or another payment provider of the program. Those there are stay with
        /// theirs (`longshore mappings`).
        pub(super) new_customers: String = "provider_for_new_customers" as NEW_CUSTOMERS, text().or(STRIPE);
        /// How many of a hundred new customers go there, if it is not stripe. The others go to stripe. It goes by the user's id, so
        /// a larger share has all users of a smaller one.
        pub(super) percent: u32 = "new_customers_percent", whole(0..=100).or("100");
        /// Users who go there whatever the share is: the app's ids.
        pub(super) users: BTreeSet<String> = "new_customers_users", toml_by(users).or("[]");
    }
}

/// Finds what of the app is set without the rest, and who takes new customers.
pub(super) fn complete(reader: &mut Reader<'_>, sections: &mut Sections, another: Option<&Known>) {
    const BASE_URL: &str = AppSettings::BASE_URL;
    const SECRET: &str = AppSettings::SECRET;
    match (reader.is_set(BASE_URL), reader.is_set(SECRET)) {
        (true, false) => {
            let cure = "set what the app checks signatures with";
            reader.missing(SECRET, format!("is not set, and {BASE_URL} is"), cure);
        }
        (false, true) => {
            let cure = "set the app's origin, such as https://shop.example.com";
            reader.missing(BASE_URL, format!("is not set, and {SECRET} is"), cure);
        }
        _ => {}
    }
    if let Some(keys) = sections.get::<PaymentsKeys>()
        && let Some(provider) = new_customers(reader, keys.new_customers.clone(), another)
    {
        let share = Share {
            percent: keys.percent,
            users: keys.users.clone(),
        };
        sections.insert(NewCustomers { provider, share });
    }
}

fn users(reader: &mut Reader<'_>, path: &KeyPath) -> Option<BTreeSet<String>> {
    let users: BTreeSet<_> = reader.text_list(path)?.into_iter().collect();
    if users.contains("") {
        reader.error(path, "has an empty id", "write the app's ids of users");
        return None;
    }
    Some(users)
}

/// Where new customers go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomers {
    /// The payment provider that takes them.
    pub provider: String,
    /// Those of them who go there, if it is not Stripe.
    pub share: Share,
}

/// Who takes new customers: Stripe, or the other payment provider of the program.
fn new_customers(reader: &mut Reader<'_>, name: String, another: Option<&Known>) -> Option<String> {
    let another_of_that_name = another.filter(|another| another.name == name);
    if name == STRIPE || another_of_that_name.is_some_and(|another| another.is_on) {
        return Some(name);
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
    reader.error(PaymentsKeys::NEW_CUSTOMERS, problem, cure);
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
    if heard && app.is_none() && !reader.is_set(AppSettings::BASE_URL) {
        let problem = "is not set, so Stripe's events would be heard and told to nobody";
        let (url, secret) = (AppSettings::BASE_URL, AppSettings::SECRET);
        let heard = StripeSettings::WEBHOOK_SECRETS;
        let cure = format!("set {url} and {secret}, or leave {heard} out");
        reader.missing(url, problem, cure);
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
