//! What testpay shows, as far as it is needed.

use longshore_job::{Answer, JobError};
use longshore_payment_reconcile::Receipt;
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
    #[serde(default)]
    collections: Vec<Collection>,
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

impl Subscription {
    pub(crate) fn has_ended(&self) -> bool {
        self.status == "ended"
    }
}

impl Object for Customer {
    const OBJECTS: &'static str = "customers";

    fn receipt(self, answer: Answer) -> Receipt {
        Receipt {
            id: self.id,
            status: None,
            next_action: None,
            answer,
        }
    }
}

impl Object for Payment {
    const OBJECTS: &'static str = "payments";

    fn receipt(self, answer: Answer) -> Receipt {
        Receipt {
            id: self.id,
            status: Some(self.status),
            next_action: None,
            answer,
        }
    }
}

impl Object for Subscription {
    const OBJECTS: &'static str = "subscriptions";

    fn receipt(self, answer: Answer) -> Receipt {
        Receipt {
            id: self.id,
            status: Some(self.status),
            next_action: None,
            answer,
        }
    }
}
