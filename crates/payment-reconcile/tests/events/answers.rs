//! What the app answers, and what follows from it.

use longshore_job::{JobError, Scope};
use longshore_payment_reconcile::sandbox::AppSandbox;
use longshore_sandbox::{Fault, FaultRule};

use crate::Scene;

fn answer(status: u16) -> Fault {
    Fault::Answer {
        status,
        headers: [].into(),
        body: None,
        effect: false,
    }
}

#[tokio::test]
async fn trouble_at_the_app_is_told_again_under_the_same_key() {
    for (fault, applied) in [
        (answer(500), 0),
        (answer(307), 0),
        (Fault::HangUp { effect: false }, 0),
        (Fault::HangUpUnread, 0),
        // It has taken it, and nobody heard.
        (Fault::HangUp { effect: true }, 1),
        (Fault::NeverAnswer { effect: true }, 1),
        (
            Fault::Answer {
                status: 502,
                headers: [].into(),
                body: None,
                effect: true,
            },
            1,
        ),
    ] {
        for succeeds in [true, false] {
            let scene = Scene::set().await;
            let event = scene.pays(&scene.payment(), succeeds);
            scene.app_fault(FaultRule::first(1, fault.clone()));
            let error = scene.fails(&event).await;
            assert!(
                matches!(error, JobError::Transient { .. }),
                "{fault:?}: {error:?}"
            );
            // Not Stripe's trouble: its breaker must not hear of it.
            assert_eq!(error.answer().provider.as_deref(), Some("app"));
            assert_eq!(scene.effects().len(), applied, "{fault:?}");
            assert!(!scene.remembers_an_effect());

            scene.done(&event).await;
            assert_eq!(scene.effects().len(), 1, "{fault:?}");
            assert_eq!(
                scene.app.repetitions(),
                u64::try_from(applied).expect("0 or 1")
            );
            let mails = usize::from(!succeeds);
            assert_eq!(scene.mails().len(), mails, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_a_dead_letter_that_says_whose() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), true);
    let refusal = Fault::Answer {
        status: 422,
        headers: [].into(),
        body: Some(r#"{"error":{"code":"order_unknown","message":"of Ada"}}"#.to_owned()),
        effect: false,
    };
    scene.app_fault(FaultRule::first(1, refusal));
    let error = scene.fails(&event).await;
    assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
    assert_eq!(error.reason(), "the app answered 422: order_unknown");
    let answer = error.answer();
    assert_eq!(answer.provider.as_deref(), Some("app"));
    assert_eq!(
        (answer.status, answer.code.as_deref()),
        (Some(422), Some("422"))
    );
    // An operator replays it when the app is mended.
    scene.done(&event).await;
}

#[tokio::test]
async fn an_app_that_asks_for_time_holds_up_nobody_else() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), true);
    scene.app_fault(FaultRule::first(
        1,
        Fault::Throttle {
            retry_after_seconds: Some(7),
            reset_in_seconds: None,
        },
    ));
    match scene.fails(&event).await {
        JobError::Throttled {
            retry_after,
            scope: Scope::Job,
            ..
        } => assert_eq!(retry_after.as_secs(), 7),
        other => panic!("{other:?}"),
    }
    scene.done(&event).await;
}

#[tokio::test]
async fn an_effect_is_signed_with_the_secret_that_the_app_has() {
    let scene = Scene::set().await;
    let event = scene.pays(&scene.payment(), true);
    scene.app.set_secret("another");
    let error = scene.fails(&event).await;
    // While it changes on both sides, no attempt is used.
    assert!(matches!(error, JobError::Unauthorized { .. }), "{error:?}");
    assert_eq!(error.answer().status, Some(401));
    assert!(error.reason().contains("app.secret"), "{error}");
    scene.app.set_secret(AppSandbox::SECRET);
    scene.done(&event).await;
}

#[tokio::test]
async fn an_app_that_says_nothing_has_still_taken_it() {
    let scene = Scene::set().await;
    for succeeds in [true, false] {
        let event = scene.pays(&scene.payment(), succeeds);
        scene.app_fault(FaultRule::first(
            1,
            Fault::Garbage {
                status: 200,
                effect: true,
            },
        ));
        scene.done(&event).await;
    }
    assert_eq!(scene.effects().len(), 2);
    assert_eq!(scene.mails().len(), 0);
}
