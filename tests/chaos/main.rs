//! `just chaos`: real processes, faults by a seed, and a ledger of what they came to.
//!
//! A run has three legs, one for each way in which a Redis keeps its data; with `--topology sentinel` or `cluster` it has two, and
//! in the second one `redis.wait_replicas` is set, so that nothing that was accepted may be lost. In each, producers enqueue without a pause, four
//! workers work all queues as shipped, two carriers bring what an app commits into its Postgres, the app is told of each end,
//! and the plan's faults are carried out on all of them. Then all is mended, everything ends, and each accepted job is looked
//! up: in Redis, and in the ledgers of the providers. It exits with 1 when a job is lost, doubled without a cause that the
//! guarantees allow, stuck, there though its transaction was rolled back, or has lost an attempt to a sick worker, and when
//! the app was not told of an end.

mod app;
mod check;
mod checkout;
mod facts;
mod faults;
mod leg;
mod looker;
mod plan;
mod produce;
mod roles;
mod rows;
mod servers;
mod settle;
mod sort;
mod through_api;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use check::{Ledger, check};
use facts::Facts;
use faults::{Persistence, Topology};
use leg::Leg;

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

fn print(
    persistence: Persistence,
    counts: &BTreeMap<&'static str, usize>,
    facts: &Facts,
    ledger: &Ledger,
    list: usize,
) {
    let done: Vec<_> = counts
        .iter()
        .map(|(what, n)| format!("{n} {what}"))
        .collect();
    let dead: usize = ledger.dead.values().sum();
    println!("\n{persistence}: {}", done.join(", "));
    println!(
        "  accepted {} = {} completed + {dead} dead + {} gone with writes that Redis lost",
        ledger.accepted, ledger.completed, ledger.gone
    );
    for (cause, count) in &ledger.dead {
        println!("    dead {count}: {cause}");
    }
    let effects: usize = facts.effects.values().map(Vec::len).sum();
    let doubled: usize = ledger.doubled.values().sum();
    println!("  effects {effects}, of them second ones with a cause {doubled}");
    for (cause, count) in &ledger.doubled {
        println!("    {count}: {cause}");
    }
    println!(
        "  ends that the app was told of {}, and again {}; gone with writes that Redis lost {}; not told {}, told of the queue events {}",
        ledger.told,
        ledger.told_again,
        ledger.untold_gone,
        ledger.count("untold"),
        ledger.count("echo")
    );
    println!(
        "  lost {}, doubled without a cause {}, stuck {}, there though rolled back {}, attempts burnt by sick workers {}",
        ledger.count("lost"),
        ledger.count("doubled"),
        ledger.count("stuck"),
        ledger.count("uncommitted"),
        ledger.count("burnt")
    );
    for fault in ledger.faults.iter().take(list) {
        println!("    {fault}");
    }
}
