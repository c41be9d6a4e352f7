//! Lists: filters, order and pages.

use std::time::{Duration, SystemTime};

use longshore_sms::sandbox::PlantedMessage;
use serde_json::{Value, json};

use crate::{ACCOUNT, TO, get, json, path, start, text};

/// Mon, 23 Nov 2026 12:00:00 GMT.
fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_200)
}

const HOUR: Duration = Duration::from_secs(60 * 60);

fn bodies(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().expect("a list");
    messages
        .iter()
        .map(|message| text(message, "body"))
        .collect()
}

fn query(query: &[(&str, &str)]) -> String {
    format!("{}?{}", path(ACCOUNT), crate::form(query))
}

#[tokio::test]
async fn filters_are_about_numbers_and_days() {
    let at = start().await;
    let message = |to, body| PlantedMessage::new(ACCOUNT, to, body);
    at.plant(message(TO, "noon").at(noon()));
    at.plant(message(TO, "thirteen hours later").at(noon() + 13 * HOUR));
    at.plant(message(TO, "thirteen hours before").at(noon() - 13 * HOUR));
    at.plant(message("+4791111111", "other number").at(noon()));
    at.plant(message(TO, "waiting").at(noon()).queued());
    at.plant(PlantedMessage::new("AC2", TO, "other account"));
    let all = [
        "thirteen hours later",
        "waiting",
        "noon",
        "thirteen hours before",
    ];
    for (filters, expected) in [
        (&[("To", TO)][..], &all[..]),
        (&[("To", TO), ("From", "+15005550006")], &all),
        (&[("To", TO), ("From", "+15005550001")], &[]),
        (&[("To", TO), ("DateSent", "2026-11-23")], &["noon"]),
        (
            &[("To", TO), ("DateSent>", "2026-11-23")],
            &["thirteen hours later", "noon"],
        ),
        (
            &[
                ("To", TO),
                ("DateSent>", "2026-11-23T09:00:00Z"),
                ("DateSent<", "2026-11-23"),
            ],
            &["noon"],
        ),
        (
            &[("To", TO), ("DateSent<", "2026-11-23")],
            &["noon", "thirteen hours before"],
        ),
    ] {
        let response = get(&at, &query(filters)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(bodies(&json(response).await), expected, "{filters:?}");
    }
    for (wrong, code) in [
        (("PageSize", "1001"), 20007),
        (("PageSize", "0"), 20001),
        (("Page", "x"), 20001),
        (("PageToken", "x"), 20001),
        (("DateSent>", "yesterday"), 20001),
    ] {
        let response = get(&at, &query(&[wrong])).await;
        assert_eq!(response.status(), 400, "{wrong:?}");
        assert_eq!(json(response).await["code"], code, "{wrong:?}");
    }
}

/// Pages follow each other without gaps or repetitions, also while new messages come in at the top.
#[tokio::test]
async fn pages_follow_each_other() {
    let at = start().await;
    for n in 0..120 {
        let time = noon() + Duration::from_secs(n);
        at.plant(PlantedMessage::new(ACCOUNT, TO, n.to_string()).at(time));
    }
    let first = query(&[("To", TO), ("DateSent>", "2026-11-23")]);
    let mut next = Some(first);
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    while let Some(uri) = next {
        let page = json(get(&at, &uri).await).await;
        assert_eq!(page["page"], json!(sizes.len()));
        sizes.push(bodies(&page).len());
        seen.extend(bodies(&page).into_iter().map(str::to_owned));
        next = page["next_page_uri"].as_str().map(str::to_owned);
        if let Some(next) = &next {
            assert!(
                next.starts_with(&path(ACCOUNT)),
                "{next} is not host-relative"
            );
            assert!(next.contains("DateSent%3E=2026-11-23"), "{next}");
        }
        at.plant(PlantedMessage::new(ACCOUNT, TO, "new").at(noon() + HOUR));
    }
    assert_eq!(sizes, [50, 50, 20]);
    let expected: Vec<_> = (0..120).rev().map(|n: u32| n.to_string()).collect();
    assert_eq!(seen, expected);

    let page = json(get(&at, &query(&[("PageSize", "1000")])).await).await;
    assert_eq!(bodies(&page).len(), 123);
    assert_eq!(page["next_page_uri"], json!(null));
    let second = json(get(&at, &query(&[("PageSize", "100"), ("Page", "1")])).await).await;
    assert_eq!(bodies(&second).len(), 23);
    assert_eq!(at.reads(), 5);
}
