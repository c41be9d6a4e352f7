//! The requests that create and confirm payment intents.

use std::collections::BTreeMap;

use super::super::book::Book;
use super::super::params::Params;
use super::super::payment_intent::{Confirmation, PaymentIntent, Redirects};
use super::super::plan::{Change, Maker, Plan};
use super::super::problem::Problem;
use super::super::shelf::Stored;
use super::super::{money, payment_method};
use super::customer;

/// `POST /v1/payment_intents`
#[derive(Debug)]
pub(in super::super) struct NewPaymentIntent {
    amount: u64,
    currency: String,
    customer: Option<String>,
    redirects: Redirects,
    metadata: BTreeMap<String, String>,
    confirm: bool,
    with: Confirmation,
}

impl NewPaymentIntent {
    pub(in super::super) fn read(params: &mut Params) -> Result<Self, Problem> {
        params.pass_over(&[
            "description",
            "capture_method",
            "receipt_email",
            "setup_future_usage",
            "statement_descriptor",
            "statement_descriptor_suffix",
        ]);
        let (amount, currency) = money::read(params)?;
        let redirects = redirects(params)?;
        let confirm = params.flag("confirm")?.unwrap_or_default();
        let with = confirmation(params)?;
        if confirm {
            with.check(redirects)?;
        } else {
            // What is about the confirmation needs one.
            for (name, there) in [
                ("off_session", with.off_session),
                ("return_url", with.return_url.is_some()),
            ] {
                if there {
                    let message = format!("`{name}` can only be used with `confirm` set to true.");
                    return Err(Problem::invalid(None, message, name));
                }
            }
        }
        Ok(Self {
            amount,
            currency,
            customer: params.text("customer"),
            redirects,
            metadata: params.map("metadata"),
            confirm,
            with,
        })
    }

    pub(in super::super) fn plan(self, book: &Book, maker: &Maker<'_>) -> Result<Plan, Problem> {
        customer::check_there(book, self.customer.as_deref(), maker.livemode)?;
        payment_method::check_there(self.with.payment_method.as_deref())?;
        let status = match self.with.payment_method {
            Some(_) => "requires_confirmation",
            None => "requires_payment_method",
        };
        let mut intent = PaymentIntent {
            id: maker.id("pi_"),
            created: maker.now,
            livemode: maker.livemode,
            amount: self.amount,
            currency: self.currency,
            customer: self.customer,
            payment_method: self.with.payment_method.clone(),
            latest_charge: None,
            last_payment_error: None,
            metadata: self.metadata,
            status: status.to_owned(),
            redirects: self.redirects,
            invoice: None,
            canceled_at: None,
            return_url: None,
            refunded: 0,
            disputed: false,
        };
        let mut events = vec!["payment_intent.created"];
        let mut declined = None;
        if self.confirm {
            let paid = intent.confirm(self.with, maker.id("ch_"))?;
            events.push(paid.event);
            declined = paid.declined;
        }
        let job = maker.job(&intent.metadata);
        Ok(planned(intent, job, events, declined))
    }
}

/// `POST /v1/payment_intents/:id/confirm`
#[derive(Debug)]
pub(in super::super) struct Confirm {
    id: String,
    with: Confirmation,
}

impl Confirm {
    pub(in super::super) fn read(id: &str, params: &mut Params) -> Result<Self, Problem> {
        params.pass_over(&["receipt_email"]);
        Ok(Self {
            id: id.to_owned(),
            with: confirmation(params)?,
        })
    }

    pub(in super::super) fn plan(self, book: &Book, maker: &Maker<'_>) -> Result<Plan, Problem> {
        let found = book.payment_intents.get(&self.id, maker.livemode);
        let missing = || Problem::missing(404, PaymentIntent::WORD, &self.id, "intent");
        let mut intent = found.ok_or_else(missing)?.clone();
        self.with.check(intent.redirects)?;
        payment_method::check_there(self.with.payment_method.as_deref())?;
        let paid = intent.confirm(self.with, maker.id("ch_"))?;
        // Its metadata names the job that created it, which may be another one.
        Ok(planned(intent, None, vec![paid.event], paid.declined))
    }
}

fn planned(
    intent: PaymentIntent,
    job: Option<String>,
    events: Vec<&'static str>,
    declined: Option<Problem>,
) -> Plan {
    Plan {
        job,
        events,
        status: declined.as_ref().map_or(200, |problem| problem.status),
        answer: declined.map_or_else(|| intent.to_json(), |problem| problem.to_json()),
        change: Change::PaymentIntent(intent),
    }
}

fn confirmation(params: &mut Params) -> Result<Confirmation, Problem> {
    Ok(Confirmation {
        payment_method: params.text("payment_method"),
        off_session: params.flag("off_session")?.unwrap_or_default(),
        return_url: params.text("return_url"),
    })
}

/// Since 2023-08-16 automatic payment methods are on unless they are turned off.
fn redirects(params: &mut Params) -> Result<Redirects, Problem> {
    const ENABLED: &str = "automatic_payment_methods[enabled]";
    const ALLOW: &str = "automatic_payment_methods[allow_redirects]";
    let enabled = params.flag(ENABLED)?;
    let allow = params.text(ALLOW);
    match (enabled, allow.as_deref()) {
        (None | Some(true), None) | (Some(true), Some("always")) => Ok(Redirects::Always),
        (Some(true), Some("never")) => Ok(Redirects::Never),
        (Some(false), _) => Ok(Redirects::Off),
        (None, Some(_)) => Err(Problem::invalid(
            Some("parameter_missing"),
            format!("Missing required param: {ENABLED}."),
            ENABLED,
        )),
        (Some(true), Some(other)) => Err(Problem::invalid(
            None,
            format!("Invalid {ALLOW}: must be one of always or never, not {other}"),
            ALLOW,
        )),
    }
}
