//! Who is whose customer.

use std::sync::Mutex;

use longshore_job::{Answer, Handler, JobError, Run};
use longshore_payment_reconcile::{
    CancelSubscription, ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent, CreateRefund,
    CreateSubscription,
};
use longshore_payment_reconcile::{
    CancelSubscriptionHandler, CreateCustomerHandler, CreatePaymentIntentHandler,
    CreateSubscriptionHandler, LookupFuture, Operation, OperationFuture, PaymentProvider,
    Providers, Receipt, Share, Stripe,
};
use longshore_sandbox::Fault;
use serde_json::json;

use crate::{Scene, an_order, config, kind, result, sent_before};

#[tokio::test]
async fn a_user_is_a_customer_once() {
    let scene = Scene::set().await;
    let first = result(scene.create_customer(&scene.a_run()).await);
    assert_eq!(first["provider"], "stripe");
    assert_eq!(first["customer"], scene.sandbox.customers()[0]["id"]);
    assert_eq!(first.get("left_over"), None);
    let second = result(scene.create_customer(&scene.a_run()).await);
    assert_eq!(second, first);
    assert_eq!(scene.asked(), (1, 0), "no call for the second");
}

#[tokio::test]
async fn of_two_jobs_for_one_user_the_first_one_wins() {
    let scene = Scene::set().await;
    let winner = json!({ "provider": "stripe", "customer": "cus_first" });
    // The other job is done while this one's request is out.
    let providers = Providers::new(Meanwhile {
        stripe: Stripe::new(&config(&scene.sandbox.origin())).expect("a client"),
        assigned: winner.to_string(),
    });
    let handler = CreateCustomerHandler::new(providers);
    let run = scene.a_run();
    let outcome = handler.run(CreateCustomer::new("user-7"), run).await;
    let made = &scene.sandbox.customers()[0]["id"];
    let expected = json!({
        "provider": "stripe",
        "customer": "cus_first",
        "left_over": { "provider": "stripe", "customer": made },
    });
    assert_eq!(result(outcome), expected);
    let kept = scene.script.memory.in_map("customers", "user-7");
    assert_eq!(kept, Some(winner.to_string()));
}

#[tokio::test]
async fn two_jobs_at_once_leave_one_customer_and_say_which_is_left_over() {
    let scene = Scene::set().await;
    let (run, other) = (scene.a_run(), scene.a_run());
    let both = tokio::join!(scene.create_customer(&run), scene.create_customer(&other));
    let results = [result(both.0), result(both.1)];
    assert_eq!(results[0]["customer"], results[1]["customer"]);
    let left_over: Vec<_> = results.iter().filter_map(|r| r.get("left_over")).collect();
    assert_eq!(left_over.len() + 1, scene.sandbox.customers().len());
}

