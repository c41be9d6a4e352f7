//! Forms that were refused, and pages that are sent again.

use axum::http::{Method, StatusCode};
use longshore_operator::RunAt;

use crate::bench::{Bench, Browser};

#[tokio::test]
async fn a_form_that_was_refused_is_mended_and_sent_again() {
    let bench = Bench::new();
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = "/queues/sms/limit";
    let form = ada.form(path, path).await;
    let once = form.iter().find(|(name, _)| name == "once");
    let once = once.expect("it has an id").1.clone();
    let reason = [("reason", "it <b>complains</b>"), ("life", "2h")];
    let wrong = [("rate", "soon"), reason[0], reason[1]];
    let refused = ada.send(path, &form, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for said in [
        "is no number",
        "name=\"rate\" type=\"text\" value=\"soon\"",
        "value=\"it &lt;b&gt;complains&lt;/b&gt;\"",
        &format!("name=\"once\" value=\"{once}\""),
        "href=\"/queues/sms/limit\"",
    ] {
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    let mended = [("rate", "5"), reason[0], reason[1]];
    let answer = ada.send(path, &form, &mended).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    // Whom a form meant is said again to nobody, and a login is no act.
    let path = "/suppressions/add";
    let form = ada.form("/suppressions/add?channel=sms", path).await;
    let who = [("who", "+47 bo"), ("reason", "asked")];
    let refused = ada.send(path, &form, &who).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("Write the whole number"),
        "{}",
        refused.text
    );
    assert!(!refused.text.contains("+47 bo"), "{}", refused.text);
    assert!(refused.text.contains("?channel=sms"), "{}", refused.text);
}

#[tokio::test]
async fn a_form_of_a_session_that_is_over_says_that_nothing_was_changed() {
    let bench = Bench::new();
    let router = bench.console().router();
    let mut nobody = Browser::new(&router);
    let answer = nobody
        .ask(Method::POST, "/queues/sms/pause", "reason=why".to_owned())
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    for said in ["Nothing was changed", "/login?to=%2Fqueues%2Fsms%2Fpause"] {
        assert!(answer.text.contains(said), "{said}: {}", answer.text);
    }
    let row = bench.operator.queue_row("sms").await.expect("looks");
    assert_eq!(row.paused, None);
}

#[tokio::test]
async fn a_reload_hides_what_was_revealed() {
    let bench = Bench::new();
    let job = bench.enqueue(1, RunAt::Now, &[]).await.remove(0);
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("/jobs/{job}/reveal");
    let form = ada.form(&path, &path).await;
    let why = [("reason", "a complaint")];
    let shown = ada.send(&path, &form, &why).await;
    assert!(shown.text.contains("+4790000000"), "{}", shown.text);
    for router in [&router, &bench.console().router()] {
        let again = ada.at(router).send(&path, &form, &why).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text);
        assert_eq!(again.location(), format!("/jobs/{job}"));
    }
    let audit = bench.operator.audit(None, None, 10).await.expect("reads");
    assert_eq!(audit.len(), 1, "{audit:?}");
}

#[tokio::test]
async fn a_cause_that_is_replayed_leads_there_and_one_that_is_gone_says_what_was_done() {
    let bench = Bench::new();
    bench.bury(3, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let cause = bench.cause().await;
    let path = format!("{cause}/replay");
    let begun = ada
        .submit(&path, &[("reason", "mended"), ("rate", "1")])
        .await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    let cards = ada.get("/dead").await.text;
    assert!(cards.contains("See its replay, which goes on"), "{cards}");
    assert!(cards.contains(begun.location()), "{cards}");
    let operation = ada.get(begun.location()).await.text;
    assert!(operation.contains("1 a second"), "{operation}");
    bench
        .operator
        .cancel_operation(
            begun.location().trim_start_matches("/operations/"),
            &longshore_operator::Signed::new("ola", "enough"),
        )
        .await
        .expect("stops");
    let discard = format!("{cause}/discard");
    let begun = ada.submit(&discard, &[("reason", "old")]).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    bench.carry_on().await;
    let gone = ada.get(&cause).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let group = cause.rsplit('/').next().expect("a group");
    let audit = format!("/audit?target={group}");
    assert!(gone.text.contains(&audit), "{}", gone.text);
    let done = ada.get(&audit).await.text;
    assert!(done.contains("mended") && done.contains("old"), "{done}");
}
