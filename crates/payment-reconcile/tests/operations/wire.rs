//! Requests as they are on the wire, beside those of Stripe's own SDK.
//!
//! The golden requests are what stripe-node 14.25.0, at version 2023-10-16, sent to a local server.

use std::collections::BTreeMap;

use longshore_job::{Handler, JobError, Outcome};
use longshore_payment_reconcile::{
    CancelSubscription, CaptureMethod, ConfirmPaymentIntent, CreateCustomer, CreateRefund,
    CreateSubscription, PaymentBehavior, RefundReason, SetupFutureUsage,
};
use longshore_payment_reconcile::{
    CancelSubscriptionHandler, ConfirmPaymentIntentHandler, CreateCustomerHandler,
    CreatePaymentIntentHandler, CreateRefundHandler, CreateSubscriptionHandler, Providers, Stripe,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{an_order, config, script};

const JOB: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";

/// Does for a customer, a payment intent and a subscription.
const ANSWER: &str = r#"{"id":"x_1","status":"active","amount":1,"currency":"nok","created":1,"livemode":false,"client_secret":"x_1_secret_y"}"#;

/// Head and body of the request that a job makes.
async fn request<H: Handler>(
    handler: impl FnOnce(Providers) -> H,
    job: H::Job,
) -> (String, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let stripe = Stripe::new(&config(&format!("http://{addr}"))).expect("a client");
    let handler = handler(Providers::new(stripe));
    let script = script(0, 0).for_job(JOB.parse().expect("an id"));
    let sending = handler.run(job, script.run());
    let (sent, heard) = tokio::join!(sending, answered(&listener));
    let sent: Result<Outcome, JobError> = sent;
    sent.expect("understood");
    heard
}

async fn answered(listener: &TcpListener) -> (String, String) {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut seen = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).await.expect("readable");
        assert_ne!(length, 0, "closed in the middle of a request");
        seen.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8(seen.clone()).expect("ASCII");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        if body.len() == header(head, "content-length").map_or(0, |n| n.parse().expect("a number"))
        {
            let length = ANSWER.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{ANSWER}");
            stream.write_all(answer.as_bytes()).await.expect("written");
            return (head.to_owned(), body.to_owned());
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let (_, value) = lines.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(value)
}

/// Request line and fields; the order of fields means nothing.
fn decoded(line: &str, body: &str) -> (String, BTreeMap<String, String>) {
    let fields = form_urlencoded::parse(body.trim_end().as_bytes());
    (line.to_owned(), fields.into_owned().collect())
}

/// That the request is the SDK's, with our headers.
fn check(golden: &str, (head, body): &(String, String)) {
    let (line, form) = golden.split_once('\n').expect("two lines");
    let asked = head.lines().next().expect("a line");
    let asked = asked.strip_suffix(" HTTP/1.1").expect("HTTP/1.1");
    assert_eq!(decoded(asked, body), decoded(line, form));
    assert_eq!(header(head, "authorization"), Some("Bearer sk_test_1"));
    assert_eq!(header(head, "stripe-version"), Some("2023-10-16"));
    let is_post = line.starts_with("POST ");
    let form = is_post.then_some("application/x-www-form-urlencoded");
    assert_eq!(header(head, "content-type"), form);
    let key = header(head, "idempotency-key");
    assert_eq!(key.is_some(), is_post, "{key:?}");
    assert!(key.is_none_or(|key| key.starts_with(JOB)), "{key:?}");
}

#[tokio::test]
async fn customers() {
    let job = CreateCustomer::new("user-7")
        .email("ådne+x@example.com")
        .name("Ådne & Søn 🫐");
    let asked = request(CreateCustomerHandler::new, job).await;
    check(include_str!("../golden/create_customer.form"), &asked);
    let key = header(&asked.0, "idempotency-key");
    assert_eq!(key, Some(&*format!("{JOB}:create_customer")));
}

#[tokio::test]
async fn payment_intents() {
    let asked = request(
        CreatePaymentIntentHandler::new,
        an_order().customer("cus_1"),
    )
    .await;
    check(include_str!("../golden/create_payment_intent.form"), &asked);
    let job = an_order()
        .payment_method("pm_1")
        .confirm(true)
        .off_session(false)
        .return_url("https://shop.example.com/paid?order=1&x=[y]");
    let asked = request(CreatePaymentIntentHandler::new, job).await;
    let golden = include_str!("../golden/create_payment_intent.confirmed.form");
    check(golden, &asked);
}

#[tokio::test]
async fn confirmations() {
    let job = ConfirmPaymentIntent::new("pi_1")
        .payment_method("pm_1")
        .off_session(true);
    let asked = request(ConfirmPaymentIntentHandler::new, job).await;
    check(
        include_str!("../golden/confirm_payment_intent.form"),
        &asked,
    );
}

#[tokio::test]
async fn subscriptions() {
    let job = CreateSubscription::new("user-7", "price_1")
        .customer("cus_1")
        .quantity(2);
    let asked = request(CreateSubscriptionHandler::new, job).await;
    check(include_str!("../golden/create_subscription.form"), &asked);
    let job = CancelSubscription::new("sub_1").prorate(true);
    let asked = request(CancelSubscriptionHandler::new, job).await;
    check(include_str!("../golden/cancel_subscription.form"), &asked);
}

#[tokio::test]
async fn options() {
    let job = an_order()
        .customer("cus_1")
        .setup_future_usage(SetupFutureUsage::OffSession)
        .receipt_email("ada@example.com")
        .capture_method(CaptureMethod::Manual)
        .metadata("shop", "oslo");
    let asked = request(CreatePaymentIntentHandler::new, job).await;
    let golden = include_str!("../golden/create_payment_intent.options.form");
    check(golden, &asked);

    let job = || CreateSubscription::new("user-7", "price_1").customer("cus_1");
    let options = job()
        .default_payment_method("pm_1")
        .payment_behavior(PaymentBehavior::DefaultIncomplete)
        .trial_days(14)
        .metadata("plan", "gold");
    let asked = request(CreateSubscriptionHandler::new, options).await;
    let golden = include_str!("../golden/create_subscription.options.form");
    check(golden, &asked);
    let asked = request(
        CreateSubscriptionHandler::new,
        job().trial_end(1_800_000_000),
    )
    .await;
    let golden = include_str!("../golden/create_subscription.trial_end.form");
    check(golden, &asked);

    let job = CancelSubscription::new("sub_1").at_period_end(true);
    let asked = request(CancelSubscriptionHandler::new, job).await;
    let golden = include_str!("../golden/cancel_subscription.at_period_end.form");
    check(golden, &asked);
}

#[tokio::test]
async fn refunds() {
    let asked = request(CreateRefundHandler::new, CreateRefund::new("pi_1")).await;
    check(include_str!("../golden/create_refund.form"), &asked);
    let job = CreateRefund::of_charge("ch_1")
        .amount(500)
        .reason(RefundReason::RequestedByCustomer)
        .metadata("ticket", "Ø-7 & more");
    let asked = request(CreateRefundHandler::new, job).await;
    check(include_str!("../golden/create_refund.part.form"), &asked);
}
