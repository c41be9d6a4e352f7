//! How it fails when it is told to.

use std::time::{Duration, Instant};

use longshore_sandbox::{Fault, FaultRule, Only};
use reqwest::StatusCode;
use serde_json::Value;

use super::{client, counts, mail, send, start};

/// Long enough to be never reached when all is well.
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn other_answers_by_rule() {
    let (at, client) = (start().await, client());
    let only = Only {
        job: Some("B".into()),
        ..Only::default()
    };
    at.faults()
        .set(vec![
            FaultRule::always(Fault::Garbage {
                status: 502,
                effect: false,
            })
            .only(only),
            FaultRule::first(
                1,
                Fault::Throttle {
                    retry_after_seconds: Some(7),
                    reset_in_seconds: Some(9),
                },
            ),
            FaultRule::first(
                1,
                Fault::Answer {
                    status: 500,
                    headers: [("x-note".to_owned(), "here".to_owned())].into(),
                    body: Some("<html>".into()),
                    effect: true,
                },
            ),
        ])
        .expect("valid rules");

    let throttled = send(&client, &at, &mail("A")).await.expect("answered");
    assert_eq!(throttled.status(), 429);
    assert_eq!(throttled.headers()["retry-after"], "7");
    let reset = throttled.headers()["x-ratelimit-reset"].to_str();
    let reset: u64 = reset.expect("ASCII").parse().expect("a number");
    assert!(reset > 1_700_000_000, "{reset} is no Unix time");
    let body: Value = throttled.json().await.expect("SendGrid's JSON");
    assert_eq!(body["errors"][0]["message"], "too many requests");
    assert_eq!(counts(&at), (1, 0, 0, 0));

    let failed = send(&client, &at, &mail("A")).await.expect("answered");
    assert_eq!(failed.status(), 500);
    assert_eq!(failed.headers()["x-note"], "here");
    assert_eq!(failed.text().await.expect("a body"), "<html>");
    assert_eq!(counts(&at), (2, 1, 1, 0), "carried out all the same");

    let garbage = send(&client, &at, &mail("B")).await.expect("answered");
    assert_eq!(garbage.status(), 502);
    let bytes = garbage.bytes().await.expect("a body");
    assert!(std::str::from_utf8(&bytes).is_err());

    let fine = send(&client, &at, &mail("A")).await.expect("answered");
    assert_eq!(fine.status(), StatusCode::ACCEPTED);
    assert_eq!(counts(&at), (4, 2, 1, 1));
}

#[tokio::test]
async fn hanging_up_closes_the_connection_with_and_without_the_effect() {
    let (at, client) = (start().await, client());
    for (fault, accepted) in [
        (Fault::HangUpUnread, 0),
        (Fault::HangUp { effect: false }, 0),
        (Fault::HangUp { effect: true }, 1),
    ] {
        at.ledger().clear();
        at.faults()
            .set(vec![FaultRule::first(1, fault.clone())])
            .expect("a valid rule");
        let lost = send(&client, &at, &mail("A")).await;
        let lost = lost.expect_err("hung up on");
        assert!(
            lost.is_request() && !lost.is_timeout(),
            "{fault:?}: {lost:?}"
        );
        assert_eq!(counts(&at), (1, accepted, accepted, 0), "{fault:?}");

        // The rule is used up: the next one goes through.
        let next = send(&client, &at, &mail("B")).await.expect("answered");
        assert_eq!(next.status(), StatusCode::ACCEPTED, "{fault:?}");
    }
}

#[tokio::test]
async fn hanging_up_unread_resets_a_new_connection_and_spares_the_sandbox_itself() {
    let (at, client) = (start().await, client());
    at.faults()
        .set(vec![FaultRule::always(Fault::HangUpUnread)])
        .expect("a valid rule");
    let lost = send(&client, &at, &mail("A"))
        .await
        .expect_err("hung up on");
    let reset = std::iter::successors(std::error::Error::source(&lost), |&e| e.source())
        .filter_map(|e| e.downcast_ref::<std::io::Error>())
        .any(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
    assert!(reset, "{lost:?}");

    let faults = format!("{}/sandbox/faults", at.origin());
    let cleared = client.delete(faults).send().await.expect("answered");
    assert_eq!(cleared.status(), StatusCode::NO_CONTENT);
    let next = send(&client, &at, &mail("A")).await.expect("answered");
    assert_eq!(next.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn connections_from_before_the_rule_are_hung_up_on_too() {
    let (at, client) = (start().await, client());
    send(&client, &at, &mail("A")).await.expect("answered");
    at.faults()
        .set(vec![FaultRule::always(Fault::HangUpUnread)])
        .expect("a valid rule");
    send(&client, &at, &mail("A"))
        .await
        .expect_err("hung up on");
    assert_eq!(at.ledger().summary().accepted, 1);
}

#[tokio::test]
async fn no_answer_ever_comes() {
    let (at, client) = (start().await, client());
    for (effect, accepted) in [(false, 0), (true, 1)] {
        at.ledger().clear();
        at.faults()
            .set(vec![FaultRule::always(Fault::NeverAnswer { effect })])
            .expect("a valid rule");
        let noted = at.ledger().wait_until(DEADLINE, |s| s.requests == 1);
        let mail = mail("A");
        tokio::select! {
            answer = send(&client, &at, &mail) => panic!("{answer:?}"),
            noted = noted => assert_eq!(noted.expect("noted").accepted, accepted),
        }
    }
}

#[tokio::test]
async fn a_delayed_answer_is_the_right_one_and_its_effect_is_there_before() {
    let (at, client) = (start().await, client());
    let (hour, moment) = (Fault::Delay { ms: 3_600_000 }, Fault::Delay { ms: 30 });
    at.faults()
        .set(vec![FaultRule::first(1, hour), FaultRule::always(moment)])
        .expect("valid rules");
    let mail = mail("A");
    tokio::select! {
        answer = send(&client, &at, &mail) => panic!("{answer:?}"),
        noted = at.ledger().wait_until(DEADLINE, |s| s.accepted == 1) => {
            noted.expect("noted");
        }
    }
    let started = Instant::now();
    let answer = send(&client, &at, &mail).await.expect("answered");
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
}
