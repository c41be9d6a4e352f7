//! A form acts once, whichever process of the console it reaches, and after a restart.

use std::time::Duration;

use axum::http::StatusCode;
use longshore_operator::RunAt;

use crate::bench::{Answer, Bench, Browser};

/// Sends the form of a page to one console, and again to another.
async fn twice(
    bench: &Bench,
    page: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> (Answer, Answer, Answer) {
    let (here, there) = (bench.console().router(), bench.console().router());
    let mut ada = Browser::of(&here, "", "ada").await;
    let form = ada.form(page, path).await;
    let first = ada.send(path, &form, fields).await;
    let second = ada.send(path, &form, fields).await;
    let elsewhere = ada.at(&there).send(path, &form, fields).await;
    (first, second, elsewhere)
}

/// The path that it is posted to, the filter of its page, and the fields of its form.
type Act<'a> = (String, Option<&'a str>, Vec<(&'a str, &'a str)>);

#[tokio::test]
async fn every_act_is_done_once_by_two_consoles() {
    let bench = Bench::new();
    bench.bury(5, "no", "no").await;
    let later = RunAt::In(Duration::from_secs(3600));
    let jobs = bench.enqueue(4, later, &["spring"]).await;
    let cause = bench.cause().await;
    let of_job = |n: usize, act: &str| format!("/jobs/{}/{act}", jobs[n]);
    let acts: Vec<Act<'_>> = vec![
        ("/queues/sms/pause".to_owned(), None, vec![]),
        ("/queues/sms/resume".to_owned(), None, vec![]),
        (
            "/queues/sms/limit".to_owned(),
            None,
            vec![("rate", "5"), ("life", "2h")],
        ),
        ("/queues/sms/lift-limit".to_owned(), None, vec![]),
        (of_job(0, "cancel"), None, vec![]),
        (of_job(1, "reschedule"), None, vec![("when", "2h")]),
        (of_job(1, "run"), None, vec![]),
        (
            "/queues/sms/reschedule".to_owned(),
            Some("?tag=spring"),
            vec![("when", "2h")],
        ),
        ("/queues/sms/cancel".to_owned(), Some("?tag=spring"), vec![]),
        (format!("{cause}/replay"), None, vec![]),
    ];
    for (path, query, fields) in acts {
        let page = format!("{path}{}", query.unwrap_or_default());
        let fields: Vec<_> = fields.into_iter().chain([("reason", "because")]).collect();
        let before = bench.operator.audit(None, None, 99).await.expect("reads");
        let (first, second, elsewhere) = twice(&bench, &page, &path, &fields).await;
        assert_eq!(
            first.status,
            StatusCode::SEE_OTHER,
            "{path}: {}",
            first.text
        );
        for answer in [&second, &elsewhere] {
            assert_eq!(
                answer.status,
                StatusCode::SEE_OTHER,
                "{path}: {}",
                answer.text
            );
            assert_eq!(answer.location(), first.location(), "{path}");
        }
        let after = bench.operator.audit(None, None, 99).await.expect("reads");
        assert_eq!(after.len(), before.len() + 1, "{path}: {:?}", after.first());
    }
    let operations = bench.operator.operations().await.expect("lists");
    assert_eq!(operations.len(), 3, "{operations:?}");
    let path = format!("{cause}/export");
    bench.bury(1, "no", "no").await;
    let (first, second, elsewhere) = twice(&bench, &path, &path, &[("reason", "for me")]).await;
    assert_eq!(first.status, StatusCode::OK);
    for answer in [&second, &elsewhere] {
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
        assert!(answer.text.contains("was sent before"), "{}", answer.text);
    }
    let path = format!("{cause}/discard");
    let (first, _, elsewhere) = twice(&bench, &path, &path, &[("reason", "old")]).await;
    assert_eq!(elsewhere.location(), first.location());
}

