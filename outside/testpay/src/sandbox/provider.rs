//! What testpay would answer.

use std::sync::Arc;

use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::header::CONTENT_TYPE;
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::{Draft, FaultCheck, StandInService};
use serde::Serialize;
use serde_json::{Value, json};

use super::State;
use super::body::{Body, NewCollection, NewEnding, NewPayment, NewSubscription};
use super::book::{Book, Shelf};
use super::problem::Problem;
use super::thing::{Payment, Subscription, Thing};
use crate::client::NAME;

const KEY: HeaderName = HeaderName::from_static("x-api-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Debug)]
pub(super) struct TestPay {
    pub(super) state: Arc<State>,
}

impl StandInService for TestPay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        let answer = self.check(&request.headers);
        let answer = answer.and_then(|()| self.serve(request, body, check));
        let (status, body) = match answer {
            Ok(shown) => (200, shown),
            Err(problem) => (problem.status, problem.to_json()),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let id = self.state.ids.next("tp_req_");
        let headers = [
            (CONTENT_TYPE, "application/json".to_owned()),
            (REQUEST_ID, id),
        ];
        (status, headers, body.to_string()).into_response()
    }

    fn explain(&self, status: u16) -> String {
        Problem::of_status(status).to_json().to_string()
    }

    fn request_id(&self) -> Option<HeaderName> {
        Some(REQUEST_ID)
    }
}

impl TestPay {
    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let key = headers.get(KEY).and_then(|key| key.to_str().ok());
        match key.filter(|key| !key.is_empty()) {
            Some(key) if !self.state.refused_keys.has(key) => Ok(()),
            _ => Err(Problem::of_status(401)),
        }
    }

    fn serve(
        &self,
        request: &Parts,
        body: &[u8],
        check: &mut FaultCheck<'_>,
    ) -> Result<Value, Problem> {
        let names: Vec<_> = request.uri.path().split('/').skip(1).collect();
        // Held to the end: of two requests with one reference, one comes later.
        let book = &mut *self.state.book();
        match (&request.method, &names[..]) {
            (&Method::GET, ["v1", things @ ..]) if things.len() <= 2 => show(book, request, things),
            (&Method::POST, ["v1", "customers", reference]) => {
                let asked = Body::read(body)?;
                let made = book.customers.make(&self.state.ids, reference, asked)?;
                let effect = ("customer", *reference);
                Ok(carried_out(&mut book.customers, made, effect, check).0)
            }
            (&Method::POST, ["v1", "payments", reference]) => {
                self.pay(book, reference, Body::read(body)?, check)
            }
            (&Method::POST, ["v1", "payments", id, "collections", reference]) => {
                let NewCollection { method } = Body::read(body)?;
                let mut payment = book.payments.get(id)?.clone();
                let is_new = payment.collect(reference, method)?;
                let refused = payment.refused(reference);
                let id = payment.id().to_owned();
                if refused.is_some() {
                    // Noted, but nothing was collected: no effect.
                    if is_new && check.carries_out(Vec::new()) {
                        book.payments.put(payment);
                        self.state.note(book, "payment.refused", &id, None);
                    }
                } else {
                    let (effect, made) = (("collection", *reference), (payment, is_new));
                    let (shown, kept) = carried_out(&mut book.payments, made, effect, check);
                    if kept {
                        self.state.note(book, "payment.collected", &id, None);
                    }
                    return Ok(shown);
                }
                Err(declined(refused))
            }
            (&Method::POST, ["v1", "subscriptions", reference]) => {
                let asked: NewSubscription = Body::read(body)?;
                there(book, Some(&asked.customer))?;
                let made = book.subscriptions.make(&self.state.ids, reference, asked)?;
                let effect = ("subscription", *reference);
                Ok(carried_out(&mut book.subscriptions, made, effect, check).0)
            }
            (&Method::POST, ["v1", "subscriptions", id, "endings", reference]) => {
                let NewEnding { credit_unused } = Body::read(body)?;
                let mut subscription = book.subscriptions.get(id)?.clone();
                let is_new = subscription.end(credit_unused);
                let id = subscription.id().to_owned();
                let (effect, made) = (("ending", *reference), (subscription, is_new));
                let (shown, kept) = carried_out(&mut book.subscriptions, made, effect, check);
                if kept {
                    self.state.note(book, "subscription.ended", &id, None);
                }
                Ok(shown)
            }
            (
                _,
                [
                    "v1",
                    "customers" | "payments" | "subscriptions" | "events",
                    ..,
                ],
            ) => Err(Problem::of_status(405)),
            _ => Err(Problem::of_status(404)),
        }
    }

    /// `POST /v1/payments/:reference`
    fn pay(
        &self,
        book: &mut Book,
        reference: &str,
        asked: NewPayment,
        check: &mut FaultCheck<'_>,
    ) -> Result<Value, Problem> {
        there(book, asked.customer.as_deref())?;
        let collect = asked.collect;
        let (mut payment, is_new) = book.payments.make(&self.state.ids, reference, asked)?;
        if is_new && collect {
            payment.collect(reference, None)?;
        }
        let refused = payment.refused(reference);
        let id = payment.id().to_owned();
        let (effect, made) = (("payment", reference), (payment, is_new));
        let (shown, kept) = carried_out(&mut book.payments, made, effect, check);
        if kept && collect {
            let kind = match refused {
                Some(_) => "payment.refused",
                None => "payment.collected",
            };
            self.state.note(book, kind, &id, None);
        }
        match refused {
            Some(_) => Err(declined(refused)),
            None => Ok(shown),
        }
    }
}

