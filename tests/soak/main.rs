//! `just soak`: a fleet of every role under a steady load for a long time, and what that leaves behind.
//!
//! Producers enqueue jobs of every provider at one rate: by the client, by the HTTP API, and in transactions of a Postgres. Two
//! workers work all queues, a carrier brings the rows, a listener hears Stripe's events, the app is told of ends, a schedule ticks
//! each minute, somebody looks at the console. One mail in two hundred meets a 503, so that some jobs wait for their
//! retry. Each tenth of the time is one row: how many jobs ended, how long from the request to the mail at its provider, the memory
//! of each process and of Redis. Then the producers end, everything ends, what is kept for a while goes, and every key that is
//! left in Redis is looked at. Ended jobs are kept for five minutes here, so that they go within the run. All else is as shipped.
//!
//! It exits with 1 if a job is lost or sent twice, if a process or Redis has grown by more than what is kept on purpose, or if a
//! key is left that nothing keeps on purpose. Latencies are shown, and nothing depends on them.

mod fleet;
mod keys;
mod load;
mod row;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use longshore_tests::gone_by;

use fleet::Fleet;
use keys::{Keys, left_over};
use load::Producers;
use row::{HEAD, Row, grown};

/// A steady load for a long time, and what it leaves behind
#[derive(Debug, Parser)]
struct Args {
    /// How long jobs are produced
    #[arg(long, default_value_t = 90.0)]
    minutes: f64,
    /// Jobs a second, about; the configured limits of the providers allow 150
    #[arg(long, default_value_t = 90)]
    rate: usize,
}

/// How many rows are shown.
const ROWS: u32 = 10;

/// For how long ended jobs are kept here.
const KEPT: Duration = Duration::from_secs(300);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let args = Args::parse();
    if !(2.0..=2000.0).contains(&args.minutes) || !(10..=150).contains(&args.rate) {
        eprintln!("--minutes: give 2 to 2000; --rate: give 10 to 150");
        return ExitCode::from(2);
    }
    let length = Duration::from_secs_f64(args.minutes * 60.0);
    println!(
        "soak: {} jobs a second for {} minutes; ended jobs are kept for {} s",
        args.rate,
        args.minutes,
        KEPT.as_secs()
    );
    let fleet = Fleet::start(KEPT).await;
    let producers = Producers::start(&fleet, args.rate);
    println!("{HEAD}");
    let started = Instant::now();
    let mut rows: Vec<Row> = Vec::new();
    let mut at_first = None;
    for part in 1..=ROWS {
        gone_by(length * part / ROWS, started).await;
        let row = Row::take(&fleet, started.elapsed(), rows.last()).await;
        println!("{row}");
        // What is kept for a while has filled up by then, in a run that is long enough.
        if at_first.is_none() && started.elapsed() > KEPT * 2 {
            at_first = Some((rows.len(), Keys::of(&fleet).await));
        }
        rows.push(row);
    }
    let at_last = Keys::of(&fleet).await;
    let accepted = producers.end().await;
    let mut problems = fleet.ends(&accepted).await;
    if let Some((first, keys)) = &at_first {
        println!("\nwhat grew in Redis from row {} to the last:", first + 1);
        let kept = at_last.grown_since(keys);
        problems.extend(grown(&rows[*first..], kept));
    } else {
        println!(
            "\ntoo short for a word on memory: give more than {} minutes",
            KEPT.as_secs() * 20 / 9 / 60 + 1
        );
    }
    println!(
        "\nwaiting {} s until what is kept for a while goes",
        KEPT.as_secs()
    );
    gone_by(KEPT + Duration::from_secs(60), Instant::now()).await;
    println!("left in Redis:");
    problems.extend(left_over(&Keys::of(&fleet).await));
    println!(
        "\n{} jobs accepted by the client and the API, each done once unless a line below says otherwise; {} s",
        accepted.len(),
        started.elapsed().as_secs()
    );
    for problem in &problems {
        println!("FAILED: {problem}");
    }
    ExitCode::from(u8::from(!problems.is_empty()))
}
