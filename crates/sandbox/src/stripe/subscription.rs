//! Subscriptions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::book::Book;
use super::customer;
use super::operation::{Change, Maker, Plan};
use super::params::Params;
use super::problem::Problem;
use super::shelf::Kept;

/// Thirty days, in seconds.
const PERIOD: u64 = 30 * 24 * 60 * 60;

/// The price that is not there; every other one is.
const NO_PRICE: &str = "price_missing";

/// One subscription, to one price.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    id: String,
    created: u64,
    livemode: bool,
    customer: String,
    price: String,
    quantity: u64,
    metadata: BTreeMap<String, String>,
    invoice: String,
    canceled_at: Option<u64>,
    comment: Option<String>,
}

impl Kept for Subscription {
    const WORD: &'static str = "subscription";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> u64 {
        self.created
    }

    fn livemode(&self) -> bool {
        self.livemode
    }

    fn to_json(&self) -> Value {
        let status = match self.canceled_at {
            None => "active",
            Some(_) => "canceled",
        };
        let reason = self.canceled_at.map(|_| "cancellation_requested");
        json!({
            "id": self.id,
            "object": "subscription",
            "cancel_at": null,
            "cancel_at_period_end": false,
            "canceled_at": self.canceled_at,
            "cancellation_details": { "comment": self.comment, "feedback": null, "reason": reason },
            "collection_method": "charge_automatically",
            "created": self.created,
            "current_period_end": self.created + PERIOD,
            "current_period_start": self.created,
            "customer": self.customer,
            "default_payment_method": null,
            "ended_at": self.canceled_at,
            "items": {
                "object": "list",
                "data": [{
                    "id": self.id.replacen("sub_", "si_", 1),
                    "object": "subscription_item",
                    "created": self.created,
                    "metadata": {},
                    "price": { "id": self.price, "object": "price", "livemode": self.livemode },
                    "quantity": self.quantity,
                    "subscription": self.id,
                }],
                "has_more": false,
                "total_count": 1,
                "url": format!("/v1/subscription_items?subscription={}", self.id),
            },
            "latest_invoice": self.invoice,
            "livemode": self.livemode,
            "metadata": self.metadata,
            "start_date": self.created,
            "status": status,
            "trial_end": null,
        })
    }
}

impl Subscription {
    /// Whether a list shows it: without a status, what was cancelled is left out.
    pub(super) fn fits(&self, customer: Option<&str>, status: Option<&str>) -> bool {
        let fits_status = match status {
            None | Some("active") => self.canceled_at.is_none(),
            Some("canceled" | "ended") => self.canceled_at.is_some(),
            Some("all") => true,
            Some(_) => false,
        };
        fits_status && customer.is_none_or(|wanted| wanted == self.customer)
    }
}

/// `POST /v1/subscriptions`
#[derive(Debug)]
pub(super) struct NewSubscription {
    customer: String,
    price: String,
    quantity: u64,
    metadata: BTreeMap<String, String>,
}

impl NewSubscription {
    pub(super) fn read(params: &mut Params) -> Result<Self, Problem> {
        params.pass_over(&[
            "default_payment_method",
            "description",
            "off_session",
            "payment_behavior",
            "proration_behavior",
        ]);
        Ok(Self {
            customer: params.required("customer")?,
            price: params.required("items[0][price]")?,
            quantity: params.count("items[0][quantity]")?.unwrap_or(1),
            metadata: params.map("metadata"),
        })
    }

    pub(super) fn plan(self, book: &Book, maker: &Maker<'_>) -> Result<Plan, Problem> {
        customer::check_there(book, Some(&self.customer), maker.livemode)?;
        if !self.price.starts_with("price_") || self.price == NO_PRICE {
            return Err(Problem::missing(
                400,
                "price",
                &self.price,
                "items[0][price]",
            ));
        }
        let subscription = Subscription {
            id: maker.id("sub_"),
            created: maker.now,
            livemode: maker.livemode,
            customer: self.customer,
            price: self.price,
            quantity: self.quantity,
            metadata: self.metadata,
            invoice: maker.id("in_"),
            canceled_at: None,
            comment: None,
        };
        let job = maker.job(&subscription.metadata);
        Ok(planned(
            subscription,
            job,
            vec!["customer.subscription.created"],
        ))
    }
}

/// `DELETE /v1/subscriptions/:id`
#[derive(Debug)]
pub(super) struct Cancel {
    id: String,
    comment: Option<String>,
}

impl Cancel {
    pub(super) fn read(id: &str, params: &mut Params) -> Result<Self, Problem> {
        params.flag("prorate")?;
        params.flag("invoice_now")?;
        params.pass_over(&["cancellation_details[feedback]"]);
        Ok(Self {
            id: id.to_owned(),
            comment: params.text("cancellation_details[comment]"),
        })
    }

    pub(super) fn plan(self, book: &Book, maker: &Maker<'_>) -> Result<Plan, Problem> {
        let found = book.subscriptions.get(&self.id, maker.livemode);
        // One that has ended is as good as none.
        let found = found.filter(|subscription| subscription.canceled_at.is_none());
        let missing = || Problem::missing(404, Subscription::WORD, &self.id, "id");
        let mut subscription = found.ok_or_else(missing)?.clone();
        subscription.canceled_at = Some(maker.now);
        subscription.comment = self.comment;
        // Its metadata names the job that created it.
        Ok(planned(
            subscription,
            None,
            vec!["customer.subscription.deleted"],
        ))
    }
}

fn planned(subscription: Subscription, job: Option<String>, events: Vec<&'static str>) -> Plan {
    Plan {
        job,
        events,
        status: 200,
        answer: subscription.to_json(),
        change: Change::Subscription(subscription),
    }
}
