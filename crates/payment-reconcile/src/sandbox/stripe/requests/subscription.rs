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
