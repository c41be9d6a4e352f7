//! The move from Stripe to another payment provider, as docs/migrating-a-provider.md tells it: one program, one Redis, and both
//! providers alive from the first new customer to the last refund.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use longshore_client::{Client, JobState};
use longshore_payment_reconcile::sandbox::{AppEffectKind, AppPayment, WebhookEndpoint};
use longshore_payment_reconcile::{
    CancelSubscription, CreateCustomer, CreatePaymentIntent, CreateRefund, CreateSubscription,
    ReconcilePayments,
};
use longshore_sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::eventually;
use crate::payments::{Shop, done, from_now};

const STRIPE_SECRET: &str = "whsec_harbour";
const TESTPAY_SECRET: &str = "tp-events";

/// What the configuration says of new customers.
type Flag<'a> = (&'a str, &'a str, &'a str);

const OFF: Flag<'_> = ("stripe", "100", "[]");

struct Move {
    shop: Shop,
    client: Client,
}

impl Move {
    /// Both providers tell the program of their events.
    async fn begin() -> Self {
        let mut shop = Shop::open_with(&format!(
            "providers.stripe.webhook_secrets = ['{STRIPE_SECRET}']\n\
             providers.testpay.webhook_secret = '{TESTPAY_SECRET}'\n\
             kinds.create_customer.retry_seconds = [2]\n"
        ))
        .await;
        let hooks = shop.harbour.hooks;
        shop.harbour.start("webhooks");
        eventually("no listener", async || {
            tokio::net::TcpStream::connect(hooks).await.ok()
        })
        .await;
        let client = Client::new(&shop.harbour.redis.url()).expect("a client");
        let mut begun = Self { shop, client };
        begun.tell_of_events(true);
        begun.switch(OFF);
        begun
    }

    /// Whether events reach the program, of both.
    fn tell_of_events(&self, tell: bool) {
        let at = |name: &str| format!("http://{}/webhooks/{name}", self.shop.harbour.hooks);
        let endpoint = tell.then(|| WebhookEndpoint::new(at("stripe"), STRIPE_SECRET));
        let stripe = &self.shop.stripe;
        stripe.change_webhooks(|webhooks| webhooks.endpoints = endpoint.into_iter().collect());
        match tell {
            true => self.shop.testpay.tell(at("testpay"), TESTPAY_SECRET),
            false => self.shop.testpay.tell_nobody(),
        }
    }

    /// A worker with this configuration, in the place of the one before. The webhooks' role goes on.
    fn switch(&mut self, (provider, percent, users): Flag<'_>) {
        let harbour = &mut self.shop.harbour;
        for mut worker in harbour.running.drain(1..) {
            let _ = worker.kill();
            let _ = worker.wait();
        }
        harbour.start_with(
            "work",
            &[
                ("LONGSHORE_PAYMENTS__PROVIDER_FOR_NEW_CUSTOMERS", provider),
                ("LONGSHORE_PAYMENTS__NEW_CUSTOMERS_PERCENT", percent),
                ("LONGSHORE_PAYMENTS__NEW_CUSTOMERS_USERS", users),
            ],
        );
    }

    async fn customer(&self, user: &str) -> Value {
        done(&self.client, CreateCustomer::new(user)).await
    }

    /// An order that is pending in the app, paid by this user with a card that the provider takes; returns the payment's id.
    async fn pay(&self, order: &str, user: &str) -> (String, String) {
        let job = CreatePaymentIntent::new(order, user, 1000, "nok");
        let job = job.payment_method("pm_card_visa").confirm(true);
        let paid = done(&self.client, job.off_session(true)).await;
        let text = |field: &str| paid[field].as_str().expect("a text").to_owned();
        (text("provider"), text("payment_intent"))
    }

