//! What must be told nobody: the key, secrets that Stripe answers with, and people.

use longshore_job::Handler;
use longshore_payment_reconcile::{ConfirmPaymentIntent, CreateCustomer};
use longshore_payment_reconcile::{
    ConfirmPaymentIntentHandler, CreateCustomerHandler, CreatePaymentIntentHandler, Stripe,
};
use longshore_sandbox::Fault;
use longshore_testing::{Logs, Noted};
use serde_json::{Value, json};

use crate::{HOUR, Scene, an_order, config, sent_before};

/// One thread, so that all of it is heard.
#[tokio::test(flavor = "current_thread")]
async fn no_secret_and_no_person_is_told() {
    let logs = Logs::listen();
    let scene = Scene::set().await;
    let mut told = Vec::new();
    let customers = CreateCustomerHandler::new(scene.providers.clone());
    let ada = || {
        CreateCustomer::new("user-7")
            .email("ada@example.com")
            .name("Ada Lovelace")
    };
    let run = scene.a_run();
    scene.fault_once(Fault::HangUp { effect: true });
    told.push(format!("{:?}", customers.run(ada(), run.clone()).await));
    scene.requests_were_out(25 * HOUR, 0);
    told.push(format!(
        "{:?}",
        customers.run(ada(), sent_before(&run)).await
    ));

    let made = scene.create_payment_intent(&scene.a_run()).await;
    told.push(format!("{made:?}"));
    let id = crate::result(made)["payment_intent"]
        .as_str()
        .expect("an id")
        .to_owned();
    let shown = scene.sandbox.payment_intent(&id).expect("there");
    let secret = shown["client_secret"]
        .as_str()
        .expect("a secret")
        .to_owned();
    let confirm = ConfirmPaymentIntentHandler::new(scene.providers.clone());
    for method in ["pm_card_chargeDeclined", "pm_card_visa", "pm_card_visa"] {
        let job = ConfirmPaymentIntent::new(&*id)
            .payment_method(method)
            .off_session(true);
        told.push(format!("{:?}", confirm.run(job, scene.a_run()).await));
    }
    let declined = an_order().payment_method("pm_card_chargeDeclined");
    let declined = declined.confirm(true).off_session(true);
    told.push(format!("{:?}", scene.pay(declined, &scene.a_run()).await));
    scene.sandbox.save_errors(1, true);
    let run = scene.a_run();
    told.push(format!("{:?}", scene.create_payment_intent(&run).await));
    told.push(format!(
        "{:?}",
        scene.create_payment_intent(&sent_before(&run)).await
    ));
    told.push(format!("{:?} {customers:?}", scene.providers));
    let config = config(&scene.sandbox.origin());
    let stripe = Stripe::new(&config).expect("a client");
    told.push(format!("{config:?} {stripe:?}"));
    let kept = scene.script.memory.kept().into_iter();
    told.extend(kept.map(|kept| String::from_utf8(kept.value).expect("text")));

    let saved = scene.script.memory.checkpoints();
    told.push(format!("{saved:?}"));

    let log = logs.text();
    assert!(log.contains("request over"), "nothing was heard: {log}");
    told.push(log);
    let told = told.join("\n");
    assert!(told.contains("generic_decline"), "{told}");
    let secrets = [
        &*secret,
        "_secret_",
        "sk_test_1",
        "ada@",
        "Lovelace",
        "user-7",
    ];
    for secret in secrets {
        let line = told.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

/// What the run told those who wait.
fn told(scene: &Scene) -> Vec<Value> {
    let noted = scene.script.gate.noted().into_iter();
    let told = noted.filter_map(|noted| match noted {
        Noted::ToldWaiters(private) => Some(private.expose().clone()),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn who_waits_is_told_what_the_payers_browser_needs() {
    let scene = Scene::set().await;
    let run = scene.a_run();
    let made = crate::result(scene.create_payment_intent(&run).await);
    let intent = made["payment_intent"].as_str().expect("an id").to_owned();
    let secret = scene.sandbox.payment_intent(&intent).expect("there")["client_secret"].clone();
    let expected = json!({ "client_secret": secret });
    assert_eq!(told(&scene), std::slice::from_ref(&expected));

    // A repeat under the same key tells the same; so does a look.
    crate::result(scene.create_payment_intent(&run).await);
    scene.requests_were_out(60, 0);
    let handler = CreatePaymentIntentHandler::new(scene.providers.clone());
    let found = handler.verify(&an_order(), &sent_before(&run)).await;
    assert!(found.expect("can tell").is_some());
    assert_eq!(told(&scene), vec![expected; 3]);

    scene.script.gate.forget();
    let confirm = ConfirmPaymentIntentHandler::new(scene.providers.clone());
    let job = ConfirmPaymentIntent::new(&*intent)
        .payment_method("pm_card_authenticationRequired")
        .return_url("https://shop.example.com/paid");
    let doubted = crate::result(confirm.run(job, scene.a_run()).await);
    assert_eq!(doubted["status"], "requires_action");
    let told_of = told(&scene).remove(0);
    assert_eq!(told_of["client_secret"], secret);
    let url = told_of["redirect_url"].as_str().expect("a URL");
    assert!(url.starts_with("https://hooks.stripe.com/"), "{url}");
}
