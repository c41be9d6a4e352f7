//! The list of payments, for reconciling.

use longshore_payment_reconcile::sandbox::AppPayment;
use serde_json::{Value, json};

use super::{answered, client, now, signature, start};

/// 2026-11-23T12:00:00Z
const NOON: u64 = 1_795_435_200;

fn orders(page: &Value) -> Vec<&str> {
    let payments = page["payments"].as_array().expect("a list");
    payments
        .iter()
        .map(|payment| payment["order_id"].as_str().expect("an order"))
        .collect()
}

#[tokio::test]
async fn payments_are_listed_by_time() {
    let at = start().await;
    let payment = |n: u64| AppPayment::pending(format!("o-{n}"), format!("pi_{n}"), 100, "nok");
    at.plant((0..4).map(|n| payment(n).at(NOON + n * 3600)));
    at.plant([payment(1).at(NOON).status("refunded")]);
    let list = |query: &str| answered(client().get(format!("{}/payments?{query}", at.origin())));
    for (query, expected) in [
        (
            "from=2026-11-23T12:00:00Z&to=2026-11-23T15:00:00Z",
            &["o-0", "o-1", "o-2"][..],
        ),
        (
            "from=2026-11-23T12:00:00.5Z&to=2026-11-23T15:00:00.5Z",
            &["o-1", "o-2", "o-3"],
        ),
        (
            "from=2026-11-23T14:00:00%2B01:00&to=2026-11-23T14:00:00Z",
            &["o-1"],
        ),
        ("from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z", &[]),
        ("from=2026-11-25T00:00:00Z&to=2026-11-23T00:00:00Z", &[]),
    ] {
        let (status, page) = list(query).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(orders(&page), expected, "{query}");
        assert_eq!(page["next"], json!(null));
    }
    let (_, page) = list("from=2026-11-23T13:00:00Z&to=2026-11-23T13:00:01Z").await;
    let expected = json!({
        "order_id": "o-1", "payment_intent": "pi_1", "status": "refunded", "amount": 100, "currency": "nok",
    });
    assert_eq!(page["payments"], json!([expected]));
    for query in [
        "from=2026-11-23T12:00:00Z",
        "from=yesterday&to=today",
        "from=2026-11-23T12:00:00Z&to=2026-11-23T15:00:00Z&cursor=x",
        // Its + was not encoded.
        "from=2026-11-23T12:00:00Z&to=2026-11-23T15:00:00Z&cursor=1+2",
    ] {
        assert_eq!(list(query).await.0, 400, "{query}");
    }
    let url = at.origin() + "/payments?from=2026-11-23T12:00:00Z&to=2026-11-23T15:00:00Z";
    for (secret, status) in [
        (
            longshore_payment_reconcile::sandbox::AppSandbox::SECRET,
            200,
        ),
        ("another", 401),
    ] {
        let signature = signature(secret, now(), "");
        let request = client().get(&url).header("longshore-signature", signature);
        assert_eq!(answered(request).await.0, status);
    }
}

/// Pages follow each other without gaps or repetitions, by 500 or as many as was set, at least one.
#[tokio::test]
async fn pages_follow_each_other() {
    let (at, client) = (start().await, client());
    // Seven a second, so that pages end within a second.
    let payment = |n: u64| AppPayment::pending(format!("o-{n}"), format!("pi_{n}"), 100, "nok");
    at.plant((0..1_200).map(|n| payment(n).at(NOON + n / 7)));
    let expected: Vec<_> = (0..1_200).map(|n| format!("o-{n}")).collect();
    for (size, pages) in [(None, 3), (Some(100), 12), (Some(0), 1_200)] {
        if let Some(size) = size {
            at.set_page_size(size);
        }
        let (mut seen, mut count, mut next) = (Vec::new(), 0, None::<String>);
        loop {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("from", "2026-11-23T00:00:00Z")
                .append_pair("to", "2026-11-24T00:00:00Z")
                .extend_pairs(next.iter().map(|next| ("cursor", next)))
                .finish();
            let url = format!("{}/payments?{query}", at.origin());
            let (_, page) = answered(client.get(url)).await;
            seen.extend(orders(&page).into_iter().map(str::to_owned));
            count += 1;
            next = page["next"].as_str().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        assert_eq!(count, pages, "{size:?}");
        assert_eq!(seen, expected, "{size:?}");
    }
}

#[tokio::test]
async fn payments_are_planted_over_http() {
    let at = start().await;
    let planted = json!([
        { "order_id": "o-1", "payment_intent": null, "status": "pending", "amount": 100, "currency": "nok", "created": NOON },
    ]);
    let planted = client()
        .post(at.origin() + "/sandbox/payments")
        .json(&planted)
        .send();
    assert_eq!(planted.await.expect("answered").status(), 204);
    let payment = at.payment("o-1").expect("there");
    assert_eq!((payment.created, payment.payment_intent), (NOON, None));
    assert_eq!(at.payments().len(), 1);
}
