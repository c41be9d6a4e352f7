//! Operators who act while things break, by the commands that they have, and by the API.
//!
//! Each act makes jobs of its own, so that what its commands say of them can be checked. It runs beside the plan: a command may
//! wait for a Redis that is away.

mod acts;

use std::time::{Duration, Instant};

use longshore_client::kinds::SendEmail;
use longshore_client::{Client, Job, JobId};
use longshore_tests::{Caller, Stage, gone_by, program};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::facts::{Accepted, Command, Promise};
use crate::produce::now_ms;
use crate::roles::Door;
use crate::sort::Sort;

/// Who they are in the audit.
pub(crate) const OPERATOR: &str = "ops";

/// How long the last acts may take once all is well.
const LAST_ACTS: Duration = Duration::from_secs(60);

/// How long what an operator must not leave as it is may take, once nothing is broken any more.
const DONE_WITHIN: Duration = Duration::from_secs(120);

/// An act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Jobs of several queues are cancelled by their ids: some wait, some are due, some run.
    CancelNamed,
    /// A campaign is cancelled by its tag.
    CancelTagged,
    /// A job is cancelled whatever has become of it.
    CancelForced,
    /// A program takes a job back over HTTP.
    CancelByApi,
    /// Mails get another recipient: one that waits, and one that may be running.
    Edit,
    /// A person is forgotten, of whom some mails wait and some were sent.
    Forget,
    /// A queue is paused for some seconds.
    Pause,
    /// A provider is called more slowly for some seconds.
    Limit,
    /// All dead letters of a queue are replayed.
    Replay,
    /// Letters that die again are replayed at a rate.
    Drip,
    /// A letter is corrected and replayed.
    Correct,
    /// A letter is discarded.
    Discard,
    /// A cron entry is paused for some seconds.
    PauseCron,
}

impl Operation {
    pub(crate) const ALL: [Self; 13] = [
        Self::CancelNamed,
        Self::CancelTagged,
        Self::CancelForced,
        Self::CancelByApi,
        Self::Edit,
        Self::Forget,
        Self::Pause,
        Self::Limit,
        Self::Replay,
        Self::Drip,
        Self::Correct,
        Self::Discard,
        Self::PauseCron,
    ];
}

/// What came of acts.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) commands: Vec<Command>,
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) misbehaved: Vec<String>,
    /// When which cron entry was paused for good.
    pub(crate) ended: Vec<(&'static str, u64)>,
}

/// The operators.
#[derive(Debug)]
pub(crate) struct Operators {
    hands: Hands,
    acts: usize,
    acting: JoinSet<Done>,
}

impl Operators {
    pub(crate) fn new(stage: &Stage, api: Door, mails: Sort) -> Self {
        Self {
            hands: Hands {
                caller: Caller::new(stage, &program()),
                client: stage.client.clone(),
                api,
                mails,
                holds: std::sync::Arc::default(),
            },
            acts: 0,
            acting: JoinSet::new(),
        }
    }

    /// Begins an act.
    pub(crate) fn begin(&mut self, operation: Operation) {
        self.acts += 1;
        let turn = Turn {
            hands: self.hands.clone(),
            number: self.acts,
            done: Done::default(),
        };
        self.acting.spawn(turn.carry_out(operation));
    }