#[tokio::test]
async fn customers_stay_where_they_are_when_new_ones_go_elsewhere() {
    let scene = Scene::set().await;
    let old = result(scene.create_customer(&scene.a_run()).await);
    let subscribe = |providers| CreateSubscriptionHandler::new(providers);
    let job = |user| CreateSubscription::new(user, "price_1");
    let handler = subscribe(scene.providers.clone());
    let subscription = result(handler.run(job("user-7"), scene.a_run()).await);

    let stripe = Stripe::new(&config(&scene.sandbox.origin())).expect("a client");
    let providers = Providers::new(Other::default()).and(stripe);
    assert_eq!(providers.for_new_customer("user-8").name(), "other");
    assert_eq!(format!("{providers:?}"), r#"["other", "stripe"]"#);
    let customers = CreateCustomerHandler::new(providers.clone());
    let new = customers
        .run(CreateCustomer::new("user-8"), scene.a_run())
        .await;
    assert_eq!(
        result(new),
        json!({ "provider": "other", "customer": "o_1" })
    );
    let kept = customers
        .run(CreateCustomer::new("user-7"), scene.a_run())
        .await;
    assert_eq!(result(kept), old);

    let intents = CreatePaymentIntentHandler::new(providers.clone());
    for (user, provider) in [
        ("user-7", "stripe"),
        ("user-8", "other"),
        ("user-9", "other"),
    ] {
        let job = CreatePaymentIntent::new("order-1", user, 1000, "nok");
        let made = result(intents.run(job, scene.a_run()).await);
        assert_eq!(made["provider"], provider, "{user}");
    }
    // A customer that is named is at the provider whose id it looks like.
    let named = old["customer"].as_str().expect("an id");
    let intent = CreatePaymentIntent::new("order-1", "user-9", 1000, "nok").customer(named);
    let made = result(intents.run(intent, scene.a_run()).await);
    assert_eq!(made["provider"], "stripe");

    let made = result(
        subscribe(providers.clone())
            .run(job("user-8"), scene.a_run())
            .await,
    );
    assert_eq!(made["provider"], "other");
    let cancel = CancelSubscriptionHandler::new(providers);
    // One that was moved.
    scene
        .script
        .memory
        .set_in_map("subscriptions", "sub_1", "other");
    let ended = cancel
        .run(CancelSubscription::new("sub_1"), scene.a_run())
        .await;
    assert_eq!(result(ended)["status"], "gone");
    for (made, status) in [(&subscription, "canceled"), (&made, "gone")] {
        let id = made["subscription"].as_str().expect("an id");
        let ended = cancel.run(CancelSubscription::new(id), scene.a_run()).await;
        assert_eq!(result(ended)["status"], status);
    }
}

#[tokio::test]
async fn a_job_stays_with_the_provider_that_it_began_at() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    scene.create_customer(&run).await.expect_err("lost");
    let stripe = Stripe::new(&config(&scene.sandbox.origin())).expect("a client");
    let providers = Providers::new(Other::default()).and(stripe);
    let handler = CreateCustomerHandler::new(providers);
    let job = || CreateCustomer::new("user-7");
    let made = result(handler.run(job(), sent_before(&run)).await);
    assert_eq!(made["provider"], "stripe");
    assert_eq!(scene.sandbox.customers().len(), 1);
    let saved = scene.script.memory.checkpoints().len();
    assert_eq!(saved, 1, "each one says that the job comes on");
}

/// After a refusal a replay has a new key. Its payment method is of the provider that refused it.
#[tokio::test]
async fn a_replay_after_a_refusal_stays_with_its_provider() {
    let scene = Scene::set().await;
    let stripe = Stripe::new(&config(&scene.sandbox.origin())).expect("a client");
    let after = Providers::new(Other::default()).and(stripe);
    let intents = |providers: &Providers| CreatePaymentIntentHandler::new(providers.clone());
    let job = || CreatePaymentIntent::new("order-1", "user-9", 1000, "nok");
    let declined = || {
        let job = job().payment_method("pm_card_chargeDeclined");
        job.confirm(true).off_session(true)
    };
    let run = scene.a_run();
    let before = intents(&scene.providers);
    before
        .run(declined(), run.clone())
        .await
        .expect_err("declined");
    let mut replayed = run.clone();
    replayed.idempotency_key = format!("{}-1", run.id);
    let again = intents(&after).run(declined(), replayed.clone()).await;
    assert_eq!(kind(&again.expect_err("declined by Stripe")), "permanent");
    // An operator may say otherwise, by the args.
    replayed.idempotency_key = format!("{}-2", run.id);
    let moved = intents(&after).run(job().provider("other"), replayed).await;
    assert_eq!(result(moved)["provider"], "other");
    // What was never sent is bound by nothing.
    let never_sent = intents(&after).run(job(), scene.a_run()).await;
    assert_eq!(result(never_sent)["provider"], "other");
}

#[tokio::test]
async fn a_share_of_the_new_customers_goes_elsewhere_and_args_decide_otherwise() {
    let scene = Scene::set().await;
    let stripe = Stripe::new(&config(&scene.sandbox.origin())).expect("a client");
    let pilot = Share {
        percent: 0,
        users: ["ada".to_owned()].into(),
    };
    let providers = Providers::new(Other::default())
        .and(stripe)
        .with_share(pilot);
    let customers = CreateCustomerHandler::new(providers);
    for (job, provider) in [
        (CreateCustomer::new("ada"), "other"),
        (CreateCustomer::new("bob"), "stripe"),
        (CreateCustomer::new("carol").provider("other"), "other"),
        (CreateCustomer::new("dave").provider("stripe"), "stripe"),
    ] {
        let made = customers.run(job.clone(), scene.a_run()).await;
        assert_eq!(result(made)["provider"], provider, "{}", job.user_id);
    }
    let unknown = CreateCustomer::new("eve").provider("adyen");
    let unknown = customers.run(unknown, scene.a_run()).await;
    assert_eq!(kind(&unknown.expect_err("not configured")), "transient");
}

