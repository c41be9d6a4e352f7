//! Text messages and addresses: a provider that can be asked what it did, and one whose answers are remembered.

use std::time::Duration;

use longshore_client::kinds::{GeocodeAddress, SendSms};
use longshore_sandbox::{Fault, FaultRule};

use super::stage::{GEOCODE, SMS, Stage};
use super::{check, step};
use longshore_app::Failure;
use longshore_app::output::line;

const MESSAGES: u64 = 100;
/// How many answers of Twilio's are lost.
const LOST: u64 = 20;
/// How many different addresses there are.
pub(super) const ADDRESSES: u64 = 40;
/// Twilio reports twice of each message: sent, then delivered.
const REPORTS: usize = 2 * MESSAGES as usize;
/// Longer than they take on a slow machine.
const REPORTS_WITHIN: Duration = Duration::from_secs(60);

/// Returns how many were accepted.
pub(super) async fn messages(stage: &mut Stage) -> Result<u64, Failure> {
    step(
        6,
        &format!(
            "{MESSAGES} text messages: Twilio sends them all, but {LOST} of its answers are lost"
        ),
    )?;
    stage.start_webhooks().await?;
    let lost = FaultRule::first(LOST, Fault::HangUp { effect: true });
    let faults = stage.twilio.faults();
    faults.set(vec![lost]).map_err(Failure::failed)?;
    let texts = (0..MESSAGES).map(|n| SendSms::new(format!("+479{n:07}"), "Bordet er klart 🍽"));
    let ids = stage.client.enqueue_all(texts).await?;
    stage
        .wait(SMS.0, "completed", MESSAGES, |row| row.completed)
        .await?;
    check(
        stage.twilio.ledger().summary().accepted == MESSAGES,
        "every message was sent once",
    )?;
    check(
        stage.twilio.reads() >= LOST,
        "Twilio was asked about each lost answer",
    )?;
    line(&format!(
        "  {LOST} outcomes were unknown: Twilio was asked, had those messages, and none was sent again"
    ))?;
    let reports = stage.twilio.wait_called_back(REPORTS_WITHIN, REPORTS).await;
    check(
        reports
            .iter()
            .filter(|report| report.answer == Some(204))
            .count()
            == REPORTS,
        "every report of Twilio's was taken",
    )?;
    for id in ids {
        let job = stage.operator.job(&id.to_string(), None).await?;
        let state = job.delivery.and_then(|delivery| delivery.state);
        check(
            state.as_deref() == Some("delivered"),
            "every job knows that its message was delivered",
        )?;
    }
    line(&format!(
        "  its {REPORTS} signed reports came to `longshore webhooks`, and each job knows that its message was delivered"
    ))?;
    Ok(MESSAGES)
}

/// Returns how many were accepted.
pub(super) async fn addresses(stage: &Stage) -> Result<u64, Failure> {
    step(
        7,
        &format!("{ADDRESSES} addresses are looked up, and then the same again"),
    )?;
    for round in 1..=2 {
        let addresses =
            (0..ADDRESSES).map(|n| GeocodeAddress::new(format!("Storgata {n}, Tromsø")));
        stage.client.enqueue_all(addresses).await?;
        stage
            .wait(GEOCODE.0, "completed", round * ADDRESSES, |row| {
                row.completed
            })
            .await?;
    }
    let asked = stage.maps.ledger().requests();
    check(
        asked == ADDRESSES,
        "an address that is known is not asked for",
    )?;
    line(&format!(
        "  Google Maps was asked {asked} times: the fleet remembers"
    ))?;
    Ok(2 * ADDRESSES)
}
