//! A fleet in a process of one's own: an app that works its own jobs, beside whatever else it does. No configuration is read,
//! and there is no other process than Redis, which the example starts for itself.
//!
//! What an app gives up by this: the command line knows nothing of its kinds, and a deploy of the app is one of the workers.
//! `own-kind` shows the other way.

use std::error::Error;
use std::time::Duration;

use longshore_client::Client;
use longshore_job::{Answer, Handler, InvalidArgs, Job, JobError, Outcome, RetrySchedule, Run};
use longshore_queue::{Link, LinkOptions, OnUnknown, Policy, Queue, Retention};
use longshore_sandbox::RedisServer;
use longshore_worker::{Fleet, FleetOptions, Handlers, LeftBehind, WorkSettings};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

/// Divides one number by another.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Divide {
    this: u32,
    by: u32,
}

impl Job for Divide {
    const KIND: &'static str = "divide";
    const QUEUE: &'static str = "sums";
    const PUBLIC_ARGS: &'static [&'static str] = &["this", "by"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &["quotient"];

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

struct DivideHandler;

impl Handler for DivideHandler {
    type Job = Divide;

    const MAY_REPEAT: bool = true;

    async fn run(&self, job: Divide, _: Run) -> Result<Outcome, JobError> {
        // A refusal: the job is a dead letter at once, since another attempt would end the same way.
        let quotient = job.this.checked_div(job.by).ok_or_else(|| {
            JobError::refusal("division_by_zero", "nothing can be divided by zero")
        })?;
        Ok(Outcome::Done {
            result: Some(json!({ "quotient": quotient })),
            answer: Answer::default(),
        })
    }
}

/// What `config/default.toml` says for the workers of `longshore`.
fn settings() -> WorkSettings {
    WorkSettings {
        concurrency: 20,
        max_running: None,
        timeout: Duration::from_secs(30),
        policy: Policy {
            schedule: RetrySchedule::default(),
            on_unknown: OnUnknown::Retry,
        },
        unknown_kind: Duration::from_secs(3600),
        retention: Retention {
            keep: Duration::from_secs(3600),
            max_bytes: Some(64 << 20),
        },
        heartbeat: Duration::from_secs(5),
        lost_after: Duration::from_secs(15),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redis = RedisServer::start()?;
    let link = Link::new(&redis.url(), LinkOptions::default())?;
    let queue = Queue::new(link, "longshore", Divide::QUEUE)?;
    let options = FleetOptions {
        name: format!("app-{}", std::process::id()),
        host: "localhost".to_owned(),
        http_addr: ([127, 0, 0, 1], 0).into(),
        drain: Duration::from_secs(40),
    };
    let (stop, stopped) = mpsc::channel(1);
    let fleet = Fleet::new(options).queue(queue, settings(), Handlers::new().with(DivideHandler));
    let fleet = tokio::spawn(fleet.run(stopped));
    println!("The fleet runs in this process.");

    let client = Client::new(&redis.url())?;
    for (this, by) in [(84, 2), (1, 0)] {
        let job = Divide { this, by };
        let ended = client
            .enqueue_and_wait(job, Duration::from_secs(30))
            .await?;
        let what = ended.result.map(|result| result.to_string());
        let what = what.or(ended.reason).unwrap_or_default();
        println!("{this} / {by} is {}: {what}", ended.state);
    }

    // As a signal does it for `longshore work`: no more claims, and what runs may finish.
    stop.send(()).await?;
    let left = fleet.await??;
    if left != LeftBehind::default() {
        return Err(format!("something was left behind: {left:?}").into());
    }
    println!("The fleet has drained, and the process can leave.");
    Ok(())
}
