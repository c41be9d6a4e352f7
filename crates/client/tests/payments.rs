//! The args of payment jobs: golden payloads, and what is refused at the door.

use std::time::Duration;

use longshore_client::kinds::{
    ApplyStripeEvent, BackfillStripeEvents, CancelSubscription, ConfirmPaymentIntent,
    CreateCustomer, CreatePaymentIntent, CreateRefund, CreateSubscription, ReconcilePayments,
};
use longshore_job::{Envelope, Job, Prepared};

fn golden<J: Job>(file: &str, expires: Option<u64>) {
    let text = file.trim_end();
    let envelope = Envelope::parse(text.as_bytes()).expect("an envelope");
    assert_eq!(envelope.kind, J::KIND);
    let job: J = envelope.decode().expect("decodes");
    let again = Prepared::new(&job).expect("accepted");
    assert_eq!(String::from_utf8_lossy(&again.payload), text);
    assert_eq!(again.queue, "payment-reconcile");
    assert_eq!(again.expires_in, expires.map(Duration::from_secs));
}

/// A checkout's user waits for a minute at the most.
const MINUTE: Option<u64> = Some(60);
const DAY: Option<u64> = Some(24 * 3600);

#[test]
fn payloads_are_golden() {
    golden::<CreateCustomer>(include_str!("golden/create_customer.v1.json"), DAY);
    golden::<CreatePaymentIntent>(include_str!("golden/create_payment_intent.v1.json"), MINUTE);
    golden::<ConfirmPaymentIntent>(
        include_str!("golden/confirm_payment_intent.v1.json"),
        MINUTE,
    );
    golden::<CreateSubscription>(include_str!("golden/create_subscription.v1.json"), DAY);
    golden::<CancelSubscription>(include_str!("golden/cancel_subscription.v1.json"), DAY);
    golden::<CreateRefund>(include_str!("golden/create_refund.v1.json"), DAY);
    golden::<CreateSubscription>(
        include_str!("golden/create_subscription.v1.options.json"),
        DAY,
    );
    golden::<CreatePaymentIntent>(
        include_str!("golden/create_payment_intent.v1.options.json"),
        MINUTE,
    );
    golden::<CancelSubscription>(
        include_str!("golden/cancel_subscription.v1.at_period_end.json"),
        DAY,
    );
    golden::<BackfillStripeEvents>(include_str!("golden/backfill_stripe_events.v1.json"), None);
    golden::<ApplyStripeEvent>(include_str!("golden/apply_stripe_event.v1.json"), None);
    golden::<ReconcilePayments>(include_str!("golden/reconcile_payments.v1.json"), None);
}

#[track_caller]
fn refused(job: &impl Job, field: &str) {
    let error = Prepared::new(job).expect_err(field).to_string();
    assert!(error.starts_with(&format!("{field}: ")), "{error}");
    let names = error.replace("metadata", "").contains("ada");
    assert!(!names, "names nobody: {error}");
}

#[test]
fn money_is_what_the_currency_can_be_paid_in() {
    let pay =
        |amount, currency: &str| CreatePaymentIntent::new("order-1", "user-7", amount, currency);
    for (amount, currency) in [
        (1, "nok"),
        (99_999_999, "jpy"),
        (1230, "bhd"),
        (500, "isk"),
        (999_999_999_999, "idr"),
    ] {
        Prepared::new(&pay(amount, currency)).expect(currency);
    }
    for (amount, currency, field) in [
        (0, "nok", "amount"),
        (100_000_000, "nok", "amount"),
        (1234, "kwd", "amount"),
        (550, "isk", "amount"),
        (550, "ugx", "amount"),
        (1_000_000_000_000, "idr", "amount"),
        (1000, "NOK", "currency"),
        (1000, "kr", "currency"),
        (1000, "no1", "currency"),
    ] {
        refused(&pay(amount, currency), field);
    }
}

