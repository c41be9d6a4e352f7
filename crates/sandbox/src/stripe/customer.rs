//! Customers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::book::Book;
use super::operation::{Change, Maker, Plan};
use super::params::Params;
use super::problem::Problem;
use super::shelf::Kept;

/// One customer.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    id: String,
    created: u64,
    livemode: bool,
    email: Option<String>,
    name: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl Kept for Customer {
    const WORD: &'static str = "customer";

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
        json!({
            "id": self.id,
            "object": "customer",
            "address": null,
            "balance": 0,
            "created": self.created,
            "currency": null,
            "default_source": null,
            "delinquent": false,
            "description": null,
            "email": self.email,
            "invoice_settings": { "default_payment_method": null },
            "livemode": self.livemode,
            "metadata": self.metadata,
            "name": self.name,
            "phone": null,
        })
    }
}

impl Customer {
    /// Whether a list that is narrowed to this address shows it.
    pub(super) fn has_email(&self, wanted: Option<&str>) -> bool {
        wanted.is_none() || self.email.as_deref() == wanted
    }
}

/// `POST /v1/customers`
#[derive(Debug)]
pub(super) struct NewCustomer {
    email: Option<String>,
    name: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl NewCustomer {
    pub(super) fn read(params: &mut Params) -> Result<Self, Problem> {
        params.pass_over(&["description", "phone"]);
        let email = params.text("email");
        if let Some(email) = &email
            && !email.contains('@')
        {
            let message = format!("Invalid email address: {email}");
            return Err(Problem::invalid(Some("email_invalid"), message, "email"));
        }
        Ok(Self {
            email,
            name: params.text("name"),
            metadata: params.map("metadata"),
        })
    }

    pub(super) fn plan(self, maker: &Maker<'_>) -> Plan {
        let customer = Customer {
            id: maker.id("cus_"),
            created: maker.now,
            livemode: maker.livemode,
            email: self.email,
            name: self.name,
            metadata: self.metadata,
        };
        Plan {
            job: maker.job(&customer.metadata),
            events: vec!["customer.created"],
            status: 200,
            answer: customer.to_json(),
            change: Change::Customer(customer),
        }
    }
}

/// A customer that a parameter names has to be there.
pub(super) fn check_there(book: &Book, id: Option<&str>, livemode: bool) -> Result<(), Problem> {
    match id {
        Some(id) if book.customers.get(id, livemode).is_none() => {
            Err(Problem::missing(400, Customer::WORD, id, "customer"))
        }
        _ => Ok(()),
    }
}
