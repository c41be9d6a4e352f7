//! Customers and payment intents, and what becomes of each payment method.

use serde_json::json;

use super::{NO_REDIRECTS, effects, get, intent, made, post, start, text, words};

#[tokio::test]
async fn a_customer_is_made_and_found() {
    let at = start().await;
    let fields = [
        ("email", "kari@example.com"),
        ("name", "Kari Nordmann"),
        ("metadata[userId]", "u-1"),
        ("metadata[longshore_job]", "01JOB"),
    ];
    let customer = made(&at, "/v1/customers", &fields).await;
    let id = text(&customer, "id");
    assert!(id.starts_with("cus_"), "{id}");
    assert_eq!(customer["object"], "customer");
    assert_eq!(customer["email"], "kari@example.com");
    assert_eq!(customer["metadata"]["userId"], "u-1");
    assert_eq!(customer["livemode"], false);
    assert_eq!(
        get(&at, &format!("/v1/customers/{id}")).await,
        (200, customer.clone())
    );
    let effect = &at.ledger().accepted()[0];
    assert_eq!((&*effect.id, &*effect.recipient), (id, "customer"));
    assert_eq!(effect.job.as_deref(), Some("01JOB"));
    assert_eq!(at.customers(), [customer]);
}

#[tokio::test]
async fn a_payment_is_made_then_confirmed() {
    let at = start().await;
    let customer = made(&at, "/v1/customers", &[]).await;
    let fields = [
        ("customer", text(&customer, "id")),
        ("metadata[orderId]", "o-1"),
        ("automatic_payment_methods[enabled]", "true"),
    ];
    let (status, made) = intent(&at, &fields).await;
    assert_eq!(status, 200);
    let id = text(&made, "id").to_owned();
    assert!(id.starts_with("pi_"), "{id}");
    let secret = text(&made, "client_secret");
    assert!(secret.starts_with(&format!("{id}_secret_")), "{secret}");
    for (field, expected) in [
        ("object", json!("payment_intent")),
        ("amount", json!(10_000)),
        ("amount_received", json!(0)),
        ("currency", json!("nok")),
        ("customer", customer["id"].clone()),
        ("latest_charge", json!(null)),
        ("last_payment_error", json!(null)),
        ("metadata", json!({ "orderId": "o-1" })),
        ("status", json!("requires_payment_method")),
        (
            "automatic_payment_methods",
            json!({ "allow_redirects": "always", "enabled": true }),
        ),
        ("charges", json!(null)),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }

    let path = format!("/v1/payment_intents/{id}/confirm");
    let fields = [
        ("payment_method", "pm_card_visa"),
        ("return_url", "https://shop.example.com/back"),
    ];
    let (status, paid) = post(&at, &path, &fields).await;
    assert_eq!(status, 200, "{paid}");
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["amount_received"], 10_000);
    assert!(text(&paid, "latest_charge").starts_with("ch_"));
    assert_eq!(
        get(&at, &format!("/v1/payment_intents/{id}")).await,
        (200, paid)
    );
    assert_eq!(words(&at), ["customer", "payment_intent", "confirmation"]);

    // Once is enough.
    let (status, body) = post(&at, &path, &fields).await;
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "payment_intent_unexpected_state");
    assert_eq!(body["error"]["payment_intent"]["id"], id);
    assert_eq!(words(&at).len(), 3);
}

