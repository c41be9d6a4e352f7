//! A checkout's one attempt: when its call is made again, and what its provider's breaker hears of each.

use std::time::Duration;

use longshore_job::{Answer, Job, JobError, KindPolicy, NotNow, Outcome, Pass, Scope, Why};
use longshore_payment_reconcile::CreatePaymentIntent;
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::{Noted, Script, ScriptedGate};

use crate::{Scene, kind, result};

const OPEN_FOR: Duration = Duration::from_secs(30);

/// How long the call waits before it is made again, and once more.
const WAITS: [Duration; 2] = [Duration::from_millis(1); 2];

/// Lets the call be made again so often, then not.
fn breaker(passes: u64) -> ScriptedGate {
    ScriptedGate::open().answering_again(move |noted, provider| {
        let again = |noted: &&Noted| matches!(noted, Noted::AcquiredRepeat { .. });
        let before: u64 = noted.iter().filter(again).map(|_| 1).sum();
        match passes.saturating_sub(before) {
            0 => Err(NotNow {
                provider: provider.to_owned(),
                why: Why::Open,
                retry_after: OPEN_FOR,
            }),
            epoch => Ok(Pass {
                epoch,
                probe: false,
            }),
        }
    })
}

/// What it was told of calls: what each was let out by, and how it ended.
fn told(gate: &ScriptedGate) -> Vec<(Option<u64>, &'static str)> {
    let noted = gate.noted().into_iter();
    let told = noted.filter_map(|noted| match noted {
        Noted::Ended {
            provider,
            pass,
            end,
        } => {
            assert_eq!(provider, "stripe");
            let end = end.as_ref().map_or_else(kind, |_| "well");
            Some((pass.map(|pass| pass.epoch), end))
        }
        _ => None,
    });
    told.collect()
}

/// How a checkout ends at a Stripe with this fault, where its call may be made again so often, and what was told of it.
async fn ends(
    scene: &Scene,
    fault: FaultRule,
    passes: u64,
) -> (
    Result<Outcome, JobError>,
    Vec<(Option<u64>, &'static str)>,
    u64,
) {
    scene.rule(fault);
    let before = scene.sandbox.ledger().requests();
    let script = scene.script.for_new_job().with_gate(breaker(passes));
    let end = attempt(scene, &script).await;
    let requests = scene.sandbox.ledger().requests() - before;
    (end, told(&script.gate), requests)
}

async fn attempt(scene: &Scene, script: &Script) -> Result<Outcome, JobError> {
    let mut run = script.run();
    run.max_attempts = 1;
    run.policy = KindPolicy {
        // Not enough for waiting, and more than enough for calls.
        timeout: Some(Duration::from_secs(20)),
        call_timeout: Some(Duration::from_secs(20)),
        priority: None,
        retry: Some(&[]),
        retry_within: &WAITS,
        expires: None,
        on_unknown: None,
    };
    scene.create_payment_intent(&run).await
}

#[tokio::test]
async fn a_call_that_was_surely_not_carried_out_leaves_nothing_in_doubt() {
    let scene = Scene::set().await;
    for (fault, passes, may_have_been_sent) in [
        (answers(9, 409), 0, false),
        (answers(9, 409), 9, false),
        (answers(9, 503), 0, true),
        (answers(1, 402), 9, false),
        (FaultRule::always(Fault::HangUp { effect: false }), 0, true),
    ] {
        scene.rule(fault.clone());
        let script = scene.script.for_new_job().with_gate(breaker(passes));
        let error = attempt(&scene, &script).await.expect_err("fails");
        let counts = script.may_have_been_sent(&error);
        assert_eq!(counts, may_have_been_sent, "{fault:?}: {error:?}");
    }
}

fn answers(times: u64, status: u16) -> FaultRule {
    FaultRule::first(
        times,
        Fault::Answer {
            status,
            headers: [].into(),
            body: None,
            effect: false,
        },
    )
}

#[tokio::test]
async fn an_only_call_is_told_of_by_the_end_of_its_run() {
    let scene = Scene::set().await;
    let (end, told, requests) = ends(&scene, answers(1, 400), 9).await;
    assert_eq!(kind(&end.expect_err("refused")), "permanent");
    assert_eq!((told, requests), (vec![], 1));
}

#[tokio::test]
async fn each_call_of_several_is_told_of_once_with_what_it_was_let_out_by() {
    let scene = Scene::set().await;
    let lost = FaultRule::first(2, Fault::HangUp { effect: true });
    let (end, told, requests) = ends(&scene, lost, 9).await;
    result(end);
    let expected = [(None, "unknown"), (Some(9), "unknown"), (Some(8), "well")];
    assert_eq!((told, requests), (expected.to_vec(), 3));

    // The look at its end, too.
    let lost = FaultRule::always(Fault::HangUp { effect: false });
    let (end, told, requests) = ends(&scene, lost, 9).await;
    assert_eq!(kind(&end.expect_err("lost")), "unknown");
    let expected = [
        (None, "unknown"),
        (Some(9), "unknown"),
        (Some(8), "unknown"),
        (Some(7), "transient"),
    ];
    assert_eq!((told, requests), (expected.to_vec(), 4));
}

#[tokio::test]
async fn a_provider_that_is_left_alone_is_not_called_again() {
    let scene = Scene::set().await;
    // Surely not carried out: the job waits in its queue, at no attempt.
    let (end, told, requests) = ends(&scene, answers(9, 409), 0).await;
    match end.expect_err("not now") {
        JobError::Throttled {
            retry_after,
            scope: Scope::Job,
            answer,
            ..
        } => assert_eq!(
            (retry_after, answer),
            (OPEN_FOR, Answer::default().quoting_nothing())
        ),
        error => panic!("{error:?}"),
    }
    assert_eq!((told, requests), (vec![(None, "transient")], 1));

    // It may have been, and there is no time to wait: an operator has to know.
    let lost = FaultRule::always(Fault::HangUp { effect: true });
    let (end, told, requests) = ends(&scene, lost, 0).await;
    let error = end.expect_err("lost");
    assert_eq!(kind(&error), "unknown");
    let reason = error.reason();
    assert!(
        reason.contains("could not be asked: stripe may not be called now: its breaker is open"),
        "{reason}"
    );
    assert_eq!((told, requests), (vec![(None, "unknown")], 1));
}

/// With the policy that its kind is shipped with. The first retry of a schedule would come when its user has gone.
#[tokio::test]
async fn one_lost_answer_is_made_up_for_as_it_is_shipped() {
    let scene = Scene::set().await;
    scene.fault_once(Fault::HangUp { effect: true });
    let mut run = scene.a_run();
    run.policy = CreatePaymentIntent::POLICY;
    result(scene.create_payment_intent(&run).await);
    let requests = scene.sandbox.ledger().requests();
    assert_eq!((requests, scene.effects()), (2, 1));
}
