//! What the end of a run means. The one place that decides; `settle` only carries it out.

mod said;
#[cfg(test)]
mod tests;

use std::time::Duration;

use longshore_job::{Cause, Class, JobError, OnUnknown, Outcome, RetrySchedule, UndecodableWhy};

use said::said;
pub use said::{heard, heard_of_call};

use crate::{Route, RunState, Word};

/// A job that is lost with its worker this often is dead: it may be what kills them.
pub const MAX_LOST: u32 = 3;

/// No throttle holds a job back for longer, whatever a provider says.
pub const MAX_THROTTLE: Duration = Duration::from_secs(3600);

/// How long a job waits whose credentials were refused by another provider than its queue's own.
const REFUSED_ELSEWHERE: Duration = Duration::from_secs(60);

/// How long a job waits that did not reach another provider than its queue's own.
const NOT_REACHED_ELSEWHERE: Duration = Duration::from_secs(15);

/// What follows the failures of a kind's jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// When failed attempts are made again.
    pub schedule: RetrySchedule,
    /// What follows an unknown outcome.
    pub on_unknown: OnUnknown,
}

/// Where a job goes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It is done.
    Completed {
        /// What is kept of it.
        result: Option<serde_json::Value>,
    },
    /// The attempt failed and is made again.
    Retry {
        /// How long from now.
        after: Duration,
    },
    /// Given back until later, at the cost of no attempt.
    Later {
        /// How long from now.
        after: Duration,
    },
    /// Pending, at the cost of no attempt, and only for a worker that knows its kind.
    Parked {
        /// Its kind.
        kind: String,
    },
    /// To the head of the queue, to run again at once.
    Back,
    /// Never run: to the head of the queue, its record as it was.
    Untouched,
    /// A dead letter.
    Dead {
        /// Why.
        cause: Cause,
    },
    /// It has already ended; only the claim is forgotten.
    Forget,
}

/// A fate, and the job's run state from then on.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Where it goes.
    pub fate: Fate,
    /// What its record says from then on.
    pub state: RunState,
    /// The word for what happened, as the history has it.
    pub outcome: &'static str,
    /// What its call says of the provider.
    pub said: Word,
}

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
    let said = said(end, provider);
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
        Err(error) => claimed.failed(error, &said),
    };
    Decision {
        fate,
        state,
        outcome,
        said,
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
        match self.policy.schedule.wait_after(self.used().used) {
            _ if self.route.is_probe() => Fate::Back,
            Some(after) => Fate::Retry { after },
            None => dead(class, error),
        }
    }

    /// What follows from an error that says `said` of the queue's provider.
    fn failed(&self, error: &JobError, said: &Word) -> (Fate, RunState, &'static str) {
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
                let fate = match said {
                    Word::NotReached => Fate::Back,
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
                let fate = match (said, self.route.is_fallback()) {
                    (Word::Refused { .. }, false) => Fate::Back,
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

impl Decision {
    /// Each call of the run was told of when it ended, so its last one does not count once more. What holds claims back is
    /// said again: that changes nothing where it is known, and a run that only could not get its credentials has told of no
    /// call.
    #[must_use]
    pub fn of_calls_told(self) -> Self {
        let said = match self.said {
            Word::Well | Word::Ill | Word::NotReached => Word::Nothing,
            said => said,
        };
        Self { said, ..self }
    }

    /// The run failed since this machine is short of something: that says nothing of the provider.
    #[must_use]
    pub fn of_our_own(self) -> Self {
        Self {
            said: Word::Nothing,
            ..self
        }
    }
}

/// Decides what becomes of a job whose worker was lost while it ran, claimed for the fallback or not. Its request may
/// have gone out.
#[must_use]
pub fn decide_lost(state: RunState, by_fallback: bool, policy: &Policy) -> Decision {
    let lost = RunState {
        lost: state.lost + 1,
        may_have_been_sent: true,
        // What the provider may have already it may still have.
        by_fallback: match state.may_have_been_sent {
            true => state.by_fallback,
            false => by_fallback,
        },
        ..state
    };
    let fate = if lost.lost >= MAX_LOST {
        Fate::Dead {
            cause: Cause::ours(Class::Poison, "worker lost three times"),
        }
    } else {
        match policy.on_unknown {
            OnUnknown::Retry | OnUnknown::Verify => Fate::Back,
            OnUnknown::Hold => Fate::Dead {
                cause: Cause::ours(Class::OutcomeUnknown, "worker lost"),
            },
        }
    };
    Decision {
        fate,
        state: lost,
        outcome: "lost",
        said: Word::Nothing,
    }
}

/// Decides what becomes of a parked job whose kind no worker of its queue knew for as long as it may wait. What its record
/// says of its runs is left.
#[must_use]
pub fn decide_unknown_kind(state: RunState) -> Decision {
    Decision {
        fate: Fate::Dead {
            cause: Cause::ours(Class::Undecodable, UndecodableWhy::UnknownKind.as_str()),
        },
        state,
        outcome: "undecodable",
        said: Word::Nothing,
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
