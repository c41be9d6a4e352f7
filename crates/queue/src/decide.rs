//! What the end of a run means. The one place that decides; `settle` only carries it out.

use std::time::Duration;

use longshore_job::{Cause, Class, JobError, Outcome, RetrySchedule};

use crate::RunState;

/// A job that is lost with its worker this often is dead: it may be what kills them.
pub const MAX_LOST: u32 = 3;

/// No throttle holds a job back for longer, whatever a provider says.
pub const MAX_THROTTLE: Duration = Duration::from_secs(3600);

/// How long a job waits whose credentials were refused.
const UNAUTHORIZED_WAIT: Duration = Duration::from_secs(60);

/// What follows when a request may have gone out and no answer came: the queue's `on_unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// Try again, knowing that the effect may happen twice where the provider has no idempotency key.
    Retry,
    /// Keep it as a dead letter, for an operator to decide.
    Hold,
}

/// What a queue's settings say about failures.
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
}

/// Decides what follows from how a run ended, for a job that was in `state` when it was claimed.
#[must_use]
pub fn decide(end: &Result<Outcome, JobError>, state: RunState, policy: &Policy) -> Decision {
    let used = RunState {
        used: state.used + 1,
        ..state
    };
    let again_or = |class, error: &JobError| match policy.schedule.wait_after(used.used) {
        Some(after) => Fate::Retry { after },
        None => dead(class, error),
    };
    match end {
        Ok(Outcome::Done { result, .. }) => Decision {
            fate: Fate::Completed {
                result: result.clone(),
            },
            state: used,
            outcome: "completed",
        },
        Ok(Outcome::Skipped { .. }) => Decision {
            fate: Fate::Completed { result: None },
            state: used,
            outcome: "skipped",
        },
        Err(error @ JobError::Permanent { .. }) => Decision {
            fate: dead(Class::Refused, error),
            // Stripe and its like replay a saved refusal for the same key, so a replay needs another.
            state: RunState {
                generation: used.generation + 1,
                ..used
            },
            outcome: "refused",
        },
        Err(error @ JobError::Transient { .. }) => Decision {
            fate: again_or(Class::Failed, error),
            state: used,
            outcome: "failed",
        },
        Err(JobError::Throttled { retry_after, .. }) => Decision {
            fate: Fate::Later {
                after: (*retry_after).min(MAX_THROTTLE),
            },
            state,
            outcome: "throttled",
        },
        Err(JobError::Unauthorized { .. }) => Decision {
            fate: Fate::Later {
                after: UNAUTHORIZED_WAIT,
            },
            state,
            outcome: "unauthorized",
        },
        Err(error @ JobError::OutcomeUnknown { .. }) => Decision {
            fate: match policy.on_unknown {
                OnUnknown::Retry => again_or(Class::OutcomeUnknown, error),
                OnUnknown::Hold => dead(Class::OutcomeUnknown, error),
            },
            state: RunState {
                may_have_been_sent: true,
                ..used
            },
            outcome: "outcome_unknown",
        },
    }
}

/// Decides what becomes of a job whose worker was lost while it ran. Its request may have gone out.
#[must_use]
pub fn decide_lost(state: RunState, policy: &Policy) -> Decision {
    let lost = RunState {
        lost: state.lost + 1,
        may_have_been_sent: true,
        ..state
    };
    let fate = if lost.lost >= MAX_LOST {
        Fate::Dead {
            cause: Cause::ours(Class::Poison, "worker lost three times"),
        }
    } else {
        match policy.on_unknown {
            OnUnknown::Retry => Fate::Back,
            OnUnknown::Hold => Fate::Dead {
                cause: Cause::ours(Class::OutcomeUnknown, "worker lost"),
            },
        }
    };
    Decision {
        fate,
        state: lost,
        outcome: "lost",
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

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_job::{Answer, Scope};

    fn policy(on_unknown: OnUnknown) -> Policy {
        Policy {
            schedule: RetrySchedule::default(),
            on_unknown,
        }
    }

    fn answer() -> Answer {
        Answer {
            code: Some("503".to_owned()),
            ..Answer::of("sendgrid")
        }
    }

    fn error(make: impl Fn(String, Answer) -> JobError) -> Result<Outcome, JobError> {
        Err(make("why".to_owned(), answer()))
    }

    fn transient() -> Result<Outcome, JobError> {
        error(|reason, answer| JobError::Transient { reason, answer })
    }

    fn unknown() -> Result<Outcome, JobError> {
        error(|reason, answer| JobError::OutcomeUnknown { reason, answer })
    }

    fn used(used: u32) -> RunState {
        RunState {
            used,
            ..RunState::default()
        }
    }

    #[test]
    fn failures_wait_60_300_900_and_then_are_dead() {
        let policy = policy(OnUnknown::Retry);
        for (before, after) in [(0, 60), (1, 300), (2, 900)] {
            let decision = decide(&transient(), used(before), &policy);
            let after = Duration::from_secs(after);
            assert_eq!(
                (decision.fate, decision.state.used),
                (Fate::Retry { after }, before + 1)
            );
        }
        let decision = decide(&transient(), used(3), &policy);
        let cause = Cause {
            class: Class::Failed,
            provider: Some("sendgrid".into()),
            code: Some("503".to_owned()),
        };
        assert_eq!(
            (decision.fate, decision.state.used),
            (Fate::Dead { cause }, 4)
        );
    }

    #[test]
    fn refusals_are_dead_at_once_and_a_replay_gets_a_new_key() {
        let refused = error(|reason, answer| JobError::Permanent { reason, answer });
        let decision = decide(&refused, used(0), &policy(OnUnknown::Retry));
        assert!(matches!(decision.fate, Fate::Dead { cause } if cause.class == Class::Refused));
        assert_eq!(decision.state.generation, 1);
    }

    #[test]
    fn throttles_and_refused_credentials_cost_no_attempt() {
        let throttled = |secs| {
            error(move |reason, answer| JobError::Throttled {
                retry_after: Duration::from_secs(secs),
                scope: Scope::Provider,
                reason,
                answer,
            })
        };
        let unauthorized = error(|reason, answer| JobError::Unauthorized { reason, answer });
        for (end, waits) in [
            (throttled(7), 7),
            (throttled(86_400), 3600),
            (unauthorized, 60),
        ] {
            let decision = decide(&end, used(3), &policy(OnUnknown::Hold));
            let after = Duration::from_secs(waits);
            assert_eq!(
                (decision.fate, decision.state),
                (Fate::Later { after }, used(3))
            );
        }
    }

    #[test]
    fn an_unknown_outcome_follows_the_queues_rule() {
        let retried = decide(&unknown(), used(0), &policy(OnUnknown::Retry));
        assert!(matches!(retried.fate, Fate::Retry { .. }) && retried.state.may_have_been_sent);
        let held = decide(&unknown(), used(0), &policy(OnUnknown::Hold));
        assert!(matches!(held.fate, Fate::Dead { cause } if cause.class == Class::OutcomeUnknown));
    }

    #[test]
    fn a_job_that_kills_its_workers_is_dead_the_third_time() {
        let policy = policy(OnUnknown::Retry);
        let mut state = RunState::default();
        for _ in 0..2 {
            let decision = decide_lost(state, &policy);
            assert_eq!(decision.fate, Fate::Back);
            state = decision.state;
        }
        let third = decide_lost(state, &policy);
        assert!(matches!(third.fate, Fate::Dead { cause } if cause.class == Class::Poison));
        assert_eq!(third.state.used, 0, "being lost is no attempt");
    }
}
