//! What is made, as the API shows it.

use longshore_sandbox::signed;
use serde::Serialize;

use super::body::{DECLINED, NewCustomer, NewPayment, NewSubscription};
use super::problem::Problem;

/// Something with an id of the provider's and a reference of the caller's.
pub(super) trait Thing: Clone + Serialize {
    /// What its ids begin with.
    const PREFIX: &'static str;
    type Asked: PartialEq;
    fn new(id: String, reference: &str, asked: Self::Asked) -> Self;
    fn id(&self) -> &str;
    fn reference(&self) -> &str;
    fn asked(&self) -> &Self::Asked;
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Customer {
    id: String,
    reference: String,
    #[serde(flatten)]
    asked: NewCustomer,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Payment {
    id: String,
    reference: String,
    status: PaymentStatus,
    created: u64,
    /// In minor units.
    refunded: u64,
    #[serde(flatten)]
    asked: NewPayment,
    collections: Vec<Collection>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum PaymentStatus {
    Open,
    Collected,
}

/// An attempt to collect a payment.
#[derive(Debug, Clone, Serialize)]
struct Collection {
    reference: String,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Subscription {
    id: String,
    reference: String,
    status: SubscriptionStatus,
    #[serde(flatten)]
    asked: NewSubscription,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_unused: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum SubscriptionStatus {
    Running,
    Ended,
}

impl Payment {
    /// Collects it under this reference; returns whether it was not done before.
    pub(super) fn collect(
        &mut self,
        reference: &str,
        method: Option<String>,
    ) -> Result<bool, Problem> {
        let method = method.or_else(|| self.asked.method.clone());
        let method = method.ok_or(Problem::impossible("no_method"))?;
        let mut earlier = self.collections.iter();
        if let Some(earlier) = earlier.find(|earlier| earlier.reference == reference) {
            return match earlier.method == method {
                true => Ok(false),
                false => Err(Problem::contradiction("reference_used")),
            };
        }
        if self.status == PaymentStatus::Collected {
            return Err(Problem::contradiction("collected_already"));
        }
        let refused = (method == DECLINED).then_some(DECLINED);
        if refused.is_none() {
            self.status = PaymentStatus::Collected;
        }
        self.collections.push(Collection {
            reference: reference.to_owned(),
            method,
            refused,
        });
        Ok(true)
    }

    /// Gives so much of it back; returns whether that could be.
    pub(super) fn refund(&mut self, amount: u64) -> bool {
        let left = self.asked.amount.value - self.refunded;
        let fits = self.status == PaymentStatus::Collected && (1..=left).contains(&amount);
        if fits {
            self.refunded += amount;
        }
        fits
    }

    /// Unix time in seconds.
    pub(super) fn created(&self) -> u64 {
        self.created
    }

    /// Why it was not collected under this reference.
    pub(super) fn refused(&self, reference: &str) -> Option<&'static str> {
        let mut all = self.collections.iter();
        all.find(|collection| collection.reference == reference)?
            .refused
    }
}

impl Subscription {
    pub(super) fn is_running(&self) -> bool {
        self.status == SubscriptionStatus::Running
    }

    /// Ends it; returns whether it was not done before.
    pub(super) fn end(&mut self, credit_unused: bool) -> bool {
        if self.status == SubscriptionStatus::Ended {
            return false;
        }
        self.status = SubscriptionStatus::Ended;
        self.credit_unused = Some(credit_unused);
        true
    }
}

impl Thing for Customer {
    const PREFIX: &'static str = "tp_cus_";
    type Asked = NewCustomer;

    fn new(id: String, reference: &str, asked: NewCustomer) -> Self {
        Self {
            id,
            reference: reference.to_owned(),
            asked,
        }
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn reference(&self) -> &str {
        &self.reference
    }

    fn asked(&self) -> &NewCustomer {
        &self.asked
    }
}

impl Thing for Payment {
    const PREFIX: &'static str = "tp_pay_";
    type Asked = NewPayment;

    fn new(id: String, reference: &str, asked: NewPayment) -> Self {
        Self {
            id,
            reference: reference.to_owned(),
            status: PaymentStatus::Open,
            created: signed::now(),
            refunded: 0,
            asked,
            collections: Vec::new(),
        }
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn reference(&self) -> &str {
        &self.reference
    }

    fn asked(&self) -> &NewPayment {
        &self.asked
    }
}

impl Thing for Subscription {
    const PREFIX: &'static str = "tp_sub_";
    type Asked = NewSubscription;

    fn new(id: String, reference: &str, asked: NewSubscription) -> Self {
        Self {
            id,
            reference: reference.to_owned(),
            status: SubscriptionStatus::Running,
            asked,
            credit_unused: None,
        }
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn reference(&self) -> &str {
        &self.reference
    }

    fn asked(&self) -> &NewSubscription {
        &self.asked
    }
}
