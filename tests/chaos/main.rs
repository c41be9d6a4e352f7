//! `just chaos`: real processes, faults by a seed, and a ledger of what they came to.
//!
//! A run has three legs, one for each way in which a Redis keeps its data; with `--topology sentinel` or `cluster` it has two, and
//! in the second one `redis.wait_replicas` is set, so that nothing that was accepted may be lost. In each, producers enqueue without a pause, by
//! the client and over HTTP; four workers work all queues as shipped, two carriers bring what an app commits into its Postgres, the app is told of
//! each end, providers tell of theirs, somebody looks at the console, operators act, and the plan's faults are carried out on
//! all of them. Then all is mended, everything ends, and each accepted job is looked up: in Redis, and in the ledgers of the
//! providers. It exits with 1 when a job is lost, doubled without a cause that the guarantees allow, or stuck, when a command
//! did not tell the truth, and when anything else is as docs/reliability.md says that it must not be.

mod app;
mod check;
mod checkout;
mod facts;
mod faults;
mod ledger;
mod leg;
mod look;
mod looker;
mod memory;
mod operate;
mod plan;
mod print;
mod produce;
mod recovery;
mod roles;
mod rows;
mod servers;
mod settle;
mod sort;
mod supervise;
mod through_api;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use check::check;
use faults::Topology;
use leg::Leg;
use print::print;

/// Faults by a seed, and a ledger of what they came to
#[derive(Debug, Parser)]
struct Args {
    /// How long faults are carried out, in all three legs together
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// The same seed gives the same plan of faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What Redis is: one server, a primary with Sentinels, or a cluster
    #[arg(long, value_enum, default_value_t = Topology::Single)]
    topology: Topology,
    /// How many faults that must not be are listed for each leg
    #[arg(long, default_value_t = 10)]
    list: usize,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let args = Args::parse();
    if !(0.5..=600.0).contains(&args.minutes) {
        eprintln!("--minutes {}: give 0.5 to 600", args.minutes);
        return ExitCode::from(2);
    }
    let started = Instant::now();
    let redis = match args.topology {
        Topology::Single => "one Redis",
        Topology::Sentinel => "a Redis with two replicas and three Sentinels",
        Topology::Cluster => "a Redis Cluster of three primaries with a replica each",
    };
    println!(
        "chaos: seed {}, {} minutes of faults, {redis}",
        args.seed, args.minutes
    );
    let legs = args.topology.legs();
    let length = Duration::from_secs_f64(args.minutes * 60.0 / legs.len() as f64);
    let mut ending = Vec::new();
    for &persistence in legs {
        let leg = Leg::run(args.seed, length, args.topology, persistence).await;
        // What is left to do in one leg goes on beside the next.
        ending.push((persistence, tokio::spawn(leg.settle())));
    }
    let mut all_well = true;
    for (persistence, settled) in ending {
        let (counts, facts) = settled.await.expect("a leg ends");
        let ledger = check(&facts);
        print(persistence, &counts, &facts, &ledger, args.list);
        all_well &= ledger.faults.is_empty();
    }
    let seconds = started.elapsed().as_secs();
    if all_well {
        println!("\nlost 0, doubled 0 without a cause, stuck 0, in {seconds} s");
    } else {
        println!("\nFAILED after {seconds} s: see the lines above, and run the seed again");
    }
    ExitCode::from(u8::from(!all_well))
}
