//! What testpay shows, as far as it is needed.

use longshore_job::{Answer, JobError};
use longshore_payment_reconcile::{PaymentRecord, PaymentRecordState, Receipt, SubscriptionRecord};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error;

/// Something that is made under a reference.
pub(crate) trait Object: DeserializeOwned + Send {
    /// Its word in paths.
    const OBJECTS: &'static str;

    fn receipt(self, answer: Answer) -> Receipt;
}

#[derive(Deserialize)]
pub(crate) struct Customer {
    id: String,
}

#[derive(Deserialize)]
pub(crate) struct Payment {
    id: String,
    status: String,
    order: String,
    user: String,
    #[serde(default)]
    customer: Option<String>,
    amount: Money,
    created: i64,
    refunded: u64,
    #[serde(default)]
    collections: Vec<Collection>,
}

/// In minor units.
#[derive(Deserialize)]
struct Money {
    value: u64,
    currency: String,
}

#[derive(Deserialize)]
struct Collection {
    reference: String,
    #[serde(default)]
    refused: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Subscription {
    id: String,
    status: String,
    user: String,
    customer: String,
}

/// What has happened to something.
#[derive(Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The id of what it is about.
    pub(crate) object: String,
    /// Of a renewal: the id of the period's invoice.
    #[serde(default)]
    pub(crate) invoice: Option<String>,
}

/// A page, newest first.
#[derive(Deserialize)]
pub(crate) struct Listed<T> {
    pub(crate) data: Vec<T>,
    pub(crate) more: bool,
}

impl Payment {
    /// Whether it is collected, under whatever reference.
    pub(crate) fn is_collected(&self) -> bool {
        self.status == "collected"
    }

    /// The refusal, if collecting it under this reference was refused.
    pub(crate) fn check(&self, reference: &str) -> Result<(), JobError> {
        let mut all = self.collections.iter();
        let ours = all.find(|collection| collection.reference == reference);
        match ours.and_then(|ours| ours.refused.as_deref()) {
            Some(code) => Err(error::declined(code)),
            None => Ok(()),
        }
    }
}

impl Payment {
    /// What is known of it.
    pub(crate) fn record(self) -> PaymentRecord {
        let refused = self
            .collections
            .last()
            .filter(|last| last.refused.is_some());
        let state = match (self.is_collected(), self.refunded) {
            (true, 0) => PaymentRecordState::Paid,
            (true, all) if all >= self.amount.value => PaymentRecordState::Refunded,
            (true, part) => PaymentRecordState::PartlyRefunded(part),
            (false, _) => match refused {
                Some(refused) => PaymentRecordState::Failed {
                    since: self.created,
                    attempt: Some(refused.reference.clone()),
                },
                None => PaymentRecordState::Open,
            },
        };
        PaymentRecord {
            id: self.id,
            order_id: Some(self.order),
            user_id: Some(self.user),
            customer: self.customer,
            status: self.status,
            state,
            amount: self.amount.value,
            currency: self.amount.currency,
            created: self.created,
        }
    }
}

impl Subscription {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What is known of it, and of the period that this invoice is for.
    pub(crate) fn record(self, invoice: Option<String>) -> SubscriptionRecord {
        SubscriptionRecord {
            id: self.id,
            user_id: Some(self.user),
            customer: Some(self.customer),
            invoice,
            amount: None,
            currency: None,
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.status == "ended"
    }
}

impl Object for Customer {
    const OBJECTS: &'static str = "customers";

    fn receipt(self, answer: Answer) -> Receipt {
        Receipt::of(self.id, answer)
    }
}

impl Object for Payment {
    const OBJECTS: &'static str = "payments";

    fn receipt(self, answer: Answer) -> Receipt {
        Receipt {
            status: Some(self.status),
            ..Receipt::of(self.id, answer)
        }
    }
}

impl Object for Subscription {
    const OBJECTS: &'static str = "subscriptions";

    fn receipt(self, answer: Answer) -> Receipt {
        Receipt {
            status: Some(self.status),
            ..Receipt::of(self.id, answer)
        }
    }
}