#[tokio::test]
async fn cards_are_declined_and_the_intent_wants_another() {
    let at = start().await;
    for (method, off_session, code, decline_code) in [
        (
            "pm_card_chargeDeclined",
            "false",
            "card_declined",
            "generic_decline",
        ),
        (
            "pm_card_chargeDeclinedInsufficientFunds",
            "false",
            "card_declined",
            "insufficient_funds",
        ),
        (
            "pm_card_chargeDeclinedExpiredCard",
            "false",
            "expired_card",
            "expired_card",
        ),
        (
            "pm_card_authenticationRequired",
            "true",
            "authentication_required",
            "authentication_required",
        ),
    ] {
        let fields = [
            ("confirm", "true"),
            ("payment_method", method),
            ("off_session", off_session),
            NO_REDIRECTS[0],
            NO_REDIRECTS[1],
            ("metadata[longshore_job]", method),
        ];
        let (status, body) = intent(&at, &fields).await;
        assert_eq!(status, 402, "{method}");
        let error = &body["error"];
        assert_eq!(error["type"], "card_error");
        assert_eq!(error["code"], code);
        assert_eq!(error["decline_code"], decline_code);
        assert_eq!(error["payment_method"]["id"], method);
        let embedded = &error["payment_intent"];
        let id = text(embedded, "id");
        assert!(text(embedded, "client_secret").starts_with(id));
        assert_eq!(embedded["status"], "requires_payment_method");
        assert_eq!(embedded["last_payment_error"]["decline_code"], decline_code);
        assert_eq!(
            embedded["last_payment_error"]["payment_intent"],
            json!(null)
        );
        let (_, now) = get(&at, &format!("/v1/payment_intents/{id}")).await;
        assert_eq!(now, *embedded, "{method}");
        // A declined payment is one effect: the payment intent is there.
        let last = effects(&at).pop();
        assert_eq!(last, Some(("payment_intent".into(), Some(method.into()))));

        let path = format!("/v1/payment_intents/{id}/confirm");
        let (status, now) = post(&at, &path, &[("payment_method", "pm_card_visa")]).await;
        assert_eq!(status, 200, "{now}");
        assert_eq!(now["status"], "succeeded");
        assert_eq!(now["last_payment_error"], json!(null));
    }
}

#[tokio::test]
async fn some_cards_need_their_customer() {
    let at = start().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let fields = [
            ("confirm", "true"),
            ("payment_method", "pm_card_authenticationRequired"),
            ("return_url", "https://shop.example.com/back"),
        ];
        let (status, waits) = intent(&at, &fields).await;
        assert_eq!(status, 200);
        assert_eq!(waits["status"], "requires_action");
        assert_eq!(waits["next_action"]["type"], "redirect_to_url");
        ids.push(text(&waits, "id").to_owned());
    }
    assert!(at.customer_pays(&ids[0], true));
    assert!(at.customer_pays(&ids[1], false));
    assert!(!at.customer_pays("pi_none", true));
    let status = |id| at.payment_intent(id).expect("there")["status"].clone();
    assert_eq!(status(&ids[0]), "succeeded");
    assert_eq!(status(&ids[1]), "requires_payment_method");
}

#[tokio::test]
async fn confirming_wants_to_know_where_the_customer_comes_back_to() {
    let at = start().await;
    let card = [("confirm", "true"), ("payment_method", "pm_card_visa")];
    for (more, status) in [
        (&[][..], 400),
        (&[("automatic_payment_methods[enabled]", "true")], 400),
        (
            &[
                ("automatic_payment_methods[enabled]", "true"),
                ("automatic_payment_methods[allow_redirects]", "always"),
            ],
            400,
        ),
        (&[("off_session", "false")], 400),
        (&[("off_session", "true")], 200),
        (&[("return_url", "https://shop.example.com")], 200),
        (&NO_REDIRECTS, 200),
        (&[("automatic_payment_methods[enabled]", "false")], 200),
    ] {
        let (answered, body) = intent(&at, &[&card[..], more].concat()).await;
        assert_eq!(answered, status, "{more:?}: {body}");
        if status == 400 {
            assert_eq!(body["error"]["param"], "return_url", "{body}");
        }
    }
    // The same for one that is confirmed later.
    let (_, made) = intent(&at, &card[1..]).await;
    assert_eq!(made["status"], "requires_confirmation");
    let path = format!("/v1/payment_intents/{}/confirm", text(&made, "id"));
    assert_eq!(post(&at, &path, &[]).await.0, 400);
    assert_eq!(post(&at, &path, &[("off_session", "true")]).await.0, 200);
    let (_, bare) = intent(&at, &NO_REDIRECTS).await;
    let path = format!("/v1/payment_intents/{}/confirm", text(&bare, "id"));
    let (status, body) = post(&at, &path, &[]).await;
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "payment_intent_unexpected_state");
}
