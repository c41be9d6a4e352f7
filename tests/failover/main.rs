//! `just failover`: what a failover of Redis costs, with the settings of `deploy/redis` and the shipped ones of workers.
//!
//! In each case five hundred mails a second are enqueued, each by a call of its own, four workers send them, and ten seconds
//! later something happens to Redis. Then every accepted job is looked up, in Redis and at the provider. It exits with 1 when
//! something is lost that was promised to be kept, or doubled without a cause, or a worker has ended.

mod cases;
mod one;
mod producers;
mod report;

use std::process::ExitCode;

use clap::Parser;

use cases::{CASES, Case};

/// What a failover of Redis loses, doubles, and how long it takes
#[derive(Debug, Parser)]
struct Args {
    /// Cases by name, or by how their names begin; all without one
    cases: Vec<String>,
    /// Mails a second
    #[arg(long, default_value_t = 500)]
    rate: u64,
    /// For how many seconds they are enqueued after the fault; at least until five after its end
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let args = Args::parse();
    let wanted = |case: &&Case| {
        let begins = |name: &String| case.name.starts_with(name.as_str());
        args.cases.is_empty() || args.cases.iter().any(begins)
    };
    let cases: Vec<_> = CASES.iter().filter(wanted).collect();
    if cases.is_empty() || !(10..=2000).contains(&args.rate) || !(10..=600).contains(&args.seconds)
    {
        let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        eprintln!(
            "cases: {}; --rate 10 to 2000; --seconds 10 to 600",
            names.join(", ")
        );
        return ExitCode::from(2);
    }
    println!("{}", report::HEAD);
    let mut all_well = true;
    for case in cases {
        let outcome = case.run(args.rate, args.seconds).await;
        println!("{outcome}");
        for problem in outcome.problems(case) {
            all_well = false;
            println!("    FAILED: {problem}");
        }
    }
    println!("{}", report::FOOT);
    ExitCode::from(u8::from(!all_well))
}
