//! A kind of jobs of one's own, and the program that knows it. Nobody outside is called, so there is no provider.
//!
//! With arguments it is that program: `own-kind kinds`, `own-kind work`, `own-kind enqueue count_words '{"text":"…"}'`.
//! Without, it shows itself on a Redis of its own: a worker in a process, a job, and what an operator sees of it.

use std::error::Error;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use longshore_client::Client;
use longshore_integration::settings::Settings;
use longshore_integration::{Integration, QueueSpec, SetUp};
use longshore_job::{
    Answer, Handler, Handlers, InvalidArgs, Job, JobError, KindPolicy, KindSpec, Outcome, Run,
};
use longshore_sandbox::RedisServer;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Counts the words of a text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CountWords {
    text: String,
}

impl Job for CountWords {
    const KIND: &'static str = "count_words";
    const QUEUE: &'static str = "words";
    // The text may be about anybody: operators see it only when they ask for it.
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &["words"];
    const POLICY: KindPolicy = KindPolicy::taking(Duration::from_secs(5));

    fn check(&self) -> Result<(), InvalidArgs> {
        match self.text.trim().is_empty() {
            true => Err(InvalidArgs::field("text", "must not be empty")),
            false => Ok(()),
        }
    }
}

struct CountWordsHandler;

impl Handler for CountWordsHandler {
    type Job = CountWords;

    // It changes nothing, so it may as well run twice.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: CountWords, _: Run) -> Result<Outcome, JobError> {
        let words = job.text.split_whitespace().count();
        Ok(Outcome::Done {
            result: Some(json!({ "words": words })),
            answer: Answer::default(),
        })
    }
}

const fn integration() -> Integration {
    const {
        Integration {
            name: "words",
            crate_name: env!("CARGO_CRATE_NAME"),
            queue: QueueSpec::new(CountWords::QUEUE),
            kinds: &[KindSpec::of::<CountWords>()],
            follow_ups: &[],
            settings: Settings::NONE,
            set_up: &|_| {
                Box::pin(async {
                    Ok(Some(SetUp {
                        handlers: Handlers::new().with(CountWordsHandler),
                        calls: None,
                    }))
                })
            },
            provider: None,
            cron: &[],
            events: &[],
            notices: None,
            files: None,
            sandboxes: &[],
        }
    }
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        return longshore_app::App::new().integration(integration()).main();
    }
    match show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show() -> Result<(), Box<dyn Error>> {
    let redis = RedisServer::start()?;
    let dir = tempfile::tempdir()?;
    let program = std::env::current_exe()?;
    // The program by its arguments. The directory holds no configuration but what is said here.
    let own = |args: &[&str]| {
        println!("\n$ own-kind {}", args.join(" "));
        let mut command = Command::new(&program);
        command
            .args(args)
            .current_dir(dir.path())
            .env("LONGSHORE_REDIS__URL", redis.url())
            .env("LONGSHORE_WORKER__HTTP_ADDR", "127.0.0.1:0")
            .env("RUST_LOG", "error");
        command
    };

    println!("The program knows the kind, and which setting says how its jobs are run:");
    done(own(&["kinds", "count_words"]))?;
    println!("\nWrong args are refused at the door:");
    let refused = own(&["enqueue", "count_words", r#"{"text":""}"#]).status()?;
    if refused.code() != Some(2) {
        return Err(format!("it ended with {refused} instead of 2").into());
    }

    println!("\nA worker in a process of its own carries jobs out:");
    let mut worker = Worker(own(&["work"]).spawn()?);
    let words = CountWords {
        text: "Accepted means kept".to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        let client = Client::new(&redis.url())?;
        client
            .enqueue_and_wait(words, Duration::from_secs(30))
            .await
    })?;
    println!("{} is {}", ended.id, ended.state);

    println!("\nAn operator sees its result, and not its text:");
    done(own(&["job", &ended.id.to_string()]))?;

    println!("\nTold to stop, the worker finishes what it runs and leaves.");
    worker.stop()
}

/// Runs it, and fails if it does.
fn done(mut command: Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("it ended with {status}").into()),
    }
}

/// Stopped at the latest when the example ends.
struct Worker(Child);

impl Worker {
    fn stop(&mut self) -> Result<(), Box<dyn Error>> {
        kill_process(Pid::from_child(&self.0), Signal::TERM)?;
        let status = self.0.wait()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("the worker ended with {status}").into()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