#[test]
fn a_confirmation_needs_a_way_back() {
    let pay = || CreatePaymentIntent::new("order-1", "user-7", 1000, "nok");
    let confirm = || pay().payment_method("pm_1").confirm(true);
    let back = "https://shop.example.com/paid";
    for good in [
        pay().confirm(false),
        confirm().return_url(back),
        confirm().off_session(true),
    ] {
        Prepared::new(&good).expect("accepted");
    }
    for (job, field) in [
        (pay().confirm(true).off_session(true), "payment_method"),
        (confirm(), "return_url"),
        (confirm().off_session(false), "return_url"),
        (confirm().return_url("shop"), "return_url"),
        (confirm().return_url("https://a b"), "return_url"),
        (confirm().return_url(back).off_session(true), "return_url"),
        (pay().return_url(back), "return_url"),
        (pay().off_session(true), "off_session"),
    ] {
        refused(&job, field);
    }
    refused(&ConfirmPaymentIntent::new("pi_1"), "return_url");
    refused(
        &ConfirmPaymentIntent::new("pi_1/../x").off_session(true),
        "payment_intent",
    );
}

#[test]
fn ids_and_people_are_checked() {
    refused(&CreateCustomer::new(""), "user_id");
    refused(&CreateCustomer::new("user 7"), "user_id");
    refused(&CreateCustomer::new("u".repeat(201)), "user_id");
    refused(
        &CreateCustomer::new("user-7").email("ada.example.com"),
        "email",
    );
    refused(&CreateCustomer::new("user-7").name("ada\n"), "name");
    refused(
        &CreatePaymentIntent::new("", "user-7", 1, "nok"),
        "order_id",
    );
    refused(&CreateSubscription::new("user-7", ""), "price");
    refused(
        &CreateSubscription::new("user-7", "price_1").quantity(0),
        "quantity",
    );
    refused(
        &CreateSubscription::new("user-7", "price_1").customer(" "),
        "customer",
    );
    refused(&CancelSubscription::new("sub_1?x"), "subscription");
    refused(&ApplyStripeEvent::new("pi_1"), "event_id");
    refused(&ApplyStripeEvent::new("evt_1/x"), "event_id");
}

#[test]
fn a_window_has_a_beginning_and_an_end() {
    let window = |from: &str, to: &str| ReconcilePayments::new(from, to);
    let day = "2026-11-22T00:00:00Z";
    Prepared::new(&window(day, "2027-11-23T00:00:00Z")).expect("366 days");
    refused(&window("yesterday", day), "from");
    refused(&window(day, "2026-11-23"), "to");
    refused(&window(day, day), "to");
    refused(&window(day, "2027-11-23T00:00:01Z"), "to");
}

#[test]
fn refunds_and_options_are_checked_at_the_door() {
    let pay = || CreatePaymentIntent::new("order-1", "user-7", 1000, "nok");
    let subscribe = || CreateSubscription::new("user-7", "price_1");
    Prepared::new(&CreateRefund::of_charge("ch_1")).expect("accepted");
    refused(&CreateRefund::new("pi_1").amount(0), "amount");
    let mut both = CreateRefund::new("pi_1");
    both.charge = Some("ch_1".to_owned());
    refused(&both, "payment_intent");
    let mut neither = CreateRefund::new("pi_1");
    neither.payment_intent = None;
    refused(&neither, "payment_intent");

    refused(&pay().receipt_email("ada"), "receipt_email");
    for (key, value) in [
        ("orderId", "o".to_owned()),
        ("longshore_job", "j".to_owned()),
        ("a[b]", "v".to_owned()),
        (&"k".repeat(41), "v".to_owned()),
        ("", "v".to_owned()),
        ("k", String::new()),
        ("k", "v".repeat(501)),
    ] {
        refused(&pay().metadata(key, value), "metadata");
    }
    let most = (0..46).fold(pay(), |job, n| job.metadata(format!("k{n}"), "v"));
    Prepared::new(&most).expect("46 entries");
    refused(&most.metadata("k46", "v"), "metadata");

    refused(&subscribe().trial_days(0), "trial_days");
    refused(&subscribe().trial_days(731), "trial_days");
    refused(
        &subscribe().trial_days(7).trial_end(1_900_000_000),
        "trial_end",
    );
    let cancel = CancelSubscription::new("sub_1").at_period_end(true);
    refused(&cancel.prorate(true), "prorate");
}
