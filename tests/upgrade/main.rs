//! `just upgrade`: an earlier build of the program and today's, side by side on one Redis.
//!
//! In each case producers, operators, workers and carriers are of one build or the other, or of both. Jobs of every queue are
//! enqueued, cancelled, run before their time and replayed while workers are killed or stopped and replaced, and Redis is killed
//! once or fails over. An app commits mails in its own database, a cron entry ticks, and the app is told of all ends. Then every
//! accepted job is looked up: in Redis, at its provider, and in what the app was told. The last case is a queue whose keys are
//! laid out in a way that neither build knows. It exits with 1 if a job is lost, doubled without a cause or not as its key or its
//! cancel has it, if the app was not told of it, or if a command failed.

mod builds;
mod calls;
mod check;
mod layout;
mod rows;
mod servers;
mod sort;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use builds::Builds;
use check::COLUMNS;
use servers::Topology;
use trial::CASES;

/// An earlier build and today's, side by side
#[derive(Debug, Parser)]
struct Args {
    /// The earlier build of the program
    #[arg(long, value_name = "PATH")]
    before: PathBuf,
    /// What Redis is
    #[arg(long, value_enum, default_value_t = Topology::Single)]
    topology: Topology,
    /// Cases by name; all without one
    cases: Vec<String>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let args = Args::parse();
    let builds = Builds::new(&args.before);
    let named = |name: &str| args.cases.is_empty() || args.cases.iter().any(|case| case == name);
    println!("on {}", args.topology);
    println!("{COLUMNS}");
    let (mut tried, mut problems) = (0, Vec::new());
    for case in CASES.iter().filter(|case| named(case.name)) {
        tried += 1;
        let outcome = case.run(&builds, args.topology).await;
        println!("{outcome}");
        problems.extend(outcome.problems);
    }
    if named(layout::NAME) {
        tried += 1;
        let found = layout::run(&builds).await;
        println!(
            "{:<14}  both builds meet keys of another layout",
            layout::NAME
        );
        problems.extend(found);
    }
    if tried == 0 {
        let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        eprintln!("cases: {}, {}", names.join(", "), layout::NAME);
        return ExitCode::from(2);
    }
    for problem in &problems {
        println!("FAILED: {problem}");
    }
    ExitCode::from(u8::from(!problems.is_empty()))
}
