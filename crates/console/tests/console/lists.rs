//! Lists announce what came to them, and stay as they are.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::COOKIE;
use futures_util::StreamExt;
use longshore_queue::Signed;
use tower::ServiceExt;

use crate::bench::{Bench, Browser};

/// What the stream says of a list, in its first event that says something of one.
async fn told(router: &Router, browser: &Browser, list: &str, since: i64) -> String {
    let list: String = list.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let request = Request::builder()
        .uri(format!("/live?list={list}&since={since}"))
        .header(COOKIE, browser.cookie())
        .body(Body::empty())
        .expect("it is a request");
    let answer = router.clone().oneshot(request).await.expect("it answers");
    let mut events = answer.into_body().into_data_stream();
    loop {
        let event = events.next().await.expect("it goes on").expect("it reads");
        let event = String::from_utf8_lossy(&event).into_owned();
        let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else {
            continue;
        };
        let parts: serde_json::Value = serde_json::from_str(data).expect("it is JSON");
        if let Some(line) = parts["fresh"].as_str() {
            return line.to_owned();
        }
    }
}

#[tokio::test]
async fn a_list_says_how_many_have_come() {
    let bench = Bench::new();
    bench.bury(3, "no", "no").await;
    let cause = bench.cause().await;
    let signed = Signed::new("ada", "why");
    bench.operator.pause("sms", &signed).await.expect("pauses");
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    for (list, told_of) in [
        ("/queues/sms?state=dead", "3 new jobs"),
        ("/queues/sms?state=dead&kind=send_sms", "3 new jobs"),
        ("/dead", "3 new letters"),
        ("/dead?queue=sms", "3 new letters"),
        (&cause, "3 new letters"),
        ("/audit?by=ada", "1 new entry"),
    ] {
        // Nothing was there when the page was drawn.
        let line = told(&router, &ada, list, 0).await;
        assert!(line.contains(told_of), "{list}: {line}");
        let href = list.replace('&', "&amp;");
        assert!(line.contains(&format!("href=\"{href}\"")), "{list}: {line}");
        // A page draws where it is told, from the newest that it shows.
        let page = ada.get(list).await.text;
        let (_, since) = page
            .split_once(&format!("data-list=\"{href}\" data-since=\""))
            .unwrap_or_else(|| panic!("{list}: {page}"));
        let (since, _) = since.split_once('"').expect("it ends");
        let since: i64 = since.parse().expect("it is a number");
        assert!(since > 1_700_000_000_000, "{list}: {since}");
        let before = told(&router, &ada, list, since - 1).await;
        assert!(before.contains(" new "), "{list}: {before}");
    }
}
