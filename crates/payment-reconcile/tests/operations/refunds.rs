//! Refunds, and what else can be asked of a payment and a subscription.

use longshore_job::{Blame, Handler, JobError, Outcome, Run};
use longshore_payment_reconcile::sandbox::PlantedPaymentIntent;
use longshore_payment_reconcile::{
    CancelSubscription, CancelSubscriptionHandler, ConfirmPaymentIntent,
    ConfirmPaymentIntentHandler, CreateRefund, CreateRefundHandler, CreateSubscription,
    CreateSubscriptionHandler,
};
use longshore_sandbox::Fault;

use crate::{Scene, an_order, kind, result, sent_before};

impl Scene {
    fn paid(&self) -> String {
        let paid = PlantedPaymentIntent::new(1000, "nok", "succeeded");
        self.sandbox.plant([paid]).remove(0)
    }

    async fn refund(&self, job: &CreateRefund, run: &Run) -> Result<Outcome, JobError> {
        let handler = CreateRefundHandler::new(self.providers.clone());
        handler.run(job.clone(), run.clone()).await
    }

    /// What of a payment was refunded.
    fn gone(&self) -> u64 {
        let events = self.sandbox.events();
        let charge = events
            .iter()
            .find(|event| event["type"] == "charge.refunded");
        charge.map_or(0, |event| {
            let refunded = &event["data"]["object"]["amount_refunded"];
            refunded.as_u64().expect("a sum")
        })
    }
}