#[tokio::test]
async fn a_provider_that_is_not_configured_any_more_is_no_refusal() {
    let scene = Scene::set().await;
    let gone = json!({ "provider": "gone", "customer": "g_1" }).to_string();
    scene.script.memory.set_in_map("customers", "user-7", &gone);
    let error = scene
        .pay(an_order(), &scene.a_run())
        .await
        .expect_err("gone");
    assert_eq!(kind(&error), "transient");
    assert!(error.reason().contains("gone"), "{}", error.reason());
    assert_eq!(error.answer().provider, None, "it says nothing of Stripe");
}

/// Stripe, while another job assigns the user.
struct Meanwhile {
    stripe: Stripe,
    assigned: String,
}

impl PaymentProvider for Meanwhile {
    fn name(&self) -> &'static str {
        self.stripe.name()
    }

    fn owns(&self, id: &str) -> bool {
        self.stripe.owns(id)
    }

    fn create_customer<'a>(&'a self, run: &'a Run, job: &'a CreateCustomer) -> OperationFuture<'a> {
        Box::pin(async {
            let receipt = self.stripe.create_customer(run, job).await;
            let memory = run.memory();
            let assigned = memory.assign("customers", &job.user_id, &self.assigned);
            assigned.await.expect("assigned");
            receipt
        })
    }

    fn create_payment_intent<'a>(
        &'a self,
        _: &'a Run,
        _: &'a CreatePaymentIntent,
        _: Option<&'a str>,
    ) -> OperationFuture<'a> {
        unreachable!()
    }

    fn confirm<'a>(&'a self, _: &'a Run, _: &'a ConfirmPaymentIntent) -> OperationFuture<'a> {
        unreachable!()
    }

    fn create_refund<'a>(&'a self, _: &'a Run, _: &'a CreateRefund) -> OperationFuture<'a> {
        unreachable!()
    }

    fn create_subscription<'a>(
        &'a self,
        _: &'a Run,
        _: &'a CreateSubscription,
        _: &'a str,
    ) -> OperationFuture<'a> {
        unreachable!()
    }

    fn cancel_subscription<'a>(
        &'a self,
        _: &'a Run,
        _: &'a CancelSubscription,
    ) -> OperationFuture<'a> {
        unreachable!()
    }

    fn find<'a>(&'a self, _: &'a Run, _: Operation<'a>) -> LookupFuture<'a> {
        unreachable!()
    }
}

/// Another provider, whose ids look like `o_1`.
#[derive(Default)]
struct Other {
    made: Mutex<u32>,
}

impl Other {
    fn receipt(&self, status: Option<&str>) -> Result<Receipt, JobError> {
        let mut made = self.made.lock().expect("no panic");
        *made += 1;
        Ok(Receipt {
            status: status.map(str::to_owned),
            ..Receipt::of(format!("o_{made}"), Answer::of("other"))
        })
    }
}

impl PaymentProvider for Other {
    fn name(&self) -> &'static str {
        "other"
    }

    fn owns(&self, id: &str) -> bool {
        id.starts_with("o_")
    }

    fn create_customer<'a>(&'a self, _: &'a Run, _: &'a CreateCustomer) -> OperationFuture<'a> {
        Box::pin(async { self.receipt(None) })
    }

    fn create_payment_intent<'a>(
        &'a self,
        _: &'a Run,
        _: &'a CreatePaymentIntent,
        _: Option<&'a str>,
    ) -> OperationFuture<'a> {
        Box::pin(async { self.receipt(Some("open")) })
    }

    fn confirm<'a>(&'a self, _: &'a Run, _: &'a ConfirmPaymentIntent) -> OperationFuture<'a> {
        Box::pin(async { self.receipt(Some("paid")) })
    }

    fn create_refund<'a>(&'a self, _: &'a Run, _: &'a CreateRefund) -> OperationFuture<'a> {
        unreachable!()
    }

    fn create_subscription<'a>(
        &'a self,
        _: &'a Run,
        _: &'a CreateSubscription,
        _: &'a str,
    ) -> OperationFuture<'a> {
        Box::pin(async { self.receipt(Some("on")) })
    }

    fn cancel_subscription<'a>(
        &'a self,
        _: &'a Run,
        _: &'a CancelSubscription,
    ) -> OperationFuture<'a> {
        Box::pin(async { self.receipt(Some("gone")) })
    }

    fn find<'a>(&'a self, _: &'a Run, _: Operation<'a>) -> LookupFuture<'a> {
        Box::pin(async { Ok(None) })
    }
}