    /// How often the app was told this of an order.
    fn told(&self, order: &str) -> Vec<(AppEffectKind, u64)> {
        let applied = self.shop.app.applied().into_iter();
        let of_order = applied.filter(|told| told.effect.order_id.as_deref() == Some(order));
        of_order
            .map(|told| (told.effect.effect, told.times))
            .collect()
    }

    async fn is_told(&self, order: &str, expected: &[AppEffectKind]) {
        let expected: Vec<_> = expected.iter().map(|&kind| (kind, 1)).collect();
        eventually(order, async || (self.told(order) == expected).then_some(())).await;
    }

    async fn reconcile(&self, provider: Option<&str>, repair: bool) -> Value {
        let mut job = ReconcilePayments::new(from_now(-3600), from_now(60));
        job.provider = provider.map(str::to_owned);
        job.repair = repair;
        done(&self.client, job).await
    }

    /// What `mappings import` says to these lines, and its exit code.
    fn import(&self, csv: &str, more: &[&str]) -> (Option<i32>, String) {
        let args = [&["mappings", "import", "-", "--csv"], more].concat();
        let mut command = self.shop.harbour.command(&args);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().expect("runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(csv.as_bytes()).expect("read");
        drop(stdin);
        let output = child.wait_with_output().expect("ends");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).expect("UTF-8");
        (output.status.code(), said)
    }

