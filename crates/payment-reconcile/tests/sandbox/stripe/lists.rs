//! Lists: filters, order and pages.

use longshore_payment_reconcile::sandbox::PlantedPaymentIntent;
use serde_json::{Value, json};

use super::{get, made, start, text};

const NOON: u64 = 1_795_435_200;

fn orders(page: &Value) -> Vec<&str> {
    let data = page["data"].as_array().expect("a list");
    data.iter()
        .map(|intent| text(&intent["metadata"], "orderId"))
        .collect()
}

fn planted(order: u64, created: u64) -> PlantedPaymentIntent {
    PlantedPaymentIntent::new(100, "nok", "succeeded")
        .with("orderId", order.to_string())
        .at(created)
}

#[tokio::test]
async fn filters_are_about_times_and_customers() {
    let at = start().await;
    let mut with_customer = planted(4, NOON + 20);
    with_customer.customer = Some("cus_1".to_owned());
    let mut live = planted(5, NOON);
    live.livemode = true;
    let intents = [
        planted(1, NOON),
        planted(2, NOON + 10),
        planted(3, NOON + 10),
    ];
    at.plant(intents.into_iter().chain([with_customer, live]));
    let (ten, twenty) = (NOON + 10, NOON + 20);
    for (query, expected) in [
        (String::new(), &["4", "3", "2", "1"][..]),
        ("customer=cus_1".to_owned(), &["4"]),
        (format!("created[gte]={ten}"), &["4", "3", "2"]),
        (format!("created%5Bgt%5D={ten}"), &["4"]),
        (format!("created[lte]={ten}"), &["3", "2", "1"]),
        (format!("created[lt]={ten}"), &["1"]),
        (format!("created={ten}"), &["3", "2"]),
        (
            format!("created[gte]={ten}&created[lt]={twenty}"),
            &["3", "2"],
        ),
        (format!("created[gte]={twenty}&created[lt]={ten}"), &[]),
        ("created[lt]=0".to_owned(), &[]),
    ] {
        let (status, page) = get(&at, &format!("/v1/payment_intents?{query}")).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(orders(&page), expected, "{query}");
        assert_eq!(page["has_more"], false);
        assert_eq!(page["url"], "/v1/payment_intents");
    }
    for (limit, more) in [(3, true), (4, false)] {
        let (_, page) = get(&at, &format!("/v1/payment_intents?limit={limit}")).await;
        assert_eq!(orders(&page).len(), limit);
        assert_eq!(page["has_more"], more, "{limit}");
    }
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("created[gte]=yesterday", "created[gte]"),
        ("starting_after=pi_none", "starting_after"),
        ("status=succeeded", "status"),
    ] {
        let (status, body) = get(&at, &format!("/v1/payment_intents?{query}")).await;
        assert_eq!(
            (status, &body["error"]["param"]),
            (400, &json!(param)),
            "{query}"
        );
    }
}

/// Pages follow each other without gaps or repetitions, also while new ones come in at the top.
#[tokio::test]
async fn a_hundred_thousand_are_paged() {
    let at = start().await;
    // Five a second.
    let ids = at.plant((0..100_000).map(|n| planted(n, NOON + n / 5)));
    assert_eq!(ids.len(), 100_000);
    let mut path = format!(
        "/v1/payment_intents?limit=100&created[gte]={}",
        NOON + 19_000
    );
    let mut seen = Vec::new();
    loop {
        let (_, page) = get(&at, &path).await;
        seen.extend(orders(&page).into_iter().map(str::to_owned));
        at.plant([planted(1_000_000, NOON + 30_000)]);
        if page["has_more"] == false {
            break;
        }
        let data = page["data"].as_array().expect("a list");
        assert_eq!(data.len(), 100);
        let last = text(data.last().expect("not empty"), "id");
        let start = NOON + 19_000;
        path = format!("/v1/payment_intents?limit=100&created[gte]={start}&starting_after={last}");
    }
    let expected: Vec<_> = (95_000..100_000_u64).rev().map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
    assert_eq!(at.ledger().summary().accepted, 0);
    assert!(at.events().is_empty());
}

#[tokio::test]
async fn customers_and_events_are_listed() {
    let at = start().await;
    for n in 0..12 {
        let email = format!("c{n}@example.com");
        made(&at, "/v1/customers", &[("email", &email)]).await;
    }
    let (_, page) = get(&at, "/v1/customers").await;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(10));
    assert_eq!(page["has_more"], true);
    let (_, page) = get(&at, "/v1/customers?email=c3%40example.com").await;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1));
    let fields = [
        ("amount", "100"),
        ("currency", "nok"),
        ("confirm", "true"),
        ("off_session", "true"),
        ("payment_method", "pm_card_visa"),
    ];
    made(&at, "/v1/payment_intents", &fields).await;
    for (query, expected) in [
        ("type=payment_intent.succeeded", 1),
        (
            "types[]=payment_intent.succeeded&types[]=payment_intent.created",
            2,
        ),
        ("types%5B0%5D=customer.created&limit=100", 12),
        ("limit=100", 14),
    ] {
        let (_, page) = get(&at, &format!("/v1/events?{query}")).await;
        let data = page["data"].as_array().expect("a list");
        assert_eq!(data.len(), expected, "{query}");
    }
    let event = &at.events()[0];
    assert_eq!(event["type"], "payment_intent.succeeded");
    let path = format!("/v1/events/{}", text(event, "id"));
    assert_eq!(get(&at, &path).await, (200, event.clone()));
}

#[tokio::test]
async fn planted_ones_look_as_if_they_had_been_made() {
    let at = start().await;
    let ids = at.plant([
        PlantedPaymentIntent::new(500, "nok", "succeeded"),
        PlantedPaymentIntent::new(500, "nok", "requires_payment_method").declined(),
        PlantedPaymentIntent::new(500, "nok", "canceled").at(NOON),
    ]);
    let found: Vec<_> = ids.iter().filter_map(|id| at.payment_intent(id)).collect();
    assert_eq!(found[0]["amount_received"], 500);
    assert!(text(&found[0], "latest_charge").starts_with("ch_"));
    assert_eq!(found[1]["last_payment_error"]["code"], "card_declined");
    assert_eq!(found[1]["status"], "requires_payment_method");
    assert_eq!(
        (&found[2]["status"], &found[2]["created"]),
        (&json!("canceled"), &json!(NOON))
    );
}
