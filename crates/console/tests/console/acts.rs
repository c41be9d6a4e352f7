//! The one way to act.

use axum::http::StatusCode;

use crate::bench::{Answer, Bench, Browser};

#[tokio::test]
async fn a_replay_goes_from_its_rehearsal_to_its_proof() {
    let bench = Bench::new();
    bench.bury(5, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let cause = bench.cause().await;
    let list = ada.get("/dead").await.text;
    let path = format!("{cause}/replay");
    assert!(list.contains(&path), "{list}");
    let rehearsal = ada.get(&path).await.text;
    assert!(
        rehearsal.contains("Nothing has been changed."),
        "{rehearsal}"
    );
    assert!(
        rehearsal.contains("Replay 5 letters") && rehearsal.contains("value=\"20\" selected"),
        "{rehearsal}"
    );
    let answer = ada.submit(&path, &[("reason", "mended")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let operation = answer.location().to_owned();
    assert!(operation.starts_with("/operations/"));
    longshore_tests::eventually("all are replayed", async || {
        let moved = bench.operator.advance_operations(|_, _| {}).await;
        moved.expect("it goes on");
        bench.operator.count(&target()).await.expect("counts") == 0
    })
    .await;
    let page = ada.get(&operation).await.text;
    assert!(page.contains("5 replayed = 5 on their way"), "{page}");
    assert!(page.contains("mended"), "{page}");
    let rows = bench.operator.audit(None, None, 10).await.expect("reads");
    assert_eq!(rows[0].by, "console: ada");
    assert_eq!(rows[0].reason.as_deref(), Some("mended"));
}

fn target() -> longshore_operator::Target {
    longshore_operator::Target::Queue("sms".to_owned())
}

#[tokio::test]
async fn a_form_that_is_sent_twice_acts_once_wherever_it_is_sent() {
    let bench = Bench::new();
    bench.bury(5, "no", "no").await;
    let router = bench.console().router();
    let elsewhere = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("{}/replay", bench.cause().await);
    let form = ada.form(&path, &path).await;
    let fields = [("reason", "because")];
    let mut again = ada.clone();
    let (first, second) = tokio::join!(
        ada.send(&path, &form, &fields),
        again.send(&path, &form, &fields)
    );
    let mut there = ada.at(&elsewhere);
    let third = there.send(&path, &form, &fields).await;
    let places: Vec<_> = [&first, &second, &third]
        .into_iter()
        .filter(|answer| answer.status == StatusCode::SEE_OTHER)
        .map(Answer::location)
        .collect();
    assert!(places.len() >= 2, "{first:?} {second:?} {third:?}");
    assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    let operations = bench.operator.operations().await.expect("lists");
    assert_eq!(operations.len(), 1);
}

#[tokio::test]
async fn two_operators_on_one_cause_get_one_replay() {
    let bench = Bench::new();
    bench.bury(5, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let mut bob = Browser::of(&router, "", "ada").await;
    let path = format!("{}/replay", bench.cause().await);
    let theirs = bob.form(&path, &path).await;
    let first = ada.submit(&path, &[("reason", "one")]).await;
    let second = bob.send(&path, &theirs, &[("reason", "two")]).await;
    assert_eq!(second.location(), first.location());
    let slower = bob.form(&path, &path).await;
    let fields = [("reason", "three"), ("rate", "1")];
    let answer = bob.send(&path, &slower, &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
}

#[tokio::test]
async fn every_act_has_a_reason_and_many_in_production_their_number() {
    let bench = Bench::new();
    bench.bury(501, "no", "no").await;
    bench.bury(500, "no", "no").await;
    let router = bench.console_in(Some("production")).router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("{}/discard", bench.cause().await);
    for (fields, status) in [
        (&[][..], StatusCode::UNPROCESSABLE_ENTITY),
        (&[("reason", "  ")], StatusCode::UNPROCESSABLE_ENTITY),
        (&[("reason", "old")], StatusCode::UNPROCESSABLE_ENTITY),
        (
            &[("reason", "old"), ("number", "1002")],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            &[("reason", "old"), ("number", "1,001")],
            StatusCode::SEE_OTHER,
        ),
    ] {
        let answer = ada.submit(&path, fields).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text);
        if status == StatusCode::SEE_OTHER {
            bench.carry_on().await;
            let page = ada.get(answer.location()).await.text;
            assert!(page.contains("1,001 meant = 1,001 discarded"), "{page}");
        }
    }
    assert_eq!(bench.operator.count(&target()).await.expect("counts"), 0);
}

#[tokio::test]
async fn a_replay_is_stopped_and_resumed() {
    let bench = Bench::new();
    bench.bury(50, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("{}/replay", bench.cause().await);
    let begun = ada.submit(&path, &[("reason", "mended")]).await;
    let operation = begun.location().to_owned();
    let stop = format!("{operation}/stop");
    let answer = ada.submit(&stop, &[("reason", "wait")]).await;
    let page = ada.get(answer.location()).await.text;
    assert!(
        page.contains("Stopped. What it has done stays done."),
        "{page}"
    );
    assert!(page.contains("cancelled"), "{page}");
    let resume = format!("{operation}/resume");
    let answer = ada.submit(&resume, &[("reason", "go")]).await;
    let page = ada.get(answer.location()).await.text;
    assert!(page.contains("It goes on."), "{page}");
}

#[tokio::test]
async fn an_export_is_a_file_and_the_audit_says_who_took_it() {
    let bench = Bench::new();
    bench.bury(3, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("{}/export", bench.cause().await);
    let answer = ada.submit(&path, &[("reason", "for the ticket")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text.lines().count(), 3, "{}", answer.text);
    assert!(answer.text.contains("+4790000000"));
    let disposition = answer.headers["content-disposition"]
        .to_str()
        .expect("text");
    assert!(disposition.starts_with("attachment; filename=\"dead-sms-"));
    let rows = bench.operator.audit(None, None, 10).await.expect("reads");
    assert!(
        rows.iter()
            .all(|row| row.action == "export" && row.by == "console: ada")
    );
}

#[tokio::test]
async fn a_producer_learns_not_who_replayed_its_job() {
    let bench = Bench::new();
    let ids = bench.bury(1, "no", "no").await;
    let signed = longshore_operator::Signed::new("console: ada@10.0.0.7", "mended");
    let named = longshore_operator::Target::Ids(ids.clone());
    let moved = bench.operator.replay(&named, &signed, |_| {}).await;
    assert_eq!(moved.expect("replays").moved, 1);
    let id = ids[0].parse().expect("an id");
    let job = bench.operator.job_of_producer(id).await.expect("is there");
    let text = serde_json::to_string(&job).expect("JSON");
    assert!(text.contains("replayed"), "{text}");
    assert!(
        !text.contains("ada") && !text.contains("10.0.0.7"),
        "{text}"
    );
    let whole = bench.operator.job(&ids[0], None).await.expect("is there");
    let text = serde_json::to_string(&whole).expect("JSON");
    assert!(
        text.contains("console: ada@10.0.0.7"),
        "operators see it: {text}"
    );
}
