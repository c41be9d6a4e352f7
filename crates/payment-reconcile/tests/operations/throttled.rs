//! A checkout at a Stripe that is asked too often, with the settings that are shipped. The clock is moved over each wait.

use std::pin::Pin;
use std::time::Duration;

use longshore_job::{Job, JobError, Outcome, Scope};
use longshore_payment_reconcile::CreatePaymentIntent;
use longshore_payment_reconcile::sandbox::StripeSandbox;
use longshore_sandbox::FaultRule;
use longshore_testing::{Noted, ScriptedGate};
use tokio::task::yield_now;

use crate::{Scene, result};

type Paying<'a> = Pin<Box<dyn Future<Output = Result<Outcome, JobError>> + 'a>>;

/// So long before its time nothing is sent.
const SHORT_OF_IT: Duration = Duration::from_millis(200);

/// For how long calls were to be held back, each time that one was refused.
fn named(gate: &ScriptedGate) -> Vec<(u64, Scope)> {
    let noted = gate.noted().into_iter();
    let named = noted.filter_map(|noted| match noted {
        Noted::Ended {
            end: Err(JobError::Throttled {
                retry_after, scope, ..
            }),
            ..
        } => Some((retry_after.as_secs(), scope)),
        _ => None,
    });
    named.collect()
}

/// Lets the run go on until this holds.
async fn until(paying: &mut Paying<'_>, holds: impl Fn() -> bool) {
    while !holds() {
        a_moment(paying).await;
    }
}

/// Lets the run go on for as long as it has something to do at once.
async fn a_moment(paying: &mut Paying<'_>) {
    for _ in 0..20 {
        tokio::select! {
            biased;
            end = &mut *paying => panic!("it is over: {end:?}"),
            () = yield_now() => {}
        }
    }
}

async fn clock_moves(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

#[tokio::test]
async fn it_is_made_after_one_two_and_four_seconds_within_its_one_attempt() {
    let scene = Scene::set().await;
    scene.rule(FaultRule::first(3, StripeSandbox::rate_limited()));
    let script = scene.script.for_new_job().with_gate(ScriptedGate::open());
    let mut run = script.run();
    run.max_attempts = 1;
    run.policy = CreatePaymentIntent::POLICY;
    let requests = || scene.sandbox.requests().len();
    let mut paying: Paying<'_> = Box::pin(scene.create_payment_intent(&run));
    for (before, seconds) in [1, 2, 4].into_iter().enumerate() {
        until(&mut paying, || named(&script.gate).len() == before + 1).await;
        a_moment(&mut paying).await;
        clock_moves(Duration::from_secs(seconds) - SHORT_OF_IT).await;
        a_moment(&mut paying).await;
        assert_eq!(requests(), before + 1, "not before {seconds} s");
        clock_moves(SHORT_OF_IT).await;
    }
    assert_eq!(result(paying.await)["status"], "requires_payment_method");
    assert_eq!(requests(), 4);
    let waits = [1, 2, 4].map(|seconds| (seconds, Scope::Provider));
    assert_eq!(named(&script.gate), waits, "the whole fleet waits so long");
    let keys = scene.keys();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}
