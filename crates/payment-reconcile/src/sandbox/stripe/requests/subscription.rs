//! The requests that create and cancel subscriptions.

use std::collections::BTreeMap;

use super::super::book::Book;
use super::super::params::Params;
use super::super::plan::{Change, Maker, Plan};
use super::super::problem::Problem;
use super::super::shelf::Stored;
use super::super::subscription::Subscription;
use super::customer;

/// The price that is not there; every other one is.
const NO_PRICE: &str = "price_missing";

/// `POST /v1/subscriptions`
#[derive(Debug)]
pub(in super::super) struct NewSubscription {
    customer: String,
    price: String,
    quantity: u64,
    metadata: BTreeMap<String, String>,
}

impl NewSubscription {
    pub(in super::super) fn read(params: &mut Params) -> Result<Self, Problem> {
        params.pass_over(&[
            "default_payment_method",
            "description",
            "off_session",
            "payment_behavior",
            "proration_behavior",
            "trial_end",
            "trial_period_days",
        ]);
        Ok(Self {
            customer: params.required("customer")?,
            price: params.required("items[0][price]")?,
            quantity: params.count("items[0][quantity]")?.unwrap_or(1),
            metadata: params.map("metadata"),
        })
    }

    pub(in super::super) fn plan(self, book: &Book, maker: &Maker<'_>) -> Result<Plan, Problem> {
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
            ends_with_period: false,
        };
        let job = maker.job(&subscription.metadata);
        Ok(planned(
            subscription,
            job,
            vec!["customer.subscription.created"],
        ))
    }
}

/// `POST /v1/subscriptions/:id`
#[derive(Debug)]
pub(in super::super) struct Update {
    id: String,
    ends_with_period: Option<bool>,
}

impl Update {
    pub(in super::super) fn read(id: &str, params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            id: id.to_owned(),
            ends_with_period: params.flag("cancel_at_period_end")?,
        })
    }

    pub(in super::super) fn plan(self, book: &Book, maker: &Maker<'_>) -> Result<Plan, Problem> {
        let mut subscription = running(book, &self.id, maker)?;
        if let Some(ends) = self.ends_with_period {
            subscription.ends_with_period = ends;
        }
        let events = vec!["customer.subscription.updated"];
        Ok(planned(subscription, None, events))
    }
}

/// One that has ended is as good as none.
fn running(book: &Book, id: &str, maker: &Maker<'_>) -> Result<Subscription, Problem> {
    let found = book.subscriptions.get(id, maker.livemode);
    let found = found.filter(|subscription| subscription.canceled_at.is_none());
    let missing = || Problem::missing(404, Subscription::WORD, id, "id");
    found.cloned().ok_or_else(missing)
}

/// `DELETE /v1/subscriptions/:id`
#[derive(Debug)]
pub(in super::super) struct Cancel {
    id: String,
    comment: Option<String>,
}

impl Cancel {
    pub(in super::super) fn read(id: &str, params: &mut Params) -> Result<Self, Problem> {
        params.flag("prorate")?;
        params.flag("invoice_now")?;
        params.pass_over(&["cancellation_details[feedback]"]);
        Ok(Self {
            id: id.to_owned(),
            comment: params.text("cancellation_details[comment]"),
        })
    }

    pub(in super::super) fn plan(self, book: &Book, maker: &Maker<'_>) -> Result<Plan, Problem> {
        let mut subscription = running(book, &self.id, maker)?;
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
