//! What became of every accepted job.

use std::collections::BTreeSet;
use std::fmt;

use longshore_client::{JobId, JobState};
use longshore_tests::{Stage, outcomes};

use crate::calls::Notes;

/// What a case came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    name: &'static str,
    accepted: usize,
    completed: usize,
    cancelled: usize,
    replayed: usize,
    doubled: usize,
    pub(crate) problems: Vec<String>,
}

/// Looks every accepted job up, in Redis and at the provider. `cancelled` were taken back one by one; the others that were due in
/// an hour by an operation.
pub(crate) async fn check(
    name: &'static str,
    stage: &Stage,
    notes: &Notes,
    cancelled: &[JobId],
) -> Outcome {
    let (accepted, later, problems) = notes.with(|noted| {
        let accepted: BTreeSet<_> = noted.accepted.iter().copied().collect();
        let later: BTreeSet<_> = noted.later.iter().chain(cancelled).copied().collect();
        (accepted, later, std::mem::take(&mut noted.problems))
    });
    let mut outcome = Outcome {
        name,
        accepted: accepted.len(),
        problems,
        ..Outcome::default()
    };
    let effects = stage.ledger().count_by_job();
    for id in accepted {
        let sent = effects.get(&id.to_string()).copied().unwrap_or(0);
        let job = stage.queue.job(&id.into()).await.expect("Redis answers");
        let Some(job) = job else {
            outcome.problems.push(format!("{name}: {id} is lost"));
            continue;
        };
        let runs = outcomes(&job);
        let is_later = later.contains(&id);
        outcome.replayed += usize::from(runs.contains(&"replayed"));
        match (job.state, sent) {
            (JobState::Cancelled, 0) if is_later => outcome.cancelled += 1,
            (JobState::Completed, 1..) if !is_later => outcome.completed += 1,
            (state, _) => {
                let problem = format!("{name}: {id} is {state}, sent {sent} times: {runs:?}");
                outcome.problems.push(problem);
            }
        }
        let cause = |run: &&str| matches!(*run, "outcome_unknown" | "lost");
        if sent > 1 && runs.iter().any(cause) {
            outcome.doubled += 1;
        } else if sent > 1 {
            let problem = format!("{name}: {id} was sent {sent} times: {runs:?}");
            outcome.problems.push(problem);
        }
    }
    let counts = [outcome.completed, outcome.cancelled, outcome.replayed];
    if counts.contains(&0) {
        let problem = format!("{name}: nothing was completed, cancelled or replayed: {outcome}");
        outcome.problems.push(problem);
    }
    outcome
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<14}  {:>8}  {:>9}  {:>9}  {:>8}  {:>20}",
            self.name, self.accepted, self.completed, self.cancelled, self.replayed, self.doubled,
        )
    }
}
