//! A payment provider that Longshore has never heard of, beside Stripe: what is wrong with its settings is found, and after a
//! switch new customers go there, while those there are stay, by their mapping.

use std::net::SocketAddr;
use std::time::Duration;

use harbour_testpay::sandbox::TestPaySandbox;
use longshore_client::{Client, JobState};
use longshore_job::Job;
use longshore_payment_reconcile::sandbox::{AppPayment, AppSandbox, StripeSandbox};
use longshore_payment_reconcile::{
    CancelSubscription, CreateCustomer, CreatePaymentIntent, CreateSubscription, ReconcilePayments,
};
use serde_json::Value;

use crate::Harbour;

const APP_SECRET: &str = "hush";

/// With everybody whom payments take, as stand-ins answer.
pub(crate) struct Shop {
    pub(crate) harbour: Harbour,
    pub(crate) stripe: StripeSandbox,
    pub(crate) app: AppSandbox,
    pub(crate) testpay: TestPaySandbox,
}

impl Shop {
    async fn open() -> Self {
        Self::open_with("").await
    }

    /// With this in the configuration, too.
    pub(crate) async fn open_with(more: &str) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let stripe = StripeSandbox::start(any).await.expect("a free port");
        let app = AppSandbox::start(any).await.expect("a free port");
        app.set_secret(APP_SECRET);
        let testpay = TestPaySandbox::start(any).await.expect("a free port");
        let harbour = Harbour::with(&format!(
            "providers.stripe.base_url = '{}'\nproviders.stripe.secret_key = 'sk_test_harbour'\n\
             app.base_url = '{}'\napp.secret = '{APP_SECRET}'\n\
             providers.testpay.base_url = '{}'\nproviders.testpay.api_key = 'tp-harbour'\n{more}",
            stripe.origin(),
            app.origin(),
            testpay.origin()
        ));
        Self {
            harbour,
            stripe,
            app,
            testpay,
        }
    }

    /// A worker for which new customers go there.
    fn work(&mut self, new_customers: &str) {
        self.harbour.start_with(
            "work",
            &[(
                "LONGSHORE_PAYMENTS__PROVIDER_FOR_NEW_CUSTOMERS",
                new_customers,
            )],
        );
    }

    fn mapped(&self) -> String {
        let exported = self.harbour.run(&["mappings", "export"]).stdout;
        String::from_utf8(exported).expect("UTF-8")
    }
}

/// A time so many seconds from now, as args have it.
pub(crate) fn from_now(seconds: i64) -> String {
    let time = jiff::SignedDuration::from_secs(seconds);
    (jiff::Timestamp::now() + time).to_string()
}

pub(crate) async fn done<J: Job>(client: &Client, job: J) -> Value {
    let status = client.enqueue_and_wait(job, Duration::from_secs(60)).await;
    let status = status.expect("is accepted");
    assert_eq!(status.state, JobState::Completed, "{:?}", status.reason);
    status.result.expect("a result")
}

