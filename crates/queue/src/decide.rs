//! What the end of a run means. The one place that decides; `settle` only carries it out.

use std::borrow::Cow;
use std::time::Duration;

use longshore_job::{
    Answer, Cause, Class, JobError, Outcome, RetrySchedule, Scope, UndecodableWhy,
};

use crate::{Route, RunState, Word};

/// A job that is lost with its worker this often is dead: it may be what kills them.
pub const MAX_LOST: u32 = 3;

/// No throttle holds a job back for longer, whatever a provider says.
pub const MAX_THROTTLE: Duration = Duration::from_secs(3600);

/// How long a job waits whose credentials were refused by another provider than its queue's own.
const REFUSED_ELSEWHERE: Duration = Duration::from_secs(60);

/// How long a job waits that did not reach another provider than its queue's own.
const NOT_REACHED_ELSEWHERE: Duration = Duration::from_secs(15);

/// What follows when a request may have gone out and no answer came: the queue's `on_unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// Try again, knowing that the effect may happen twice where the provider has no idempotency key.
    Retry,
    /// Ask the provider what became of the request before making it again. Only kinds whose handler can.
    Verify,
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
    let used = RunState {
        used: state.used + 1,
        ..state
    };
    // A probe finds out about the provider, at the cost of nobody's attempt.
    let charged = if route.is_probe() { state } else { used };
    let again_or = |class, error: &JobError| match policy.schedule.wait_after(used.used) {
        _ if route.is_probe() => Fate::Back,
        Some(after) => Fate::Retry { after },
        None => dead(class, error),
    };
    let said = said(end, provider);
    let (fate, state, outcome) = match end {
        Ok(Outcome::Done { result, .. }) => {
            let result = result.clone();
            (Fate::Completed { result }, used, "completed")
        }
        Ok(Outcome::Skipped { .. }) => (Fate::Completed { result: None }, used, "skipped"),
        Err(error @ JobError::Permanent { .. }) => {
            // Stripe and its like replay a saved refusal for the same key, so a replay needs another.
            let state = RunState {
                generation: used.generation + 1,
                ..used
            };
            (dead(Class::Refused, error), state, "refused")
        }
        Err(error @ JobError::Transient { .. }) => {
            (again_or(Class::Failed, error), charged, "failed")
        }
        // Nothing was sent, so no attempt is used. This worker claims no more for the queue's provider, so another one may
        // have the job at once. It goes on claiming where it was somebody else's.
        Err(JobError::NotReached { .. }) => match said {
            Word::NotReached => (Fate::Back, state, "not_reached"),
            _ => (
                Fate::Later {
                    after: NOT_REACHED_ELSEWHERE,
                },
                state,
                "not_reached",
            ),
        },
        Err(JobError::Throttled { retry_after, .. }) => {
            let after = (*retry_after).min(MAX_THROTTLE);
            (Fate::Later { after }, state, "throttled")
        }
        // The queue pauses itself, so there is no time to wait for. It does not for somebody else's provider, nor for
        // the fallback: other jobs go on.
        Err(JobError::Unauthorized { .. }) => match (&said, route.is_fallback()) {
            (Word::Refused { .. }, false) => (Fate::Back, state, "unauthorized"),
            _ => (
                Fate::Later {
                    after: REFUSED_ELSEWHERE,
                },
                state,
                "unauthorized",
            ),
        },
        Err(error @ JobError::OutcomeUnknown { .. }) => {
            let fate = match policy.on_unknown {
                OnUnknown::Retry | OnUnknown::Verify => again_or(Class::OutcomeUnknown, error),
                OnUnknown::Hold => dead(Class::OutcomeUnknown, error),
            };
            let state = RunState {
                may_have_been_sent: true,
                by_fallback: route.is_fallback(),
                ..charged
            };
            (fate, state, "outcome_unknown")
        }
    };
    Decision {
        fate,
        state,
        outcome,
        said,
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

/// Which provider a run's end tells of, whoever's it is, and what; `None` where it tells nothing.
#[must_use]
pub fn heard(end: &Result<Outcome, JobError>) -> Option<(&Cow<'static, str>, Word)> {
    let answer = call_of(end)?.unwrap_or_else(JobError::answer);
    let provider = answer.provider.as_ref()?;
    match said(end, provider) {
        Word::Nothing => None,
        word => Some((provider, word)),
    }
}

/// How the run's call ended; `None` where it made none.
fn call_of(end: &Result<Outcome, JobError>) -> Option<Result<&Answer, &JobError>> {
    match end {
        Ok(Outcome::Done { answer, .. }) => Some(Ok(answer)),
        Ok(Outcome::Skipped { .. }) => None,
        Err(error) => Some(Err(error)),
    }
}

/// What a run's end says of the provider. A run that did not call it says nothing.
fn said(end: &Result<Outcome, JobError>, provider: &str) -> Word {
    call_of(end).map_or(Word::Nothing, |end| heard_of_call(end, provider))
}

/// What the end of one call says of the provider, which need not be the one that was called.
#[must_use]
pub fn heard_of_call(end: Result<&Answer, &JobError>, provider: &str) -> Word {
    let answer = end.unwrap_or_else(JobError::answer);
    if answer.provider.as_deref() != Some(provider) {
        return Word::Nothing;
    }
    match end {
        Ok(_) => Word::Well,
        Err(JobError::Throttled {
            retry_after,
            scope: Scope::Provider,
            ..
        }) => Word::Hold((*retry_after).min(MAX_THROTTLE)),
        Err(JobError::Unauthorized { reason, .. }) => Word::Refused {
            reason: reason.clone(),
        },
        // It answered, whatever it thought of this job.
        Err(JobError::Permanent { answer, .. } | JobError::Throttled { answer, .. }) => {
            match answer.status {
                Some(_) => Word::Well,
                None => Word::Nothing,
            }
        }
        Err(JobError::Transient { answer, .. }) if declined(answer) => Word::Well,
        Err(JobError::NotReached { .. }) => Word::NotReached,
        Err(JobError::Transient { .. } | JobError::OutcomeUnknown { .. }) => Word::Ill,
    }
}

/// It answered that it did not do it, as while another request has the same key: that is no failure of its own. A 408 is,
/// and so is what an SMTP server says of itself: 421, 45x.
fn declined(answer: &Answer) -> bool {
    matches!(answer.status, Some(400..=407 | 409..=420 | 422..=449))
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

#[cfg(test)]
mod tests {
    use longshore_job::Blame;

    use super::*;

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
    fn an_end_tells_of_whom_it_asked_whoevers_provider_that_is() {
        let heard_of = |end: &Result<Outcome, JobError>| {
            heard(end).map(|(provider, word)| (provider.to_string(), word))
        };
        let of_sendgrid = |word| Some(("sendgrid".to_owned(), word));
        assert_eq!(heard_of(&transient()), of_sendgrid(Word::Ill));
        let done = Outcome::Done {
            result: None,
            answer: answer(),
        };
        assert_eq!(heard_of(&Ok(done)), of_sendgrid(Word::Well));
        assert_eq!(heard_of(&Ok(Outcome::done())), None);
        let ours = error(|reason, _| JobError::permanent(reason));
        assert_eq!(heard_of(&ours), None);
    }

    #[test]
    fn failures_wait_60_300_900_and_then_are_dead() {
        let policy = policy(OnUnknown::Retry);
        for (before, after) in [(0, 60), (1, 300), (2, 900)] {
            let decision = decide(
                &transient(),
                used(before),
                Route::Primary,
                &policy,
                "sendgrid",
            );
            let after = Duration::from_secs(after);
            assert_eq!(
                (decision.fate, decision.state.used),
                (Fate::Retry { after }, before + 1)
            );
        }
        let decision = decide(&transient(), used(3), Route::Primary, &policy, "sendgrid");
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
        let refused = error(|reason, answer| JobError::Permanent {
            reason,
            answer,
            blame: Blame::Theirs,
        });
        let decision = decide(
            &refused,
            used(0),
            Route::Primary,
            &policy(OnUnknown::Retry),
            "sendgrid",
        );
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
        for (secs, waits) in [(7, 7), (86_400, 3600)] {
            let decision = decide(
                &throttled(secs),
                used(3),
                Route::Primary,
                &policy(OnUnknown::Hold),
                "sendgrid",
            );
            let after = Duration::from_secs(waits);
            assert_eq!(
                (decision.fate, decision.state, decision.said),
                (Fate::Later { after }, used(3), Word::Hold(after))
            );
        }
        let unauthorized = error(|reason, answer| JobError::Unauthorized { reason, answer });
        let decision = decide(
            &unauthorized,
            used(3),
            Route::Primary,
            &policy(OnUnknown::Hold),
            "sendgrid",
        );
        assert_eq!((decision.fate, decision.state), (Fate::Back, used(3)));
        assert!(matches!(decision.said, Word::Refused { .. }));
    }

    #[test]
    fn credentials_refused_by_others_than_the_queues_provider_let_the_job_wait() {
        let refused = |by| {
            Err(JobError::Unauthorized {
                reason: "why".to_owned(),
                answer: Answer::of(by),
            })
        };
        let policy = policy(OnUnknown::Retry);
        // At once it would come back at once, for as long as they are refused.
        let after = REFUSED_ELSEWHERE;
        let elsewhere = decide(&refused("s3"), used(1), Route::Primary, &policy, "sendgrid");
        assert_eq!(
            (elsewhere.fate, elsewhere.state, elsewhere.said),
            (Fate::Later { after }, used(1), Word::Nothing)
        );
        let fallback = decide(
            &refused("postmark"),
            used(1),
            Route::Fallback,
            &policy,
            "postmark",
        );
        assert_eq!(
            (fallback.fate, fallback.state),
            (Fate::Later { after }, used(1))
        );
        assert!(matches!(fallback.said, Word::Refused { .. }));
    }

    #[test]
    fn a_probe_that_fails_costs_no_attempt() {
        for end in [transient(), unknown()] {
            let decision = decide(
                &end,
                used(3),
                Route::Probe,
                &policy(OnUnknown::Retry),
                "sendgrid",
            );
            assert_eq!((decision.fate, decision.state.used), (Fate::Back, 3));
            assert_eq!(decision.said, Word::Ill);
        }
    }

    #[test]
    fn what_was_not_reached_costs_no_attempt() {
        let away = error(|reason, answer| JobError::NotReached { reason, answer });
        for on_unknown in [OnUnknown::Retry, OnUnknown::Verify, OnUnknown::Hold] {
            for route in [Route::Primary, Route::Probe, Route::Fallback] {
                let decision = decide(&away, used(3), route, &policy(on_unknown), "sendgrid");
                assert_eq!(
                    (decision.fate, decision.state, decision.said),
                    (Fate::Back, used(3), Word::NotReached),
                    "{route:?}"
                );
            }
        }
        // This worker goes on claiming: at the head of the queue it would spin.
        let elsewhere = decide(
            &away,
            used(3),
            Route::Primary,
            &policy(OnUnknown::Retry),
            "stripe",
        );
        let after = NOT_REACHED_ELSEWHERE;
        assert_eq!(
            (elsewhere.fate, elsewhere.state, elsewhere.said),
            (Fate::Later { after }, used(3), Word::Nothing)
        );
    }

    #[test]
    fn only_what_was_called_says_something_of_the_provider() {
        let said = |end: &Result<Outcome, JobError>| {
            decide(
                end,
                used(0),
                Route::Primary,
                &policy(OnUnknown::Retry),
                "sendgrid",
            )
            .said
        };
        assert_eq!(said(&Ok(Outcome::done())), Word::Nothing);
        let answered = |answer| {
            Ok(Outcome::Done {
                result: None,
                answer,
            })
        };
        assert_eq!(said(&answered(answer())), Word::Well);
        assert_eq!(said(&answered(Answer::of("app"))), Word::Nothing);
        let app_is_down = Err(JobError::Transient {
            reason: String::new(),
            answer: Answer::of("app"),
        });
        assert_eq!(said(&app_is_down), Word::Nothing);
        assert_eq!(said(&Err(JobError::transient("panic"))), Word::Nothing);
        assert_eq!(
            said(&Err(JobError::permanent("unknown template"))),
            Word::Nothing
        );
        let refused = |status| {
            said(&Err(JobError::Permanent {
                reason: String::new(),
                answer: Answer { status, ..answer() },
                blame: Blame::Theirs,
            }))
        };
        assert_eq!(
            (refused(Some(400)), refused(None)),
            (Word::Well, Word::Nothing)
        );
        let again = |status| {
            said(&Err(JobError::Transient {
                reason: String::new(),
                answer: Answer {
                    status: Some(status),
                    ..answer()
                },
            }))
        };
        // The same key is under way, and the like: it answered.
        for status in [404, 409, 424, 425] {
            assert_eq!(again(status), Word::Well, "{status}");
        }
        for status in [200, 301, 408, 421, 451, 500, 503] {
            assert_eq!(again(status), Word::Ill, "{status}");
        }
    }

    #[test]
    fn an_unknown_outcome_follows_the_queues_rule() {
        let retried = decide(
            &unknown(),
            used(0),
            Route::Primary,
            &policy(OnUnknown::Retry),
            "sendgrid",
        );
        assert!(matches!(retried.fate, Fate::Retry { .. }) && retried.state.may_have_been_sent);
        let held = decide(
            &unknown(),
            used(0),
            Route::Primary,
            &policy(OnUnknown::Hold),
            "sendgrid",
        );
        assert!(matches!(held.fate, Fate::Dead { cause } if cause.class == Class::OutcomeUnknown));
    }

    #[test]
    fn a_job_that_kills_its_workers_is_dead_the_third_time() {
        let policy = policy(OnUnknown::Retry);
        let mut state = RunState::default();
        for _ in 0..2 {
            let decision = decide_lost(state, false, &policy);
            assert_eq!(decision.fate, Fate::Back);
            state = decision.state;
        }
        let third = decide_lost(state, false, &policy);
        assert!(matches!(third.fate, Fate::Dead { cause } if cause.class == Class::Poison));
        assert_eq!(third.state.used, 0, "being lost is no attempt");
    }
}
