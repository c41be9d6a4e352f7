//! `demo`: the whole thing at work, on a private Redis and the stand-in providers. Everything it says it has seen, and
//! it ends with an error where it has not.

mod buckets;
mod mails;
mod others;
mod payments;
mod stage;

use longshore_app::clap::{Args, Command};
use longshore_app::output::{line, table};
use longshore_app::{Failure, OwnCommand};

use crate::cli::{Demo, read};
use stage::{BUCKETS, EMAIL, GEOCODE, PAYMENTS, SMS, Stage};

/// The command.
pub(super) fn command() -> OwnCommand {
    OwnCommand {
        command: Demo::augment_args(Command::new("demo"))
            .about("Shows the whole thing at work, on a private Redis and the stand-in providers"),
        examples: &["longshore demo", "longshore demo --jobs 200"],
        run: |matches| Box::pin(async move { run(&read(&matches)?).await }),
    }
}

async fn run(args: &Demo) -> Result<(), Failure> {
    let mut stage = Stage::set().await?;
    let jobs = u64::from(args.jobs);
    line(
        "A private Redis and stand-ins for SendGrid, Twilio, Google Maps, Stripe, S3, R2 and the app are up. For this show a failed",
    )?;
    line(
        "attempt is made again after 1, 2 and 4 s instead of 60, 300 and 900 s, and an open breaker lets a call through\nafter 1 s instead of 30 s.",
    )?;

    let mails = mails::run(&mut stage, jobs).await?;
    let texts = others::messages(&mut stage).await?;
    let addresses = others::addresses(&stage).await?;
    let (payments, money) = payments::run(&stage).await?;
    let (sweeps, writes) = buckets::run(&stage).await?;

    stage.stop_all().await?;
    let accepted = [mails, texts, addresses, payments, sweeps];
    last_table(&stage, accepted, money, writes).await
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
