//! What only looks.

use std::collections::BTreeSet;

use serde_json::Value;

use super::EventTold;
use super::book::Book;
use super::customer::Customer;
use super::event::Event;
use super::expand::expand;
use super::list::Page;
use super::params::Params;
use super::payment_intent::PaymentIntent;
use super::problem::Problem;
use super::refund::Refund;
use super::shelf::{Shelf, Stored};
use super::subscription::Subscription;

/// Answers a `GET`; `None` when there is no such path.
pub(super) fn read(
    book: &Book,
    told: &[EventTold],
    names: &[&str],
    path: &str,
    mut params: Params,
    livemode: bool,
) -> Option<Result<Value, Problem>> {
    let expanded = params.map("expand");
    let found = found(book, told, names, path, params, livemode)?;
    Some(found.and_then(|mut answer| {
        let mut paths = expanded.values();
        paths.try_for_each(|path| expand(book, &mut answer, path, livemode))?;
        Ok(answer)
    }))
}

fn found(
    book: &Book,
    told: &[EventTold],
    names: &[&str],
    path: &str,
    params: Params,
    livemode: bool,
) -> Option<Result<Value, Problem>> {
    Some(match *names {
        ["customers"] => customers(book, params, livemode, path),
        ["customers", id] => one(&book.customers, id, "id", params, livemode),
        ["payment_intents"] => payment_intents(book, params, livemode, path),
        ["payment_intents", id] => one(&book.payment_intents, id, "intent", params, livemode),
        ["subscriptions"] => subscriptions(book, params, livemode, path),
        ["subscriptions", id] => one(&book.subscriptions, id, "id", params, livemode),
        ["charges", id] => charge(book, id, params, livemode),
        ["refunds"] => refunds(book, params, livemode, path),
        ["refunds", id] => one(&book.refunds, id, "id", params, livemode),
        ["disputes", id] => one(&book.disputes, id, "id", params, livemode),
        ["invoices", id] => one(&book.invoices, id, "id", params, livemode),
        ["events"] => events(book, told, params, livemode, path),
        ["events", id] => one(&book.events, id, "id", params, livemode),
        _ => return None,
    })
}

fn one<T: Stored>(
    shelf: &Shelf<T>,
    id: &str,
    param: &str,
    mut params: Params,
    livemode: bool,
) -> Result<Value, Problem> {
    // The secret that a customer's own page would show a payment intent with.
    params.pass_over(&["client_secret"]);
    params.end()?;
    let missing = || Problem::missing(404, T::WORD, id, param);
    Ok(shelf.get(id, livemode).ok_or_else(missing)?.to_json())
}

fn charge(book: &Book, id: &str, params: Params, livemode: bool) -> Result<Value, Problem> {
    params.end()?;
    let missing = || Problem::missing(404, "charge", id, "charge");
    book.charge(id, livemode).ok_or_else(missing)
}

fn refunds(book: &Book, mut params: Params, livemode: bool, path: &str) -> Result<Value, Problem> {
    let page = Page::read(&mut params)?;
    let (charge, intent) = (params.text("charge"), params.text("payment_intent"));
    params.end()?;
    let fits = |refund: &Refund| {
        charge
            .as_ref()
            .is_none_or(|charge| *charge == refund.charge)
            && intent
                .as_ref()
                .is_none_or(|intent| *intent == refund.payment_intent)
    };
    page.of(&book.refunds, livemode, path, fits)
}

fn customers(
    book: &Book,
    mut params: Params,
    livemode: bool,
    path: &str,
) -> Result<Value, Problem> {
    let page = Page::read(&mut params)?;
    let email = params.text("email");
    params.end()?;
    let fits = |customer: &Customer| customer.has_email(email.as_deref());
    page.of(&book.customers, livemode, path, fits)
}

fn payment_intents(
    book: &Book,
    mut params: Params,
    livemode: bool,
    path: &str,
) -> Result<Value, Problem> {
    let page = Page::read(&mut params)?;
    let customer = params.text("customer");
    params.end()?;
    let fits = |intent: &PaymentIntent| customer.is_none() || intent.customer == customer;
    page.of(&book.payment_intents, livemode, path, fits)
}

fn subscriptions(
    book: &Book,
    mut params: Params,
    livemode: bool,
    path: &str,
) -> Result<Value, Problem> {
    let page = Page::read(&mut params)?;
    let (customer, status) = (params.text("customer"), params.text("status"));
    params.end()?;
    let fits =
        |subscription: &Subscription| subscription.fits(customer.as_deref(), status.as_deref());
    page.of(&book.subscriptions, livemode, path, fits)
}

fn events(
    book: &Book,
    told: &[EventTold],
    mut params: Params,
    livemode: bool,
    path: &str,
) -> Result<Value, Problem> {
    let page = Page::read(&mut params)?;
    let delivered = params.flag("delivery_success")?;
    let mut types: BTreeSet<_> = params.map("types").into_values().collect();
    types.extend(params.text("type"));
    params.end()?;
    if types.len() > 20 {
        let message = "Invalid types: at most 20 may be given.";
        return Err(Problem::invalid(None, message, "types"));
    }
    let taken: BTreeSet<_> = told
        .iter()
        .filter(|told| matches!(told.answer, Some(200..300)))
        .map(|told| &*told.event)
        .collect();
    let fits = |event: &Event| {
        (types.is_empty() || types.contains(event.kind))
            && delivered.is_none_or(|wanted| wanted == taken.contains(&*event.id))
    };
    page.of(&book.events, livemode, path, fits)
}
