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
use super::thing::Thing;
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
            (&Method::GET, ["v1", "customers", id]) => Ok(json!(book.customers.get(id)?)),
            (&Method::GET, ["v1", "payments", id]) => Ok(json!(book.payments.get(id)?)),
            (&Method::GET, ["v1", "subscriptions", id]) => Ok(json!(book.subscriptions.get(id)?)),
            (&Method::POST, ["v1", "customers", reference]) => {
                let asked = Body::read(body)?;
                let made = book.customers.make(&self.state.ids, reference, asked)?;
                let effect = ("customer", *reference);
                Ok(carried_out(&mut book.customers, made, effect, check))
            }
            (&Method::POST, ["v1", "payments", reference]) => {
                self.pay(book, reference, Body::read(body)?, check)
            }
            (&Method::POST, ["v1", "payments", id, "collections", reference]) => {
                let NewCollection { method } = Body::read(body)?;
                let mut payment = book.payments.get(id)?.clone();
                let is_new = payment.collect(reference, method)?;
                let refused = payment.refused(reference);
                if refused.is_some() {
                    // Noted, but nothing was collected: no effect.
                    if is_new && check.carries_out(Vec::new()) {
                        book.payments.put(payment);
                    }
                } else {
                    let (effect, made) = (("collection", *reference), (payment, is_new));
                    return Ok(carried_out(&mut book.payments, made, effect, check));
                }
                Err(declined(refused))
            }
            (&Method::POST, ["v1", "subscriptions", reference]) => {
                let asked: NewSubscription = Body::read(body)?;
                there(book, Some(&asked.customer))?;
                let made = book.subscriptions.make(&self.state.ids, reference, asked)?;
                let effect = ("subscription", *reference);
                Ok(carried_out(&mut book.subscriptions, made, effect, check))
            }
            (&Method::POST, ["v1", "subscriptions", id, "endings", reference]) => {
                let NewEnding { credit_unused } = Body::read(body)?;
                let mut subscription = book.subscriptions.get(id)?.clone();
                let is_new = subscription.end(credit_unused);
                let (effect, made) = (("ending", *reference), (subscription, is_new));
                Ok(carried_out(&mut book.subscriptions, made, effect, check))
            }
            (_, ["v1", "customers" | "payments" | "subscriptions", ..]) => {
                Err(Problem::of_status(405))
            }
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
        let (effect, made) = (("payment", reference), (payment, is_new));
        let shown = carried_out(&mut book.payments, made, effect, check);
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

/// Shows the thing, and keeps it if it is new and no fault is in the way. `effect` is a word and the reference.
fn carried_out<T: Thing + Serialize>(
    shelf: &mut Shelf<T>,
    (thing, is_new): (T, bool),
    (word, reference): (&str, &str),
    check: &mut FaultCheck<'_>,
) -> Value {
    let shown = json!(thing);
    let draft = Draft {
        job: reference.split('-').next().map(str::to_owned),
        template: None,
        recipient: word.to_owned(),
        id: thing.id().to_owned(),
    };
    let effects = if is_new { vec![draft] } else { Vec::new() };
    if check.carries_out(effects) && is_new {
        shelf.put(thing);
    }
    shown
}