#[tokio::test(flavor = "multi_thread")]
async fn new_customers_go_to_the_other_provider_and_old_ones_stay() {
    let mut shop = Shop::open().await;
    let client = Client::new(&shop.harbour.redis.url()).expect("a client");
    let client = &client;

    shop.work("stripe");
    let ada = done(client, CreateCustomer::new("ada")).await;
    assert_eq!(ada["provider"], "stripe");
    let old = done(client, CreateSubscription::new("ada", "price_1")).await;
    shop.harbour.stop();

    shop.work("testpay");
    let bob = done(client, CreateCustomer::new("bob")).await;
    assert_eq!(bob["provider"], "testpay");
    for (user, provider) in [("ada", "stripe"), ("bob", "testpay"), ("nobody", "testpay")] {
        let order = CreatePaymentIntent::new(format!("order-{user}"), user, 1000, "nok");
        assert_eq!(done(client, order).await["provider"], provider, "{user}");
        let customer = done(client, CreateCustomer::new(user)).await;
        assert_eq!(customer["provider"], provider, "{user}");
    }
    let new = done(client, CreateSubscription::new("bob", "price_1")).await;
    assert_eq!(new["provider"], "testpay");
    // What was begun with a provider ends with it.
    for (subscription, status) in [(&old, "canceled"), (&new, "ended")] {
        let id = subscription["subscription"].as_str().expect("an id");
        let ended = done(client, CancelSubscription::new(id)).await;
        assert_eq!(ended["status"], status);
    }
    let mapped = shop.mapped();
    for (key, provider) in [("ada", "stripe"), ("bob", "testpay")] {
        let key = format!(r#""key":"{key}""#);
        let line = mapped.lines().find(|line| line.contains(&key));
        assert!(line.is_some_and(|line| line.contains(provider)), "{mapped}");
    }
    assert_eq!(mapped.lines().count(), 5, "{mapped}");
    assert_eq!(shop.stripe.payment_intents().len(), 1);
    assert_eq!(shop.testpay.payments().len(), 2);

    // What the other provider has is no difference between Stripe and the app.
    let at_stripe = shop.stripe.payment_intents()[0]["id"].clone();
    let at_testpay = shop.testpay.payments()[0]["id"].clone();
    for (order, id) in [
        ("order-ada", &at_stripe),
        ("order-bob", &at_testpay),
        ("order-x", &"pi_nobody".into()),
    ] {
        let id = id.as_str().expect("an id");
        let payment = AppPayment::pending(order, id, 1000, "nok");
        shop.app.plant([payment]);
    }
    let window = ReconcilePayments::new(from_now(-3600), from_now(60));
    let found = done(client, window).await;
    assert_eq!(found["differences"], 1, "{found}");
    assert_eq!(found["counts"]["unknown_to_stripe"], 1);
}

/// What `config check` says, with this set.
fn checked(harbour: &Harbour, more: &[&str], env: &[(&str, &str)]) -> String {
    let mut command = harbour.command(&[more, &["config", "check"]].concat());
    let output = command.envs(env.iter().copied()).output().expect("runs");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).expect("UTF-8")
}

#[test]
fn what_is_wrong_with_another_payment_provider_is_found() {
    const NEW_CUSTOMERS: &str = "LONGSHORE_PAYMENTS__PROVIDER_FOR_NEW_CUSTOMERS";
    const API_KEY: &str = "LONGSHORE_PROVIDERS__TESTPAY__API_KEY";
    let harbour = Harbour::with("");
    std::fs::write(harbour.config.path().join("production.toml"), "").expect("written");
    for (env, found) in [
        (
            &[(NEW_CUSTOMERS, "adyen")][..],
            "is `adyen`, which is no payment provider; use stripe or testpay",
        ),
        (
            &[(NEW_CUSTOMERS, "testpay")],
            "is `testpay`, which is off; set providers.testpay.api_key, or use stripe",
        ),
        (
            &[("LONGSHORE_PROVIDERS__TESTPAY__API_KYE", "x")],
            "did you mean LONGSHORE_PROVIDERS__TESTPAY__API_KEY?",
        ),
        (
            &[
                (API_KEY, "x"),
                ("LONGSHORE_PROVIDERS__TESTPAY__TIMEOUT_SECONDS", "0"),
            ],
            "is 0 s; set 0.001 to",
        ),
    ] {
        let said = checked(&harbour, &[], env);
        assert!(said.contains(found), "{said}");
    }
    let said = checked(&harbour, &["--profile", "production"], &[(API_KEY, "x")]);
    assert!(said.contains("testpay moves no money"), "{said}");
    let right = [(API_KEY, "zqtestpaykey"), (NEW_CUSTOMERS, "testpay")];
    let said = checked(&harbour, &[], &right);
    assert!(!said.contains("error"), "{said}");

    // Its key is a secret, it has a page, and what its crate logs is shown.
    let mut show = harbour.command(&["config", "show", "--json"]);
    let shown = show.envs(right).output().expect("runs").stdout;
    let shown = String::from_utf8(shown).expect("UTF-8");
    assert!(
        shown.contains("providers.testpay.api_key") && !shown.contains("zqtestpaykey"),
        "{shown}"
    );
    let page = harbour.run(&["providers", "testpay"]).stdout;
    assert!(page.starts_with(b"# testpay\n"));
    for (filter, is_ours) in [
        ("info,harbour_testpay=debug", true),
        ("info,hyper=debug", false),
    ] {
        let said = checked(&harbour, &[], &[("RUST_LOG", filter)]);
        let warned = said.contains("names crates that are not ours");
        assert_eq!(warned, !is_ours, "{said}");
    }
}
