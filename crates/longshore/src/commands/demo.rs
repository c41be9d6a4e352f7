//! `demo`: the whole thing at work, on a private Redis and the stand-in providers. Everything it says it has seen, and
//! it ends with an error where it has not.

mod buckets;
mod others;
mod payments;
mod stage;

use std::time::Duration;

use longshore_client::{Client, JobId, kinds::SendEmail};
use longshore_operator::{Operator, Signed, Target};
use longshore_queue::BreakerState;
use longshore_sandbox::{Fault, Only, Rule};
use serde_json::json;

use crate::cli::Demo;
use crate::failure::Failure;
use crate::output::{line, table};
use stage::{BUCKETS, EMAIL, GEOCODE, PAYMENTS, SMS, Stage};

/// How many mails SendGrid refuses until its template is put right.
const REFUSED: u64 = 20;
/// How many name a template that nobody has configured.
const UNKNOWN: u64 = 3;

pub(super) async fn run(args: &Demo) -> Result<(), Failure> {
    let mut stage = Stage::set().await?;
    let jobs = u64::from(args.jobs);
    line(
        "A private Redis and stand-ins for SendGrid, Twilio, Google Maps, Stripe, S3, R2 and the app are up. For this show a failed",
    )?;
    line(
        "attempt is made again after 1, 2 and 4 s instead of 60, 300 and 900 s, and an open breaker lets a call through\nafter 1 s instead of 30 s.",
    )?;

    step(
        1,
        &format!("An app enqueues {jobs} emails with the client, before any worker runs"),
    )?;
    enqueue_all(&stage.client, jobs).await?;
    stage
        .client
        .enqueue(mail(0).name("Later"))
        .delay(Duration::from_secs(3))
        .await?;
    let first = stage.client.enqueue(mail(1)).key("order 1").send().await?;
    let second = stage.client.enqueue(mail(1)).key("order 1").send().await?;
    check(
        second.duplicate && second.id == first.id,
        "the same key enqueues once",
    )?;
    line("  one of them for in 3 s, and one twice with the same key: enqueued once")?;
    let accepted = jobs + 2;

    step(
        2,
        "SendGrid answers 503 to everything; two workers start all the same",
    )?;
    stage.faults(vec![Rule::always(unavailable())])?;
    stage.start_worker()?;
    stage.start_worker()?;
    stage.breaker(BreakerState::Open).await?;
    let calls = stage.sendgrid.ledger().requests();
    check(calls < jobs / 4, "the breaker keeps calls away")?;
    line(&format!(
        "  after {calls} calls its breaker is open: one call a second finds out whether it is back, the rest wait"
    ))?;
    stage.faults(Vec::new())?;
    stage
        .wait(EMAIL.0, "completed", accepted, |row| row.completed)
        .await?;
    stage.breaker(BreakerState::Closed).await?;
    let retried = stage.retried().await?;
    check(
        retried > 0 && retried <= calls,
        "only what was called has failed",
    )?;
    line(&format!(
        "  it is back: {retried} attempts had failed, waited in Redis for their time, and succeeded"
    ))?;

    step(
        3,
        "A deploy: one worker is told to stop while mails go out, another one starts",
    )?;
    enqueue_all(&stage.client, jobs).await?;
    let accepted = accepted + jobs;
    stage.stop_worker().await?;
    stage.start_worker()?;
    stage
        .wait(EMAIL.0, "completed", accepted, |row| row.completed)
        .await?;
    line("  it finished what it had begun, gave back the rest, and left with exit code 0")?;

    step(
        4,
        &format!(
            "SendGrid refuses the template `invoice`: {REFUSED} mails are dead letters at once"
        ),
    )?;
    stage.faults(vec![Rule::always(bad_template()).only(Only {
        template: Some("d-invoice".to_owned()),
        ..Only::default()
    })])?;
    let invoices =
        (0..REFUSED).map(|n| SendEmail::new("invoice", format!("customer{n}@example.com")));
    stage.client.enqueue_all(invoices).await?;
    let nobodys = (0..UNKNOWN)
        .map(|n| SendEmail::new("nobody_configured_this", format!("customer{n}@example.com")));
    stage.client.enqueue_all(nobodys).await?;
    let accepted = accepted + REFUSED + UNKNOWN;
    stage
        .wait(EMAIL.0, "dead", REFUSED + UNKNOWN, |row| row.dead)
        .await?;
    show_groups(&stage.operator).await?;

    step(5, "The template is put right, and its group is replayed")?;
    stage.faults(Vec::new())?;
    let groups = stage.operator.groups(None).await?;
    let refused = groups
        .iter()
        .find(|group| group.provider.as_deref() == Some(EMAIL.1) && group.count == REFUSED)
        .ok_or_else(|| Failure::failed("the refused mails are no group"))?;
    let signed = Signed::new("demo", "the template is put right");
    let moved = stage
        .operator
        .replay(&Target::Group(refused.group.clone()), &signed, |_| {})
        .await?;
    check(moved.moved == REFUSED, "the whole group was replayed")?;
    stage
        .wait(EMAIL.0, "completed", accepted - UNKNOWN, |row| {
            row.completed
        })
        .await?;
    line(&format!(
        "  {} letters are emails now; {UNKNOWN} still wait for somebody to configure their template",
        moved.moved
    ))?;

    let texts = others::messages(&mut stage).await?;
    let addresses = others::addresses(&stage).await?;
    let (payments, money) = payments::run(&stage).await?;
    let (sweeps, writes) = buckets::run(&stage).await?;

    stage.stop_all().await?;
    let accepted = [accepted, texts, addresses, payments, sweeps];
    last_table(&stage, accepted, money, writes).await
}