/// Forms that are drawn by an answer, behind a rehearsal.
#[tokio::test]
async fn what_was_rehearsed_is_done_once_by_two_consoles() {
    let bench = Bench::new();
    let job = bench
        .enqueue(2, RunAt::In(Duration::from_secs(3600)), &[])
        .await
        .remove(0);
    let (here, there) = (bench.console().router(), bench.console().router());
    let mut ada = Browser::of(&here, "", "ada").await;
    let edit = format!("/jobs/{job}/edit");
    let args = r#"{"to": "+4790000001", "body": "hello"}"#;
    let acts = [
        (edit, "/rehearse", vec![("args", args)]),
        (
            "/suppressions/add".to_owned(),
            "",
            vec![("who", "+4790000002"), ("channel", "sms")],
        ),
        (
            "/forget".to_owned(),
            "/rehearse",
            vec![("who", "+4790000000")],
        ),
    ];
    for (n, (path, rehearse, fields)) in acts.into_iter().enumerate() {
        let mut form = ada.form(&path, &format!("{path}{rehearse}")).await;
        form.retain(|(name, _)| name != "once" && name != "args");
        form.extend([
            ("once".to_owned(), format!("rehearsed{n}")),
            ("count".to_owned(), "1".to_owned()),
        ]);
        let fields: Vec<_> = fields
            .into_iter()
            .chain([("reason", "they asked")])
            .collect();
        let before = bench
            .operator
            .audit(None, None, 99)
            .await
            .expect("reads")
            .len();
        let first = ada.send(&path, &form, &fields).await;
        assert_eq!(
            first.status,
            StatusCode::SEE_OTHER,
            "{path}: {}",
            first.text
        );
        for router in [&here, &there] {
            let again = ada.at(router).send(&path, &form, &fields).await;
            assert_eq!(
                again.status,
                StatusCode::SEE_OTHER,
                "{path}: {}",
                again.text
            );
            assert_eq!(again.location(), first.location(), "{path}");
        }
        let after = bench.operator.audit(None, None, 99).await.expect("reads");
        assert_eq!(after.len(), before + 1, "{path}: {after:?}");
    }
    // What one has taken away, another does not take away again.
    let page = ada.get("/suppressions?channel=sms").await;
    let at = page.text.find("/remove").expect("a way to remove it");
    let from = page.text[..at].rfind("/suppressions/").expect("a path");
    let path = format!("{}/remove", &page.text[from..at]);
    let page = format!("{path}?channel=sms");
    let (first, second, elsewhere) = twice(&bench, &page, &path, &[("reason", "a mistake")]).await;
    for answer in [&first, &second, &elsewhere] {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        assert_eq!(answer.location(), first.location());
    }
    let audit = bench.operator.audit(None, None, 99).await.expect("reads");
    let removed = audit
        .iter()
        .filter(|entry| entry.reason.as_deref() == Some("a mistake"));
    assert_eq!(removed.count(), 1, "{audit:?}");
}

/// What was begun by a process that died is not begun again, and that is said. What was refused may be sent again.
#[tokio::test]
async fn a_form_whose_process_died_is_not_carried_out_again() {
    let bench = Bench::new();
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = "/queues/sms/pause";
    let form = ada.form(path, path).await;
    let once = form.iter().find(|(name, _)| name == "once");
    let once = &once.expect("it has an id").1;
    bench
        .operator
        .begin_form(once, "12:31:05 UTC")
        .await
        .expect("notes");
    let fields = [("reason", "because")];
    for router in [&router, &bench.console().router()] {
        let answer = ada.at(router).send(path, &form, &fields).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
        for said in ["sent before, at 12:31:05 UTC", "Look at the audit"] {
            assert!(answer.text.contains(said), "{}", answer.text);
        }
    }
    let row = bench.operator.queue_row("sms").await.expect("looks");
    assert_eq!(row.paused, None);
    // A new form acts.
    let answer = ada.submit(path, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    // A refusal has done nothing: the form may be sent again once its reason is gone.
    let job = bench.enqueue(1, RunAt::Now, &[]).await.remove(0);
    let path = format!("/jobs/{job}/run");
    let form = ada.form(&path, &path).await;
    let refused = ada.send(&path, &form, &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    let later = RunAt::In(Duration::from_secs(60));
    let signed = longshore_operator::Signed::new("ola", "later");
    let moved = bench.operator.reschedule(&job, later, &signed).await;
    assert!(moved.expect("reschedules"));
    let answer = ada.send(&path, &form, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
}