fn declined(refused: Option<&'static str>) -> Problem {
    Problem {
        code: refused.unwrap_or("declined"),
        status: 402,
    }
}

/// Whoever pays has to be a customer, if anybody is named.
fn there(book: &Book, customer: Option<&str>) -> Result<(), Problem> {
    match customer.map(|id| book.customers.get(id)) {
        Some(Err(_)) => Err(Problem::impossible("no_such_customer")),
        _ => Ok(()),
    }
}

/// One thing by its id or its reference, or a page of them.
fn show(book: &Book, request: &Parts, things: &[&str]) -> Result<Value, Problem> {
    Ok(match *things {
        ["customers", id] => json!(book.customers.get(id)?),
        ["payments", id] => json!(book.payments.get(id)?),
        ["subscriptions", id] => json!(book.subscriptions.get(id)?),
        ["payments"] => payments(book, request),
        ["subscriptions"] => subscriptions(book, request),
        ["events", id] => {
            let event = book.events.iter().find(|event| event.id == id);
            json!(event.ok_or(Problem::of_status(404))?)
        }
        ["customers"] => return Err(Problem::of_status(405)),
        _ => return Err(Problem::of_status(404)),
    })
}

/// `GET /v1/payments?from=…&to=…&after=…`
fn payments(book: &Book, request: &Parts) -> Value {
    let time = |name: &str| query(request, name).and_then(|text| text.parse::<u64>().ok());
    let (from, to) = (time("from").unwrap_or(0), time("to").unwrap_or(u64::MAX));
    let fits = |payment: &Payment| (from..to).contains(&payment.created());
    let (data, more) = book.payments.newest(query(request, "after"), fits);
    json!({ "data": data, "more": more })
}

/// `GET /v1/subscriptions?status=running&after=…`
fn subscriptions(book: &Book, request: &Parts) -> Value {
    let all = query(request, "status") != Some("running");
    let fits = |subscription: &Subscription| all || subscription.is_running();
    let (data, more) = book.subscriptions.newest(query(request, "after"), fits);
    json!({ "data": data, "more": more })
}

/// One value of a query: ids and numbers need no escapes.
fn query<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    let query = request.uri.query().unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Shows the thing, and keeps it if it is new and no fault is in the way; says whether it did. `effect` is a word and the
/// reference.
fn carried_out<T: Thing + Serialize>(
    shelf: &mut Shelf<T>,
    (thing, is_new): (T, bool),
    (word, reference): (&str, &str),
    check: &mut FaultCheck<'_>,
) -> (Value, bool) {
    let shown = json!(thing);
    let draft = Draft {
        job: reference.split('-').next().map(str::to_owned),
        template: None,
        recipient: word.to_owned(),
        id: thing.id().to_owned(),
    };
    let effects = if is_new { vec![draft] } else { Vec::new() };
    let kept = check.carries_out(effects) && is_new;
    if kept {
        shelf.put(thing);
    }
    (shown, kept)
}