fn mail(n: u64) -> SendEmail {
    SendEmail::new("order_confirmation", format!("customer{n}@example.com"))
        .data(json!({ "orderNumber": format!("A-{n}"), "orderTotal": "NOK 10.00" }))
}

async fn enqueue_all(client: &Client, jobs: u64) -> Result<Vec<JobId>, Failure> {
    Ok(client.enqueue_all((0..jobs).map(mail)).await?)
}

fn unavailable() -> Fault {
    Fault::Answer {
        status: 503,
        headers: std::collections::BTreeMap::new(),
        body: None,
        effect: false,
    }
}

fn bad_template() -> Fault {
    let body = json!({ "errors": [{ "message": "The template is not active", "field": "template_id", "help": null }] });
    Fault::Answer {
        status: 400,
        headers: std::collections::BTreeMap::new(),
        body: Some(body.to_string()),
        effect: false,
    }
}

fn step(n: u32, what: &str) -> Result<(), Failure> {
    line(&format!("\n{n}. {what}"))
}

/// What the demo says, it has seen.
fn check(seen: bool, what: &str) -> Result<(), Failure> {
    match seen {
        true => Ok(()),
        false => Err(Failure::failed(format!("not so: {what}"))),
    }
}

async fn show_groups(operator: &Operator) -> Result<(), Failure> {
    let rows = operator
        .groups(None)
        .await?
        .into_iter()
        .map(|row| {
            vec![
                format!("  {}", row.group),
                row.count.to_string(),
                row.reason,
            ]
        })
        .collect();
    table(&["  group", "count", "reason"], rows)
}

/// What came in, what came of it, and what the providers saw of it.
async fn last_table(
    stage: &Stage,
    accepted: [u64; 5],
    money: u64,
    writes: u64,
) -> Result<(), Failure> {
    let seen = [
        stage.sendgrid.ledger().summary(),
        stage.twilio.ledger().summary(),
        stage.maps.ledger().summary(),
        stage.stripe.ledger().summary(),
        stage.s3.ledger().summary(),
    ];
    let mut rows = Vec::new();
    for (((queue, provider), accepted), seen) in [EMAIL, SMS, GEOCODE, PAYMENTS, BUCKETS]
        .into_iter()
        .zip(accepted)
        .zip(seen)
    {
        let row = stage.row(queue).await?;
        // An address that is known already is not asked for.
        let expected = match queue {
            "geocode" => others::ADDRESSES,
            // Events and reconciles only read; a customer, an intent and its payment are an effect each.
            "payment-reconcile" => money,
            // One request deletes many objects, and a rehearsal makes none.
            "export-cleanup" => writes,
            _ => row.completed,
        };
        check(
            accepted == row.completed + row.dead,
            "accepted = completed + dead",
        )?;
        check(
            seen.accepted == expected && seen.duplicates == 0,
            &format!("{provider} saw each effect once"),
        )?;
        check(
            row.pending + row.scheduled + row.running + row.retryable == 0,
            "nothing is left over",
        )?;
        let counts = [
            accepted,
            row.completed,
            row.dead,
            expected,
            seen.accepted,
            seen.duplicates,
        ];
        let mut cells = vec![queue.to_owned()];
        cells.extend(counts.iter().map(u64::to_string));
        rows.push(cells);
    }
    line("")?;
    let header = [
        "queue",
        "accepted",
        "completed",
        "dead",
        "effects expected",
        "seen by its provider",
        "twice",
    ];
    table(&header, rows)?;
    line("\naccepted = completed + dead, and the providers saw each effect once.")
}
