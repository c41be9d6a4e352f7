//! What became of every accepted job.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use longshore_client::{JobId, JobState};
use longshore_events::sandbox::EventsSandbox;
use longshore_queue::{JobInfo, Queue};
use longshore_sandbox::PostgresServer;
use longshore_tests::{NAMESPACE, Stage, outcomes};

use crate::calls::{Notes, TICK, TICK_TO};
use crate::rows::left;
use crate::sort::Sort;

/// What a case came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    name: &'static str,
    accepted: usize,
    completed: usize,
    cancelled: usize,
    replayed: usize,
    /// Dead, since nobody knows whether they were carried out.
    held: usize,
    ticks: usize,
    /// Ends that the app was told of.
    told: usize,
    doubled: usize,
    pub(crate) problems: Vec<String>,
}

/// All that took part in a case.
pub(crate) struct Scene<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) postgres: &'a PostgresServer,
    /// Where a build does not tell the app, nobody is told.
    pub(crate) app: Option<&'a EventsSandbox>,
    pub(crate) notes: &'a Notes,
    /// Those that were taken back one by one.
    pub(crate) cancelled: &'a [JobId],
}

/// Looks every accepted job up, in Redis, at its provider and in what the app was told.
pub(crate) async fn check(name: &'static str, scene: &Scene<'_>) -> Outcome {
    let (accepted, back, problems) = scene.notes.with(|noted| {
        let accepted: BTreeMap<_, _> = noted.accepted.iter().copied().collect();
        let later = noted.later.iter().chain(scene.cancelled);
        let back: BTreeSet<_> = later.copied().collect();
        (accepted, back, std::mem::take(&mut noted.problems))
    });
    let mut outcome = Outcome {
        name,
        accepted: accepted.len(),
        problems,
        ..Outcome::default()
    };
    let told = scene.app.map(told);
    for (id, sort) in accepted {
        let Some(job) = job(scene.stage, id, sort).await else {
            outcome.problem(&format!("{id}, {sort:?}, is lost"));
            continue;
        };
        let sent = sent(scene.stage, id, sort);
        outcome.one(id, sort, &job, sent, back.contains(&id));
        let ended = match job.state {
            JobState::Dead => "job.dead",
            JobState::Cancelled => "job.cancelled",
            _ => "job.completed",
        };
        match &told {
            Some(told) if told.contains(&(id.to_string(), ended.to_owned())) => outcome.told += 1,
            Some(_) => outcome.problem(&format!("of {id}, {sort:?}, the app was not told {ended}")),
            None => {}
        }
    }
    for row in left(scene.postgres) {
        outcome.problem(&format!("a row was not carried: {row}"));
    }
    outcome.ticks(scene.stage).await;
    let counts = [
        outcome.completed,
        outcome.cancelled,
        outcome.replayed,
        outcome.ticks,
    ];
    if counts.contains(&0) {
        outcome.problem(&format!(
            "nothing completed, was cancelled, was replayed or ticked: {outcome}"
        ));
    }
    outcome
}

/// Which ends the app was told of which jobs.
fn told(app: &EventsSandbox) -> BTreeSet<(String, String)> {
    let told = app.told().into_iter();
    told.map(|told| (told.event.data.id, told.event.event_type))
        .collect()
}

async fn job(stage: &Stage, id: JobId, sort: Sort) -> Option<JobInfo> {
    let link = stage.queue.link().clone();
    let queue = Queue::new(link, NAMESPACE, sort.act().queue()).expect("good names");
    queue.job(&id.into()).await.expect("Redis answers")
}

/// How often the provider has carried it out.
fn sent(stage: &Stage, id: JobId, sort: Sort) -> u64 {
    let effects = stage.ledger_of(sort.act()).count_by_job();
    let name = sort.named().unwrap_or_else(|| id.to_string());
    effects.get(&name).copied().unwrap_or(0)
}

impl Outcome {
    fn problem(&mut self, problem: &str) {
        self.problems.push(format!("{}: {problem}", self.name));
    }

    fn one(&mut self, id: JobId, sort: Sort, job: &JobInfo, sent: u64, is_back: bool) {
        let runs = outcomes(job);
        let has_cause = runs
            .iter()
            .any(|run| matches!(*run, "outcome_unknown" | "lost"));
        self.replayed += usize::from(runs.contains(&"replayed"));
        match (job.state, sent) {
            (JobState::Cancelled, 0) if is_back => self.cancelled += 1,
            (JobState::Completed, 0) if sort == Sort::Question => self.completed += 1,
            (JobState::Completed, 1..) if !is_back => self.completed += 1,
            (JobState::Dead, 0 | 1) if has_cause && matches!(sort, Sort::PlainCall(_)) => {
                self.held += 1;
            }
            (state, _) => {
                self.problem(&format!(
                    "{id}, {sort:?}, is {state}, sent {sent} times: {runs:?}"
                ));
            }
        }
        if sent > 1 && has_cause && !matches!(sort, Sort::PlainCall(_)) {
            self.doubled += 1;
        } else if sent > 1 {
            self.problem(&format!("{id}, {sort:?}, was sent {sent} times: {runs:?}"));
        }
    }

    /// Each tick has made one job, and each of those has sent a mail.
    async fn ticks(&mut self, stage: &Stage) {
        let mut ask = redis::cmd("HGET");
        ask.arg(&stage.queue.keys().cron_ticks).arg(TICK);
        let known: Option<String> = stage
            .queue
            .link()
            .command(&ask)
            .await
            .expect("Redis answers");
        let known = known.unwrap_or_default();
        let known: Vec<&str> = known.split_whitespace().collect();
        let different: BTreeSet<_> = known.iter().collect();
        let effects = stage.ledger().accepted().into_iter();
        let made: BTreeSet<_> = effects
            .filter(|effect| effect.recipient.contains(TICK_TO))
            .filter_map(|effect| effect.job)
            .collect();
        self.ticks = made.len();
        // Redis knows the last hundred.
        let fits = made.len() == known.len() || (known.len() == 100 && made.len() > 100);
        if different.len() != known.len() || !fits {
            self.problem(&format!(
                "{} ticks made {} jobs: {known:?}",
                known.len(),
                made.len()
            ));
        }
    }
}

/// The columns of it.
pub(crate) const COLUMNS: &str = "case            accepted  completed  cancelled  replayed  held  ticks   told  doubled with a cause";

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<14}  {:>8}  {:>9}  {:>9}  {:>8}  {:>4}  {:>5}  {:>5}  {:>20}",
            self.name,
            self.accepted,
            self.completed,
            self.cancelled,
            self.replayed,
            self.held,
            self.ticks,
            self.told,
            self.doubled,
        )
    }
}
