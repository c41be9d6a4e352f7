use longshore_job::{Answer, Blame, JobError, Outcome, Scope};

mod sent;

use super::run::{NOT_REACHED_ELSEWHERE, REFUSED_ELSEWHERE};
use super::*;
use crate::Route;

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
        report_of_run(end).map(|(provider, word)| (provider.to_string(), word))
    };
    let of_sendgrid = |word| Some(("sendgrid".to_owned(), word));
    assert_eq!(heard_of(&transient()), of_sendgrid(CallReport::Ill));
    let done = Outcome::Done {
        result: None,
        answer: answer(),
    };
    assert_eq!(heard_of(&Ok(done)), of_sendgrid(CallReport::Well));
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
            (decision.fate, decision.state, decision.report),
            (Fate::Later { after }, used(3), CallReport::Hold(after))
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
    assert!(matches!(decision.report, CallReport::Refused { .. }));
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
        (elsewhere.fate, elsewhere.state, elsewhere.report),
        (Fate::Later { after }, used(1), CallReport::Nothing)
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
    assert!(matches!(fallback.report, CallReport::Refused { .. }));
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
        assert_eq!(decision.report, CallReport::Ill);
    }
}

#[test]
fn what_was_not_reached_costs_no_attempt() {
    let away = error(|reason, answer| JobError::NotReached { reason, answer });
    for on_unknown in [OnUnknown::Retry, OnUnknown::Verify, OnUnknown::Hold] {
        for route in [Route::Primary, Route::Probe, Route::Fallback] {
            let decision = decide(&away, used(3), route, &policy(on_unknown), "sendgrid");
            assert_eq!(
                (decision.fate, decision.state, decision.report),
                (Fate::Back, used(3), CallReport::NotReached),
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
        (elsewhere.fate, elsewhere.state, elsewhere.report),
        (Fate::Later { after }, used(3), CallReport::Nothing)
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
        .report
    };
    assert_eq!(said(&Ok(Outcome::done())), CallReport::Nothing);
    let answered = |answer| {
        Ok(Outcome::Done {
            result: None,
            answer,
        })
    };
    assert_eq!(said(&answered(answer())), CallReport::Well);
    assert_eq!(said(&answered(Answer::of("app"))), CallReport::Nothing);
    let app_is_down = Err(JobError::Transient {
        reason: String::new(),
        answer: Answer::of("app"),
    });
    assert_eq!(said(&app_is_down), CallReport::Nothing);
    assert_eq!(
        said(&Err(JobError::transient("panic"))),
        CallReport::Nothing
    );
    assert_eq!(
        said(&Err(JobError::permanent("unknown template"))),
        CallReport::Nothing
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
        (CallReport::Well, CallReport::Nothing)
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
        assert_eq!(again(status), CallReport::Well, "{status}");
    }
    for status in [200, 301, 408, 421, 451, 500, 503] {
        assert_eq!(again(status), CallReport::Ill, "{status}");
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

/// A call that was told of when it ended does not count once more; what holds claims back is said again.
#[test]
fn what_calls_have_told_counts_once() {
    let held = CallReport::Hold(Duration::from_secs(1));
    let refused = CallReport::Refused {
        reason: "401".to_owned(),
    };
    for (report, told) in [
        (CallReport::Well, CallReport::Nothing),
        (CallReport::Ill, CallReport::Nothing),
        (CallReport::NotReached, CallReport::Nothing),
        (held.clone(), held),
        (refused.clone(), refused),
    ] {
        let lost = decide_lost(used(1), false, &policy(OnUnknown::Retry));
        let decision = Decision { report, ..lost };
        let told = Decision {
            report: told,
            ..decision.clone()
        };
        assert_eq!(decision.clone().of_calls_told(), told);
        let ours = Decision {
            report: CallReport::Nothing,
            ..decision.clone()
        };
        assert_eq!(decision.of_our_own(), ours);
    }
}