#[tokio::test]
async fn whole_and_in_part() {
    let scene = Scene::set().await;
    let intent = scene.paid();
    let part = CreateRefund::new(&*intent).amount(300);
    let made = result(scene.refund(&part, &scene.a_run()).await);
    assert!(made["refund"].as_str().expect("an id").starts_with("re_"));
    assert_eq!((&made["status"], scene.gone()), (&"succeeded".into(), 300));
    // Another job is another refund, of all that is left.
    let rest = CreateRefund::new(&*intent);
    result(scene.refund(&rest, &scene.a_run()).await);
    assert_eq!((scene.gone(), scene.effects()), (1000, 2));
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_made_once() {
    for effect in [true, false] {
        let scene = Scene::set().await;
        let job = CreateRefund::new(scene.paid()).amount(300);
        let run = scene.a_run();
        scene.fault_once(Fault::HangUp { effect });
        let error = scene.refund(&job, &run).await.expect_err("lost");
        assert_eq!(kind(&error), "unknown");
        let again = sent_before(&run);
        result(scene.refund(&job, &again).await);
        // And so does one whose key is forgotten.
        scene.sandbox.expire_idempotency_keys();
        scene.requests_were_out(25 * 3600, 25 * 3600 - 60);
        scene.script.memory.set_requests_out(
            std::time::Duration::from_secs(25 * 3600),
            std::time::Duration::from_secs(0),
        );
        result(scene.refund(&job, &again).await);
        assert_eq!(
            (scene.gone(), scene.effects()),
            (300, 1),
            "effect: {effect}"
        );
    }
}

#[tokio::test]
async fn what_cannot_go_back_is_refused_for_good() {
    let scene = Scene::set().await;
    let refunded = scene.paid();
    scene.sandbox.refund(&refunded, None).expect("refunded");
    let disputed = scene.paid();
    scene.sandbox.dispute(&disputed).expect("disputed");
    let open = PlantedPaymentIntent::new(1000, "nok", "requires_payment_method");
    let open = scene.sandbox.plant([open]).remove(0);
    for (job, code, blame) in [
        (
            CreateRefund::new(refunded),
            "charge_already_refunded",
            Blame::Theirs,
        ),
        (
            CreateRefund::new(disputed),
            "charge_disputed",
            Blame::Theirs,
        ),
        (
            CreateRefund::new(open),
            "invalid_request_error",
            Blame::Ours,
        ),
        (
            CreateRefund::new("pi_nobody"),
            "resource_missing",
            Blame::Ours,
        ),
        (
            CreateRefund::new(scene.paid()).amount(1001),
            "invalid_request_error",
            Blame::Ours,
        ),
    ] {
        match scene.refund(&job, &scene.a_run()).await.expect_err(code) {
            JobError::Permanent {
                answer,
                blame: whose,
                ..
            } => {
                assert_eq!(
                    (answer.code.as_deref(), whose),
                    (Some(code), blame),
                    "{job:?}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(scene.effects(), 0);
    let error = scene
        .refund(&CreateRefund::new("o_1"), &scene.a_run())
        .await;
    let error = error.expect_err("nobody's");
    assert_eq!(error.answer().code.as_deref(), Some("unknown payment"));
}

#[tokio::test]
async fn a_refund_is_found_when_it_is_too_late_to_make_it() {
    let scene = Scene::set().await;
    let job = CreateRefund::new(scene.paid());
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    scene.refund(&job, &run).await.expect_err("lost");
    scene.requests_were_out(120, 61);
    let handler = CreateRefundHandler::new(scene.providers.clone());
    let found = handler.verify(&job, &sent_before(&run)).await;
    let found = result(found.map(|found| found.expect("found")));
    assert_eq!(found["status"], "succeeded");
    let other = handler.verify(&job, &sent_before(&scene.a_run())).await;
    assert_eq!(other, Ok(None), "another job's");
}

#[tokio::test]
async fn a_subscription_ends_with_its_period() {
    let scene = Scene::set().await;
    scene.create_customer(&scene.a_run()).await.expect("done");
    let subscribe = CreateSubscriptionHandler::new(scene.providers.clone());
    let job = CreateSubscription::new("user-7", "price_1").trial_days(14);
    let made = result(subscribe.run(job, scene.a_run()).await);
    let id = made["subscription"].as_str().expect("an id");
    let cancel = CancelSubscriptionHandler::new(scene.providers.clone());
    let job = CancelSubscription::new(id).at_period_end(true);
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    cancel
        .run(job.clone(), run.clone())
        .await
        .expect_err("lost");
    scene.requests_were_out(120, 61);
    let found = cancel.verify(&job, &sent_before(&run)).await;
    let found = result(found.map(|found| found.expect("found")));
    assert_eq!(found["status"], "active");
    assert_eq!(
        scene.sandbox.subscriptions()[0]["cancel_at_period_end"],
        true
    );
    // Now is still possible.
    let done = result(cancel.run(CancelSubscription::new(id), scene.a_run()).await);
    assert_eq!(done["status"], "canceled");
    // What has ended already is done, one that is not there is not.
    let late = CancelSubscription::new(id).at_period_end(true);
    let done = result(cancel.run(late, scene.a_run()).await);
    assert_eq!(done["status"], "canceled");
    let nobodys = CancelSubscription::new("sub_none").at_period_end(true);
    let error = cancel.run(nobodys, scene.a_run()).await.expect_err("none");
    assert_eq!(kind(&error), "permanent");
}

#[tokio::test]
async fn what_the_payer_has_to_do_is_told_and_no_secret_is() {
    let scene = Scene::set().await;
    let job = an_order()
        .payment_method("pm_card_authenticationRequired")
        .confirm(true)
        .return_url("https://shop.example.com/paid");
    let made = result(scene.pay(job, &scene.a_run()).await);
    assert_eq!(made["status"], "requires_action");
    assert_eq!(made["next_action"], "redirect_to_url");
    assert!(!made.to_string().contains("secret"), "{made}");
    // Where nothing is left to do, nothing is said.
    let job = an_order().payment_method("pm_card_visa").confirm(true);
    let paid = result(scene.pay(job.off_session(true), &scene.a_run()).await);
    assert!(paid.get("next_action").is_none(), "{paid}");
}

#[tokio::test]
async fn who_has_to_come_back_knows_to_which_payment() {
    let scene = Scene::set().await;
    let job = an_order().payment_method("pm_card_authenticationRequired");
    let job = job.confirm(true).off_session(true);
    let error = scene.pay(job, &scene.a_run()).await.expect_err("declined");
    assert_eq!(
        error.answer().code.as_deref(),
        Some("authentication_required")
    );
    let intent = &scene.sandbox.payment_intents()[0]["id"];
    let intent = intent.as_str().expect("an id");
    assert!(error.reason().contains(intent), "{error}");
    assert!(!error.reason().contains("secret"), "{error}");
    let confirm = ConfirmPaymentIntentHandler::new(scene.providers.clone());
    let job = ConfirmPaymentIntent::new(intent)
        .payment_method("pm_card_visa")
        .return_url("https://shop.example.com/paid");
    assert_eq!(
        result(confirm.run(job, scene.a_run()).await)["status"],
        "succeeded"
    );
}
