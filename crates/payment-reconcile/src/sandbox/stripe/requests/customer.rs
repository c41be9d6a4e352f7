//! The request that creates a customer.

use std::collections::BTreeMap;

use super::super::book::Book;
use super::super::customer::Customer;
use super::super::params::Params;
use super::super::plan::{Change, Maker, Plan};
use super::super::problem::Problem;
use super::super::shelf::Stored;

/// `POST /v1/customers`
#[derive(Debug)]
pub(in super::super) struct NewCustomer {
    email: Option<String>,
    name: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl NewCustomer {
    pub(in super::super) fn read(params: &mut Params) -> Result<Self, Problem> {
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

    pub(in super::super) fn plan(self, maker: &Maker<'_>) -> Plan {
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
