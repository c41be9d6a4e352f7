//! What is enqueued, by what may become of it.

use longshore_client::Job;
use longshore_client::kinds::{CreateCustomer, SendEmail};
use longshore_tests::{Act, address, contact, contact_path, contact_update, email, sms};
use serde_json::{Value, json};

/// The tag of mails that are due in an hour, and taken back or run before.
pub(crate) const LATER: &str = "later";

/// Plain mails of a batch.
const MAILS: usize = 12;

/// What was enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A mail, whose queue retries when an outcome is not known: a second one may follow.
    Mail,
    /// A mail that is due in an hour.
    Later,
    /// A text message, whose queue asks the provider first.
    Text,
    /// A customer at Stripe, under a key that producers of both builds use.
    Customer,
    /// A question without an effect.
    Question,
    /// A call of a configured service, under an idempotency key.
    KeyedCall,
    /// One without a key, by this number: its queue holds jobs whose outcome is not known.
    PlainCall(usize),
}

impl Sort {
    pub(crate) fn act(self) -> Act {
        match self {
            Self::Mail | Self::Later => Act::Email,
            Self::Text => Act::Sms,
            Self::Customer => Act::Payments,
            Self::Question => Act::Geocode,
            Self::KeyedCall | Self::PlainCall(_) => Act::Service,
        }
    }

    /// What the provider's ledger calls it, where it does not know the job.
    pub(crate) fn named(self) -> Option<String> {
        match self {
            Self::PlainCall(number) => Some(contact_path(number)),
            _ => None,
        }
    }
}

/// A job, as a line of `longshore enqueue KIND -`.
pub(crate) struct Line {
    pub(crate) sort: Sort,
    pub(crate) key: Option<String>,
    pub(crate) json: Value,
}

impl Line {
    fn new<J: Job>(sort: Sort, job: &J, options: Value) -> Self {
        let mut json = options;
        json["args"] = serde_json::to_value(job).expect("JSON");
        let key = json["key"].as_str().map(str::to_owned);
        Self { sort, key, json }
    }
}

/// The mails of one batch: some with priorities and tenants, one that the provider refuses at first, one with a key that the other
/// build uses, too, and two that are due in an hour.
pub(crate) fn mails(number: usize) -> Vec<Line> {
    let plain = (0..MAILS).map(|n| {
        let priority = ["high", "normal", "low"][n % 3];
        let options = json!({ "priority": priority, "tenant": format!("shop-{}", n % 4) });
        Line::new(Sort::Mail, &email(number * MAILS + n), options)
    });
    let refused = SendEmail::new("invoice", format!("refused{number}@example.com"));
    let later = || {
        let options = json!({ "in": "1h", "tags": [LATER] });
        Line::new(Sort::Later, &email(number), options)
    };
    let key = json!({ "key": format!("order-{number}") });
    let others = [
        Line::new(Sort::Mail, &refused, json!({})),
        Line::new(Sort::Mail, &email(number), key),
        later(),
        later(),
    ];
    plain.chain(others).collect()
}

/// What else a batch has, by kind. Of a service only where all builds know some.
pub(crate) fn others(number: usize, own: usize, services: bool) -> Vec<(&'static str, Vec<Line>)> {
    let user = format!("user-{number}");
    let customer = Line::new(
        Sort::Customer,
        &CreateCustomer::new(user.clone()),
        json!({ "key": user }),
    );
    let texts = [0, 1].map(|n| Line::new(Sort::Text, &sms(own * 2 + n), json!({})));
    let question = Line::new(Sort::Question, &address(own), json!({}));
    let mut all = vec![
        ("send_sms", texts.into()),
        ("create_customer", vec![customer]),
        ("geocode_address", vec![question]),
    ];
    if services {
        let keyed = Line::new(Sort::KeyedCall, &contact(own), json!({}));
        let plain = Line::new(Sort::PlainCall(own), &contact_update(own), json!({}));
        all.push(("call_service", vec![keyed, plain]));
    }
    all
}
