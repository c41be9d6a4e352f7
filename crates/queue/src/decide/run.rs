//! What follows from how a run ended. For those who run jobs: producers do without it, and without `backoff`.

use std::time::Duration;

use longshore_job::{Backoff, Cause, Class, JobError, OnUnknown, Outcome};

use super::report::report_about;
use super::{Decision, Fate, MAX_THROTTLE, Policy};
use crate::{CallReport, Route, RunState};

/// How long a job waits whose credentials were refused by another provider than its queue's own.
pub(super) const REFUSED_ELSEWHERE: Duration = Duration::from_secs(60);

/// How long a job waits that did not reach another provider than its queue's own.
pub(super) const NOT_REACHED_ELSEWHERE: Duration = Duration::from_secs(15);

/// Decides what follows from how a run ended, for a job that was in `state` when it was claimed, by `route`. `provider`
/// is the one on that route: what others answered says nothing of its health.
#[must_use]
pub fn decide(
    end: &Result<Outcome, JobError>,
    state: RunState,
    route: Route,
    policy: &Policy,
    provider: &str,
) -> Decision {
    let report = report_about(end, provider);
    let claimed = Claimed {
        state,
        route,
        policy,
    };
    let (fate, state, outcome) = match end {
        Ok(Outcome::Done { result, .. }) => {
            let result = result.clone();
            (Fate::Completed { result }, claimed.used(), "completed")
        }
        Ok(Outcome::Skipped { .. }) => {
            let fate = Fate::Completed { result: None };
            (fate, claimed.used(), "skipped")
        }
        Err(error) => claimed.failed(error, &report),
    };
    Decision {
        fate,
        state,
        outcome,
        report,
    }
}

/// A job as its run was claimed.
struct Claimed<'a> {
    state: RunState,
    route: Route,
    policy: &'a Policy,
}

impl Claimed<'_> {
    /// Its run state once the attempt is used.
    fn used(&self) -> RunState {
        RunState {
            used: self.state.used + 1,
            ..self.state
        }
    }

    /// Its run state once the attempt has failed. A probe finds out about the provider, at the cost of nobody's attempt.
    fn charged(&self) -> RunState {
        match self.route.is_probe() {
            true => self.state,
            false => self.used(),
        }
    }

    /// Another attempt, or a dead letter after the last one.
    fn again_or_dead(&self, class: Class, error: &JobError) -> Fate {
        match self.policy.schedule.after(self.used().used).next_backoff() {
            _ if self.route.is_probe() => Fate::Back,
            Some(after) => Fate::Retry { after },
            None => dead(class, error),
        }
    }

    /// What follows from an error that says `report` of the queue's provider.
    fn failed(&self, error: &JobError, report: &CallReport) -> (Fate, RunState, &'static str) {
        let state = self.state;
        match error {
            JobError::Permanent { .. } => {
                // Stripe and its like replay a saved refusal for the same key, so a replay needs another.
                let state = RunState {
                    generation: state.generation + 1,
                    ..self.used()
                };
                (dead(Class::Refused, error), state, "refused")
            }
            JobError::Transient { .. } => {
                let fate = self.again_or_dead(Class::Failed, error);
                (fate, self.charged(), "failed")
            }
            // Nothing was sent, so no attempt is used. This worker claims no more for the queue's provider, so another one
            // may have the job at once. It goes on claiming where it was somebody else's.
            JobError::NotReached { .. } => {
                let after = NOT_REACHED_ELSEWHERE;
                let fate = match report {
                    CallReport::NotReached => Fate::Back,
                    _ => Fate::Later { after },
                };
                (fate, state, "not_reached")
            }
            JobError::Throttled { retry_after, .. } => {
                let after = (*retry_after).min(MAX_THROTTLE);
                (Fate::Later { after }, state, "throttled")
            }
            // The queue pauses itself, so there is no time to wait for. It does not for somebody else's provider, nor for
            // the fallback: other jobs go on.
            JobError::Unauthorized { .. } => {
                let after = REFUSED_ELSEWHERE;
                let fate = match (report, self.route.is_fallback()) {
                    (CallReport::Refused { .. }, false) => Fate::Back,
                    _ => Fate::Later { after },
                };
                (fate, state, "unauthorized")
            }
            JobError::OutcomeUnknown { .. } => {
                let (fate, state) = self.outcome_unknown(error);
                (fate, state, "outcome_unknown")
            }
        }
    }

    /// What follows when its request may have gone out and no answer came.
    fn outcome_unknown(&self, error: &JobError) -> (Fate, RunState) {
        let fate = match self.policy.on_unknown {
            OnUnknown::Retry | OnUnknown::Verify => {
                self.again_or_dead(Class::OutcomeUnknown, error)
            }
            OnUnknown::Hold => dead(Class::OutcomeUnknown, error),
        };
        let state = RunState {
            may_have_been_sent: true,
            by_fallback: self.route.is_fallback(),
            ..self.charged()
        };
        (fate, state)
    }
}

fn dead(class: Class, error: &JobError) -> Fate {
    let answer = error.answer();
    let status = || answer.status.map(|status| status.to_string());
    Fate::Dead {
        cause: Cause {
            class,
            provider: answer.provider.clone(),
            code: answer.code.clone().or_else(status),
        },
    }
}
