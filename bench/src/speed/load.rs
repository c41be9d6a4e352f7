//! The jobs that everybody runs, and what is noted of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use longshore_job::{InvalidArgs, Job, Prepared};
use longshore_queue::Link;
use redis::Cmd;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};

use super::Failure;

/// The size of a job in the comparisons, in bytes as stored.
pub(crate) const PAYLOAD_BYTES: usize = 205;

/// The longest that any load may take.
const GIVE_UP: Duration = Duration::from_secs(120);

/// A job's args.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    due_ms: u64,
    filler: String,
}

impl Job for Load {
    const KIND: &'static str = "load";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const QUEUE: &'static str = "load";

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

impl Load {
    /// Args that make a payload of this many bytes, for a job that is due at this time, in ms since the epoch.
    pub(crate) fn new(bytes: usize, due_ms: u64) -> Result<Self, InvalidArgs> {
        let bare = Self {
            due_ms,
            filler: String::new(),
        };
        let filler = bytes.saturating_sub(Prepared::new(&bare)?.payload.len());
        Ok(Self {
            due_ms,
            filler: "x".repeat(filler),
        })
    }
}

/// The stored form: to the others a type like any other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Envelope {
    kind: String,
    v: u32,
    args: Load,
}

impl Envelope {
    /// The same bytes as ours.
    pub(crate) fn new() -> Result<Self, InvalidArgs> {
        Ok(Self {
            kind: Load::KIND.to_owned(),
            v: Load::VERSION,
            args: Load::new(PAYLOAD_BYTES, 0)?,
        })
    }

    pub(crate) fn load(&self) -> &Load {
        &self.args
    }
}

/// When a handler started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) at: Instant,
    /// How long after it was due, in ms.
    pub(crate) late_ms: f64,
}

/// What the jobs of a measurement do, whoever runs them.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// Nothing.
    Nothing,
    /// Takes so long, without using the processor.
    Takes(Duration),
    /// Says when it started.
    Tells(mpsc::UnboundedSender<Start>),
}

/// Jobs of which so many are expected: from the first start to the last end.
#[derive(Debug)]
pub(crate) struct Meter {
    does: Does,
    expected: usize,
    done: AtomicUsize,
    first: OnceLock<Instant>,
    last: OnceLock<Instant>,
    ended: Notify,
}

impl Meter {
    pub(crate) fn new(does: Does, expected: usize) -> Arc<Self> {
        Arc::new(Self {
            does,
            expected,
            done: AtomicUsize::new(0),
            first: OnceLock::new(),
            last: OnceLock::new(),
            ended: Notify::new(),
        })
    }

    /// One run.
    pub(crate) async fn run(&self, load: &Load) {
        let began = self.first.get_or_init(Instant::now);
        match &self.does {
            Does::Nothing => {}
            Does::Takes(time) => tokio::time::sleep(*time).await,
            Does::Tells(starts) => {
                // Whoever does not listen any more has heard enough.
                let _ = starts.send(Start {
                    at: Instant::now(),
                    late_ms: epoch_ms() - load.due_ms as f64,
                });
            }
        }
        if self.done.fetch_add(1, Ordering::AcqRel) + 1 == self.expected {
            self.last.get_or_init(|| Instant::now().max(*began));
            self.ended.notify_one();
        }
    }

    /// How many have run.
    pub(crate) fn done(&self) -> usize {
        self.done.load(Ordering::Acquire)
    }

    /// Jobs a second, once all have run.
    pub(crate) async fn rate(&self) -> Result<f64, Failure> {
        let (first, last) = self.all_ran().await?;
        Ok(self.expected as f64 / (last - first).as_secs_f64())
    }

    /// Jobs a second, once all have run and Redis has all their outcomes; the command says how many it has.
    pub(crate) async fn settled_rate(&self, link: &Link, count: &Cmd) -> Result<f64, Failure> {
        let (first, last) = self.all_ran().await?;
        while last.elapsed() < GIVE_UP {
            let settled: usize = link.command(count).await?;
            if settled >= self.expected {
                return Ok(self.expected as f64 / first.elapsed().as_secs_f64());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err("outcomes are missing".into())
    }

    async fn all_ran(&self) -> Result<(Instant, Instant), Failure> {
        // When the time is over there is no last end.
        let _ = tokio::time::timeout(GIVE_UP, self.ended.notified()).await;
        let times = self.first.get().zip(self.last.get());
        times.map(|(first, last)| (*first, *last)).ok_or_else(|| {
            let done = self.done.load(Ordering::Acquire);
            format!("{done} of {} jobs after {GIVE_UP:?}", self.expected).into()
        })
    }
}

/// Now, in ms since the epoch.
pub(crate) fn epoch_ms() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0.0, ms)
}

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