    fn export(&self) -> String {
        let output = self.shop.harbour.run(&["mappings", "export", "--csv"]);
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_moves_from_one_payment_provider_to_another() {
    let mut moving = Move::begin().await;
    let subscription = before(&moving).await;
    new_customers_by_share(&mut moving).await;
    each_reconcile_keeps_to_its_own(&moving).await;
    customers_are_moved(&moving, &subscription).await;
    back_out(&mut moving).await;
}

/// Everything is at Stripe; returns a subscription there.
async fn before(moving: &Move) -> String {
    assert_eq!(moving.customer("ada").await["provider"], "stripe");
    let job = CreateSubscription::new("ada", "price_1");
    let subscription = done(&moving.client, job).await;
    let (provider, _) = moving.pay("order-1", "ada").await;
    assert_eq!(provider, "stripe");
    moving.is_told("order-1", &[AppEffectKind::OrderPaid]).await;
    let id = subscription["subscription"].as_str();
    id.expect("an id").to_owned()
}

/// First some users by name, then a share, and whoever the app's own flag names. Events of both are heard.
async fn new_customers_by_share(moving: &mut Move) {
    moving.switch(("testpay", "0", r#"["bob"]"#));
    assert_eq!(moving.customer("bob").await["provider"], "testpay");
    assert_eq!(moving.customer("carol").await["provider"], "stripe");
    let named = CreateCustomer::new("dave").provider("testpay");
    assert_eq!(done(&moving.client, named).await["provider"], "testpay");

    assert_eq!(moving.pay("order-2", "bob").await.0, "testpay");
    assert_eq!(moving.pay("order-3", "carol").await.0, "stripe");
    for order in ["order-2", "order-3"] {
        moving.is_told(order, &[AppEffectKind::OrderPaid]).await;
    }
    let declined = CreatePaymentIntent::new("order-4", "bob", 1000, "nok");
    let declined = declined.payment_method("card_declined").confirm(true);
    let waiting = Duration::from_secs(60);
    let declined = moving
        .client
        .enqueue_and_wait(declined.off_session(true), waiting);
    let declined = declined.await.expect("accepted");
    assert_eq!(declined.state, JobState::Dead);
    moving
        .is_told("order-4", &[AppEffectKind::PaymentFailed])
        .await;

    // A larger share has everybody of a smaller one.
    let mut there = Vec::new();
    for percent in ["20", "70"] {
        moving.switch(("testpay", percent, "[]"));
        let mut now = Vec::new();
        for n in 0..8 {
            let job =
                CreatePaymentIntent::new(format!("guest-{n}"), format!("guest-{n}"), 1, "nok");
            let made = done(&moving.client, job).await;
            now.push(made["provider"] == "testpay");
        }
        let stay = there.iter().zip(&now).all(|(before, now)| !before || *now);
        assert!(stay, "{there:?} {now:?}");
        there = now;
    }
    assert!(there.contains(&true) && there.contains(&false), "{there:?}");
    assert_eq!(moving.customer("carol").await["provider"], "stripe");
}

/// Events of both get lost. What is Stripe's is repaired by Stripe's reconcile alone, and so with the other.
async fn each_reconcile_keeps_to_its_own(moving: &Move) {
    moving.tell_of_events(false);
    for (order, user) in [("order-5", "carol"), ("order-6", "bob")] {
        let (_, payment) = moving.pay(order, user).await;
        let pending = AppPayment::pending(order, payment, 1000, "nok");
        moving.shop.app.plant([pending]);
    }
    moving.tell_of_events(true);

    let found = moving.reconcile(None, true).await;
    assert_eq!(
        found["counts"]["paid_at_stripe_pending_in_app"], 1,
        "{found}"
    );
    assert_eq!(found["repaired"], 1);
    assert_eq!(found["running_subscriptions"], 1);
    moving.is_told("order-5", &[AppEffectKind::OrderPaid]).await;
    assert_eq!(moving.told("order-6"), []);

    let found = moving.reconcile(Some("testpay"), true).await;
    assert_eq!(found["provider"], "testpay");
    assert_eq!(
        found["counts"]["paid_at_provider_pending_in_app"], 1,
        "{found}"
    );
    assert_eq!(
        (&found["repaired"], &found["running_subscriptions"]),
        (&json!(1), &json!(0))
    );
    let row = found["rows"].as_array().expect("rows").iter();
    let mut row = row.filter(|row| row["order_id"] == "order-6");
    let row = row.next().expect("a row");
    assert_eq!(row["provider_status"], "collected");
    moving.is_told("order-6", &[AppEffectKind::OrderPaid]).await;

    // Both are as they should be now, but for guests' orders that the app never knew.
    for provider in [None, Some("testpay")] {
        let found = moving.reconcile(provider, true).await;
        assert_eq!(
            found["differences"], found["counts"]["unknown_to_app"],
            "{found}"
        );
    }
}

/// Ada's card and subscription are moved by the two providers; the mapping follows. What she has at Stripe goes on there.
async fn customers_are_moved(moving: &Move, subscription: &str) {
    let before = moving.export();
    let ada = before
        .lines()
        .find(|line| line.starts_with("customers,ada,stripe,"));
    let ada = ada.unwrap_or_else(|| panic!("{before}"));
    let old = ada.split(',').nth(3).expect("an id");
    let new = moving.shop.testpay.import_customer("ada");
    let header = before.lines().next().expect("a header");
    let moved = format!("{header}\ncustomers,ada,testpay,{new},,\n");

    let (code, said) = moving.import(&format!("{moved}customers,eve,,x,,\n"), &["--replace"]);
    assert!(code == Some(2) && said.contains("line 3: value"), "{said}");
    let (code, said) = moving.import(&moved, &[]);
    assert!(
        code == Some(2) && said.contains("1 mapping would be replaced"),
        "{said}"
    );
    assert_eq!(moving.export().len(), before.len(), "nothing was changed");
    for expected in [
        "0 added, 1 replaced, 0 were the same",
        "0 added, 0 replaced, 1 were the same",
    ] {
        let (code, said) = moving.import(&moved, &["--replace"]);
        assert!(code == Some(0) && said.contains(expected), "{said}");
    }
    let both = format!("customers,ada,testpay,{new},stripe,{old}");
    assert!(
        moving.export().lines().any(|line| line == both),
        "{}",
        moving.export()
    );
    // What is exported can be imported, all of it.
    let (code, said) = moving.import(&moving.export(), &[]);
    assert!(
        code == Some(0) && said.contains("0 added, 0 replaced"),
        "{said}"
    );

    assert_eq!(moving.pay("order-7", "ada").await.0, "testpay");
    moving.is_told("order-7", &[AppEffectKind::OrderPaid]).await;
    // The old provider is kept for refunds, renewals and ends of what it has.
    let stripe = &moving.shop.stripe;
    let order_1 = stripe.payment_intents().into_iter();
    let mut order_1 = order_1.filter(|intent| intent["metadata"]["orderId"] == "order-1");
    let order_1 = order_1.next().expect("a payment")["id"].clone();
    let refund = CreateRefund::new(order_1.as_str().expect("an id"));
    done(&moving.client, refund).await;
    let both = [AppEffectKind::OrderPaid, AppEffectKind::PaymentRefunded];
    moving.is_told("order-1", &both).await;
    stripe.renew(subscription, 1000, true).expect("renewed");
    eventually("the renewal", async || {
        let mut applied = moving.shop.app.applied().into_iter();
        let renewed = AppEffectKind::SubscriptionRenewed;
        applied
            .any(|told| told.effect.effect == renewed)
            .then_some(())
    })
    .await;

    // It is over there when nothing is open, nothing runs, and nobody is its customer.
    assert_eq!(
        moving.reconcile(None, false).await["running_subscriptions"],
        1
    );
    done(&moving.client, CancelSubscription::new(subscription)).await;
    let found = moving.reconcile(None, false).await;
    assert_eq!(found["running_subscriptions"], 0);
    assert!(found["open_payments"].is_u64(), "{found}");
    let counts = moving.shop.harbour.json(&["mappings", "count", "--json"]);
    let at = |map: &str, provider: &str| {
        let rows = counts.as_array().expect("rows").iter();
        let mut row = rows.filter(|row| row["map"] == map && row["provider"] == provider);
        row.next().map(|row| row["count"].clone())
    };
    assert_eq!(at("customers", "stripe"), Some(json!(1)), "{counts}");
    assert_eq!(at("customers", "testpay"), Some(json!(3)), "{counts}");
    assert_eq!(at("subscriptions", "stripe"), Some(json!(1)), "{counts}");
}

/// The flag goes off while a job is on its way. It ends where it began; new customers are Stripe's again, and those of the other
/// provider stay there.
async fn back_out(moving: &mut Move) {
    moving.switch(("testpay", "100", "[]"));
    let lost = Fault::HangUp { effect: true };
    let faults = moving.shop.testpay.faults();
    faults.set(vec![FaultRule::first(1, lost)]).expect("a rule");
    let id = moving.client.enqueue(CreateCustomer::new("frank"));
    let id = id.await.expect("accepted");
    eventually("an answer that was lost", async || {
        let status = moving.client.status(id).await.expect("asked")?;
        (status.state == JobState::Retryable).then_some(())
    })
    .await;
    moving.switch(OFF);
    let done = eventually("the job of before", async || {
        let status = moving.client.status(id).await.expect("asked")?;
        (status.state == JobState::Completed).then_some(status)
    })
    .await;
    assert_eq!(done.result.expect("a result")["provider"], "testpay");
    let customers = moving.shop.testpay.customers().into_iter();
    let franks = customers
        .filter(|customer| customer["user"] == "frank")
        .count();
    assert_eq!(franks, 1, "nothing is doubled");

    assert_eq!(moving.customer("grace").await["provider"], "stripe");
    for (order, user, provider) in [
        ("order-8", "grace", "stripe"),
        ("order-9", "bob", "testpay"),
    ] {
        assert_eq!(moving.pay(order, user).await.0, provider);
        moving.is_told(order, &[AppEffectKind::OrderPaid]).await;
    }
    assert_eq!(moving.shop.app.repetitions(), 0);
    let dead = moving.shop.harbour.json(&["dead", "list", "--json"]);
    let dead = dead.as_array().expect("a list").len();
    assert_eq!(dead, 1, "the declined card alone");
}
