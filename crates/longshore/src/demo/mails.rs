//! Emails: what an outage, a deploy and a refused template do to them.

use std::time::Duration;

use longshore_app::Failure;
use longshore_app::output::{line, table};
use longshore_client::{Client, JobId, kinds::SendEmail};
use longshore_operator::{Operator, Signed, Target};
use longshore_queue::BreakerState;
use longshore_sandbox::{Fault, FaultRule, Only};
use serde_json::json;

use super::stage::{EMAIL, Stage};
use super::{check, step};

/// How many mails SendGrid refuses until its template is put right.
const REFUSED: u64 = 20;
/// How many name a template that nobody has configured.
const UNKNOWN: u64 = 3;

/// Five scenes, one after the other. Returns how many emails were accepted.
pub(super) async fn run(stage: &mut Stage, jobs: u64) -> Result<u64, Failure> {
    let accepted = before_any_worker(stage, jobs).await?;
    outage(stage, jobs, accepted).await?;
    let accepted = deploy(stage, jobs, accepted).await?;
    let accepted = refused_template(stage, accepted).await?;
    replay(stage, accepted).await?;
    Ok(accepted)
}

/// A delay, and a key that is given twice. Returns how many were accepted.
async fn before_any_worker(stage: &Stage, jobs: u64) -> Result<u64, Failure> {
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
    line("  one of them due in 3 s, and one twice with the same key: enqueued once")?;
    Ok(jobs + 2)
}

/// The provider fails, and all that was accepted is sent when it is back.
async fn outage(stage: &mut Stage, jobs: u64, accepted: u64) -> Result<(), Failure> {
    step(
        2,
        "SendGrid answers 503 to everything; two workers start all the same",
    )?;
    stage.faults(vec![FaultRule::always(unavailable())])?;
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
    ))
}

/// A worker is replaced by another one while it is at work. Returns how many are accepted by then.
async fn deploy(stage: &mut Stage, jobs: u64, accepted: u64) -> Result<u64, Failure> {
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
    Ok(accepted)
}

/// What the provider refuses is no use to try again. Returns how many are accepted by then.
async fn refused_template(stage: &Stage, accepted: u64) -> Result<u64, Failure> {
    step(
        4,
        &format!(
            "SendGrid refuses the template `invoice`: {REFUSED} mails are dead letters at once"
        ),
    )?;
    stage.faults(vec![FaultRule::always(bad_template()).only(Only {
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
    Ok(accepted)
}

/// The group of refused emails is sent after all.
async fn replay(stage: &Stage, accepted: u64) -> Result<(), Failure> {
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
    ))
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
