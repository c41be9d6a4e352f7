//! How fast Longshore is, beside others and beside its budget: `just bench`. It measures and never judges by an exit
//! code: a figure that misses its budget is a line that says so.

mod speed;

use std::process::ExitCode;

use clap::Parser;
use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::RedisServer;
use speed::report::{self, Section};
use speed::{Failure, MEASURES, Scale};

/// Measures Longshore beside others, on private Redis servers that it starts itself.
#[derive(Debug, Parser)]
struct Options {
    /// Prints JSON: an array of {measure, who, value, unit, runs, ratio?, budget?, holds?}
    #[arg(long)]
    json: bool,
    /// A tenth of everything: shows that it works, not how fast
    #[arg(long)]
    quick: bool,
    /// Only these measures
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(MEASURES))]
    measures: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let scale = Scale {
        quick: options.quick,
    };
    if !options.json {
        match machine().await {
            Ok(machine) => println!("{machine}"),
            Err(error) => {
                eprintln!("no private Redis: {error}");
                return ExitCode::FAILURE;
            }
        }
        if options.quick {
            println!("--quick: a tenth of everything. These figures say that it works, no more.");
        }
    }
    let mut sections = Vec::new();
    let mut failed = false;
    for measure in MEASURES {
        if !options.measures.is_empty() && !options.measures.iter().any(|name| name == measure) {
            continue;
        }
        match speed::run(measure, scale).await {
            Ok(section) => {
                if !options.json {
                    print!("{section}");
                }
                sections.push(section);
            }
            Err(error) => {
                failed = true;
                eprintln!("{measure} could not be measured: {error}");
            }
        }
    }
    if options.json {
        println!("{:#}", report::json(&sections));
    } else {
        println!("\n{}", verdict(&sections));
    }
    match failed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

async fn machine() -> Result<String, Failure> {
    let redis = RedisServer::start()?;
    let facts = Link::new(&redis.url(), LinkOptions::default())?
        .server_facts()
        .await?;
    let cores = std::thread::available_parallelism()?;
    Ok(format!(
        "{cores} cores, shared with Redis {}. Ratios within one run mean something; figures of two runs do not\n\
         compare, since machines drift. The ratio is ours / theirs unless it says otherwise.",
        facts.version.unwrap_or_default()
    ))
}

fn verdict(sections: &[Section]) -> String {
    let budgets = sections.iter().flat_map(Section::budgets);
    let (held, missed): (Vec<bool>, Vec<bool>) = budgets.partition(|holds| *holds);
    format!("budgets: {} hold, {} missed", held.len(), missed.len())
}