    /// Waits until all have come to an end, now that all is well, and ends what ticks: nothing else would ever be done.
    pub(crate) async fn end(mut self, entries: &[&'static str]) -> Done {
        let mut done = Done::default();
        let give_up = tokio::time::Instant::now() + LAST_ACTS;
        loop {
            match tokio::time::timeout_at(give_up, self.acting.join_next()).await {
                Ok(Some(act)) => done.add(act.expect("an act does not panic")),
                Ok(None) => break,
                Err(_) => {
                    let what = "stuck: acts of operators did not end in a minute";
                    done.misbehaved.push(what.to_owned());
                    break;
                }
            }
        }
        let mut last = Turn {
            hands: self.hands,
            number: self.acts + 1,
            done: Done::default(),
        };
        for entry in entries {
            // From its first try on it may be paused, also where the answer is lost.
            last.done.ended.push((entry, now_ms()));
            last.until_done("cron pause", &["cron", "pause", entry])
                .await;
        }
        done.add(last.done);
        done
    }
}

impl Done {
    fn add(&mut self, other: Self) {
        self.commands.extend(other.commands);
        self.accepted.extend(other.accepted);
        self.misbehaved.extend(other.misbehaved);
        self.ended.extend(other.ended);
    }
}

/// What an operator has.
#[derive(Debug, Clone)]
struct Hands {
    caller: Caller,
    client: Client,
    api: Door,
    mails: Sort,
    /// Held while a queue or an entry is held back: nobody ends what another one began.
    holds: std::sync::Arc<tokio::sync::Mutex<()>>,
}

/// One act under way.
struct Turn {
    hands: Hands,
    number: usize,
    done: Done,
}

/// A command that was called: where it stands among those of its act, and what it said.
struct Called {
    place: usize,
    code: Option<i32>,
    said: Value,
    /// What it said of its failure.
    stderr: String,
}

impl Turn {
    /// Enqueues a job for this act, due after `delay`.
    async fn job<J: Job>(
        &mut self,
        job: J,
        sort: Sort,
        delay: Duration,
        tag: Option<&str>,
    ) -> Option<JobId> {
        let asked_ms = now_ms();
        let client = self.hands.client.clone();
        let mut enqueue = client.enqueue(job);
        if !delay.is_zero() {
            enqueue = enqueue.delay(delay);
        }
        if let Some(tag) = tag {
            enqueue = enqueue.tag(tag);
        }
        // Redis may be away: then the act has a job less.
        let id = enqueue.await.ok()?;
        self.done.accepted.push(Accepted {
            id,
            sort,
            kind: J::KIND,
            number: self.number,
            asked_ms,
            at_ms: now_ms(),
        });
        Some(id)
    }

    async fn mail(&mut self, to: &str, delay: Duration, tag: Option<&str>) -> Option<JobId> {
        let mail = SendEmail::new("welcome", to);
        self.job(mail, self.hands.mails, delay, tag).await
    }

    /// Calls a command about these jobs, with a reason of its own, and notes how it ended.
    async fn call(&mut self, name: &'static str, args: &[&str], of: Vec<JobId>) -> Called {
        let place = self.done.commands.len();
        let reason = format!("act {}, step {place}: {name}", self.number);
        let mut args = args.to_vec();
        args.extend(["--reason", &reason, "--yes", "--json"]);
        let asked_ms = now_ms();
        let said = self.hands.caller.call(&args, "").await;
        // 1: not done; 2: refused, as the job went on meanwhile; 3: Redis is away.
        if !matches!(said.code, Some(0..=3)) || said.stderr.contains("panicked") {
            let what = format!("command: `{}`: {said:?}", args.join(" "));
            self.done.misbehaved.push(what);
        }
        self.done.commands.push(Command {
            name,
            reason,
            asked_ms,
            at_ms: now_ms(),
            changed: false,
            of,
            promises: Vec::new(),
        });
        Called {
            place,
            code: said.code,
            said: serde_json::from_str(&said.stdout).unwrap_or_default(),
            stderr: said.stderr,
        }
    }

    /// Calls it until it is done: what an operator must not leave as it is. One that is never done ends the wait, and is told.
    async fn until_done(&mut self, name: &'static str, args: &[&str]) -> Called {
        let began = Instant::now();
        loop {
            let since = Instant::now();
            let called = self.call(name, args, Vec::new()).await;
            if called.code == Some(0) {
                self.noted(&called).changed = called.said["changed"] != false;
                return called;
            }
            if began.elapsed() > DONE_WITHIN {
                let said = &called.stderr;
                let what = format!("command: `{name}` was not done in {DONE_WITHIN:?}: {said}");
                self.done.misbehaved.push(what);
                return called;
            }
            gone_by(Duration::from_millis(500), since).await;
        }
    }

    fn noted(&mut self, called: &Called) -> &mut Command {
        &mut self.done.commands[called.place]
    }

    fn promised(&mut self, called: &Called, promise: Promise) {
        let command = self.noted(called);
        // What was paused already stays so: its resume may be lost.
        command.changed |= called.said["changed"] != false;
        command.promises.push(promise);
    }
}
