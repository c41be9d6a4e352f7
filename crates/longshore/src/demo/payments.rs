//! Money: lost answers that charge nobody twice, a declined card, events with one effect, and a reconcile that finds the
//! one that was lost.

use std::time::Duration;

use jiff::Timestamp;
use longshore_client::kinds::{
    BackfillStripeEvents, CancelSubscription, ConfirmPaymentIntent, CreateCustomer,
    CreatePaymentIntent, CreateRefund, CreateSubscription, ReconcilePayments,
};
use longshore_client::{Client, JobState};
use longshore_job::Job;
use longshore_payment_reconcile::sandbox::AppPayment;
use longshore_sandbox::{Fault, FaultRule};
use serde_json::Value;

use super::stage::{PAYMENTS, Stage};
use super::{check, step};
use longshore_app::Failure;
use longshore_app::output::line;

const ORDERS: u64 = 30;
/// How many answers of Stripe's are lost.
const LOST: u64 = 10;
const WAIT: Duration = Duration::from_secs(30);

/// How many jobs were accepted, and how many effects Stripe has to have seen.
pub(super) async fn run(stage: &Stage) -> Result<(u64, u64), Failure> {
    step(
        8,
        &format!(
            "{ORDERS} orders are paid by Stripe: {LOST} of its answers are lost, one card is declined"
        ),
    )?;
    let client = &stage.client;
    let customer = done(
        client,
        CreateCustomer::new("user-7").email("ada@example.com"),
    )
    .await?;
    check(customer["provider"] == "stripe", "a customer of Stripe's")?;
    let intents = orders(stage).await?;
    declined(stage).await?;

    // One event gets lost on its way: its payment is the reconcile's to find.
    let mut jobs = 1 + ORDERS + 1;
    stage.hear_stripe(false);
    pay(client, &intents[0]).await?;
    stage.hear_stripe(true);
    for intent in &intents[1..] {
        pay(client, intent).await?;
    }
    jobs += ORDERS;
    stage
        .wait(PAYMENTS.0, "completed", jobs - 1 + ORDERS - 1, |row| {
            row.completed
        })
        .await?;
    jobs += ORDERS - 1;
    check(
        stage.app.applied().len() as u64 == ORDERS - 1,
        "the app was told of each payment that it heard of, once",
    )?;
    line(&format!(
        "  the app was told once of each of {} payments, by signed events of Stripe's",
        ORDERS - 1
    ))?;

    let subscription = done(client, CreateSubscription::new("user-7", "price_monthly")).await?;
    let id = subscription["subscription"].as_str().unwrap_or_default();
    done(client, CancelSubscription::new(id)).await?;
    // Its end is an event, too.
    jobs += 3;
    stage
        .wait(PAYMENTS.0, "completed", jobs - 1, |row| row.completed)
        .await?;

    reconcile(client).await?;
    jobs += 1;
    check(
        stage.app.applied().len() as u64 == ORDERS + 1,
        "the lost payment was found and told, once",
    )?;
    line("  the reconcile found the one payment whose event was lost, and told the app")?;
    jobs += backfilled(client).await?;
    jobs += refunded(stage, &intents[1]).await?;
    stage
        .wait(PAYMENTS.0, "completed", jobs - 1, |row| row.completed)
        .await?;
    check(
        stage.app.applied().len() as u64 == ORDERS + 2,
        "the app was told of the refund, and of nothing a second time",
    )?;
    line(
        "  a payment was refunded, and the app was told; the lost event came late, and told it nothing new",
    )?;
    // A customer, an intent and a confirmation for each order, the declined one, a subscription and its end, a refund.
    Ok((jobs, 1 + 2 * ORDERS + 1 + 2 + 1))
}

/// Asks for events that reached nobody, of a time before there were any.
async fn backfilled(client: &Client) -> Result<u64, Failure> {
    let hours = |hours| Timestamp::now() - jiff::SignedDuration::from_hours(hours);
    let window = BackfillStripeEvents::new(hours(2).to_string(), hours(1).to_string());
    let result = done(client, window).await?;
    check(result["enqueued"] == 0, "no event was missed before")?;
    Ok(1)
}

/// A payment goes back: the refund, and its event.
async fn refunded(stage: &Stage, intent: &str) -> Result<u64, Failure> {
    let result = done(&stage.client, CreateRefund::new(intent)).await?;
    check(result["status"] == "succeeded", "a payment is refunded")?;
    Ok(2)
}

/// Enqueues a job and waits for its result, as an app does for a user who waits.
async fn done<J: Job>(client: &Client, job: J) -> Result<Value, Failure> {
    let status = client.enqueue_and_wait(job, WAIT).await?;
    check(
        status.state == JobState::Completed,
        &format!("{} completes", J::KIND),
    )?;
    Ok(status.result.unwrap_or_default())
}

/// The orders' intents, made while answers are lost.
async fn orders(stage: &Stage) -> Result<Vec<String>, Failure> {
    let lost = FaultRule::first(LOST, Fault::HangUp { effect: true });
    let faults = stage.stripe.faults();
    faults.set(vec![lost]).map_err(Failure::failed)?;
    let orders = (0..ORDERS)
        .map(|n| CreatePaymentIntent::new(format!("order-{n}"), format!("user-{n}"), 1000, "nok"));
    let ids = stage.client.enqueue_all(orders).await?;
    stage
        .wait(PAYMENTS.0, "completed", 1 + ORDERS, |row| row.completed)
        .await?;
    let made = stage.stripe.payment_intents().len() as u64;
    check(made == ORDERS, "one payment intent for each order")?;
    line(&format!(
        "  {LOST} requests were made again under their keys: {made} payment intents, none twice"
    ))?;
    let mut intents = Vec::new();
    for (n, id) in ids.iter().enumerate() {
        let job = stage.operator.job(&id.to_string(), None).await?;
        let result = job.result.unwrap_or_default();
        let intent = result["payment_intent"].as_str().unwrap_or_default();
        let order = AppPayment::pending(format!("order-{n}"), intent, 1000, "nok");
        stage.app.plant([order]);
        intents.push(intent.to_owned());
    }
    Ok(intents)
}

async fn declined(stage: &Stage) -> Result<(), Failure> {
    let job = CreatePaymentIntent::new("order-x", "user-x", 1000, "nok")
        .payment_method("pm_card_chargeDeclinedInsufficientFunds")
        .confirm(true)
        .off_session(true);
    stage.client.enqueue(job).await?;
    stage.wait(PAYMENTS.0, "dead", 1, |row| row.dead).await?;
    let groups = stage.operator.groups(Some(PAYMENTS.0)).await?;
    let reason = groups.first().map(|group| group.reason.as_str());
    check(
        reason == Some("refused by stripe: insufficient_funds"),
        "a declined card is a dead letter at once",
    )
}

async fn pay(client: &Client, intent: &str) -> Result<(), Failure> {
    let confirm = ConfirmPaymentIntent::new(intent)
        .payment_method("pm_card_visa")
        .return_url("https://shop.example.com/paid");
    let result = done(client, confirm).await?;
    check(result["status"] == "succeeded", "the payment succeeds")
}

async fn reconcile(client: &Client) -> Result<(), Failure> {
    let now = Timestamp::now().as_second();
    let time = |seconds| Timestamp::from_second(seconds).map_err(Failure::failed);
    let (from, to) = (time(now - 3600)?, time(now + 60)?);
    let job = ReconcilePayments::new(from.to_string(), to.to_string()).repair();
    done(client, job).await?;
    Ok(())
}
