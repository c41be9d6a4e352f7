//! What is remembered of requests that may have gone out, whatever ended the run.

use super::*;
use crate::decide::{decide_stopped, decide_unknown_kind};

/// A job whose earlier run may have sent its request, or not, and where.
fn sent(may_have_been_sent: bool, by_fallback: bool) -> RunState {
    RunState {
        may_have_been_sent,
        by_fallback,
        generation: 2,
        entries: 5,
        ..used(1)
    }
}

#[test]
fn the_request_of_a_lost_worker_may_have_gone_out_by_where_it_first_may_have() {
    for (before, claimed_for_fallback, by_fallback) in [
        (sent(false, false), false, false),
        (sent(false, false), true, true),
        // What the provider may have already it may still have, and what the fallback may have likewise.
        (sent(true, false), true, false),
        (sent(true, true), false, true),
    ] {
        let policy = policy(OnUnknown::Retry);
        let lost = decide_lost(before, claimed_for_fallback, &policy);
        let expected = RunState {
            lost: 1,
            may_have_been_sent: true,
            by_fallback,
            ..before
        };
        let case = format!("{before:?}, {claimed_for_fallback}");
        assert_eq!((lost.fate, lost.state), (Fate::Back, expected), "{case}");
        assert_eq!((lost.outcome, lost.report), ("lost", CallReport::Nothing));
    }
}

#[test]
fn a_lost_job_follows_the_rule_for_unknown_outcomes() {
    let fate = |on_unknown| decide_lost(used(0), false, &policy(on_unknown)).fate;
    assert_eq!(fate(OnUnknown::Retry), Fate::Back);
    assert_eq!(fate(OnUnknown::Verify), Fate::Back);
    let held = fate(OnUnknown::Hold);
    assert!(matches!(held, Fate::Dead { cause } if cause.class == Class::OutcomeUnknown));
}

#[test]
fn a_job_that_was_asked_to_stop_keeps_what_may_have_been_sent() {
    for (before, sent_now, for_fallback, may_have_been_sent, by_fallback) in [
        ((false, false), false, true, false, false),
        ((false, false), true, false, true, false),
        ((false, false), true, true, true, true),
        ((true, false), true, true, true, false),
        ((true, false), false, false, true, false),
        ((true, true), false, false, true, true),
        ((true, true), true, false, true, true),
    ] {
        let before = sent(before.0, before.1);
        let stopped = decide_stopped(before, sent_now, for_fallback);
        let expected = RunState {
            may_have_been_sent,
            by_fallback,
            ..before
        };
        let case = format!("{before:?}, {sent_now}, {for_fallback}");
        assert_eq!(stopped.state, expected, "{case}");
        let ended = (stopped.fate, stopped.outcome, stopped.report);
        let cancelled = HistoryEntry::CANCELLED;
        assert_eq!(ended, (Fate::Cancelled, cancelled, CallReport::Nothing));
    }
}

#[test]
fn an_unknown_outcome_is_where_its_request_went() {
    for (route, by_fallback, used) in [
        (Route::Primary, false, 2),
        (Route::Fallback, true, 2),
        // A probe finds out about its provider at the cost of nobody's attempt.
        (Route::Probe, false, 1),
        (Route::FallbackProbe, true, 1),
    ] {
        for on_unknown in [OnUnknown::Retry, OnUnknown::Verify, OnUnknown::Hold] {
            let before = sent(false, false);
            let policy = policy(on_unknown);
            let decision = decide(&unknown(), before, route, &policy, "sendgrid");
            let expected = RunState {
                used,
                may_have_been_sent: true,
                by_fallback,
                ..before
            };
            assert_eq!(decision.state, expected, "{route:?}, {on_unknown:?}");
            let is_dead = matches!(decision.fate, Fate::Dead { .. });
            assert_eq!(is_dead, on_unknown == OnUnknown::Hold, "{route:?}");
        }
    }
}

/// Nothing else that a job's record says is changed by the way.
#[test]
fn an_end_uses_an_attempt_and_a_refusal_also_the_providers_key() {
    let before = sent(true, true);
    let state = |end: &Result<Outcome, JobError>| {
        let policy = policy(OnUnknown::Retry);
        decide(end, before, Route::Primary, &policy, "sendgrid").state
    };
    let once_more = RunState { used: 2, ..before };
    let skipped = Outcome::Skipped {
        reason: "suppressed".into(),
    };
    for end in [Ok(Outcome::done()), Ok(skipped), transient()] {
        assert_eq!(state(&end), once_more, "{end:?}");
    }
    let refused = error(|reason, answer| JobError::Permanent {
        reason,
        answer,
        blame: Blame::Theirs,
    });
    let another_key = RunState {
        generation: 3,
        ..once_more
    };
    assert_eq!(state(&refused), another_key);

    let unknown_kind = decide_unknown_kind(before);
    assert_eq!(unknown_kind.state, before);
    assert!(
        matches!(&unknown_kind.fate, Fate::Dead { cause } if cause.class == Class::Undecodable),
        "{unknown_kind:?}"
    );
}
