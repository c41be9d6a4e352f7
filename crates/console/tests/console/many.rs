//! Acts on many: from the preview to the proof, and whoever dies meanwhile.

use std::time::Duration;

use axum::http::StatusCode;
use longshore_operator::{RunAt, Signed, Target};
use longshore_queue::JobState;

use crate::bench::{Bench, Browser};

#[tokio::test]
async fn jobs_of_a_filter_get_another_time_and_the_proof_adds_up() {
    let bench = Bench::new();
    let later = RunAt::In(Duration::from_secs(3600));
    bench.enqueue(300, RunAt::Now, &["spring"]).await;
    bench.enqueue(20, later, &["spring"]).await;
    let other = bench.enqueue(1, RunAt::Now, &["other"]).await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let queue = ada.get("/queues/sms?tag=spring").await.text;
    let page = "/queues/sms/reschedule?tag=spring";
    assert!(queue.contains(page), "{queue}");
    let path = "/queues/sms/reschedule";
    for (wrong, said) in [
        (path, "Say which jobs"),
        (
            "/queues/sms/reschedule?state=running",
            "Only jobs that wait",
        ),
    ] {
        let answer = ada.get(wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(answer.text.contains(said), "{}", answer.text);
    }
    let preview = ada.get(page).await.text;
    for said in ["Reschedule 320 jobs", "300", "pending: they would wait"] {
        assert!(preview.contains(said), "{said}: {preview}");
    }
    let form = ada.form(page, path).await;
    let soon = [("reason", "not before the weekend"), ("when", "soon")];
    let wrong = ada.send(path, &form, &soon).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("reason", "not before the weekend"), ("when", "2d")];
    let answer = ada.send(path, &form, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let operation = answer.location().to_owned();
    let page = ada.get(&operation).await.text;
    assert!(page.contains("320 meant = nothing yet"), "{page}");
    assert!(page.contains(">Stop</a>"), "{page}");
    // The console dies; whoever is left carries it on, and another console shows it.
    drop(router);
    bench.carry_on().await;
    let mut ada = Browser::of(&bench.console().router(), "", "ada").await;
    let page = ada.get(&operation).await.text;
    assert!(page.contains("320 meant = 320 rescheduled"), "{page}");
    assert!(page.contains("not before the weekend"), "{page}");
    let row = bench.operator.queue_row("sms").await.expect("looks");
    assert_eq!((row.pending, row.scheduled), (1, 320));
    let job = bench.operator.job(&other[0], None).await.expect("looks");
    assert_eq!(job.next_run_at, None);
    let audit = bench.operator.audit(None, None, 9).await.expect("reads");
    assert!(audit.iter().any(|row| row.by == "console: ada"
        && row.action == "reschedule"
        && row.target == "tag spring"));
}

#[tokio::test]
async fn a_discard_has_a_bar_a_stop_and_a_proof_and_outlives_the_console() {
    let bench = Bench::new();
    for _ in 0..6 {
        bench.bury(250, "no", "no").await;
    }
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("{}/discard", bench.cause().await);
    let answer = ada.submit(&path, &[("reason", "old")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let operation = answer.location().to_owned();
    let left = async || {
        let all = Target::Queue("sms".to_owned());
        bench.operator.count(&all).await.expect("counts")
    };
    while left().await == 1500 {
        bench
            .operator
            .advance_operations(|_, _| {})
            .await
            .expect("it goes on");
    }
    let now = left().await;
    assert!((1..1500).contains(&now), "{now}");
    let page = ada.get(&operation).await.text;
    let said = format!("{} discarded; 1,000 to go", 1500 - now);
    assert!(
        page.contains(&said) && page.contains("class=\"bar\""),
        "{page}"
    );
    let stop = format!("{operation}/stop");
    ada.submit(&stop, &[("reason", "wait")]).await;
    bench.carry_on().await;
    assert_eq!(left().await, now, "it is stopped");
    let page = ada.get(&operation).await.text;
    assert!(
        page.contains("500 discarded; 1,000 not discarded"),
        "{page}"
    );
    // Another console takes it up, and dies at once.
    drop(router);
    let mut ada = Browser::of(&bench.console().router(), "", "ada").await;
    let resume = format!("{operation}/resume");
    let answer = ada.submit(&resume, &[("reason", "go")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    bench.carry_on().await;
    let page = ada.get(&operation).await.text;
    assert!(page.contains("1,500 meant = 1,500 discarded"), "{page}");
    assert_eq!(left().await, 0);
}

#[tokio::test]
async fn a_replay_of_all_at_once_has_a_proof_too() {
    let bench = Bench::new();
    let ids = bench.bury(3, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("{}/replay", bench.cause().await);
    let fields = [("reason", "mended"), ("rate", "all")];
    let answer = ada.submit(&path, &fields).await;
    bench.carry_on().await;
    let operation = answer.location().to_owned();
    let page = ada.get(&operation).await.text;
    assert!(page.contains("3 replayed = 3 on their way"), "{page}");
    bench.fail(2, "no", "no").await;
    let mut waiting = Vec::new();
    for id in ids {
        let job = bench.operator.job(&id, None).await.expect("looks");
        if job.state == JobState::Pending {
            waiting.push(id);
        }
    }
    let ola = Signed::new("ola", "no more");
    let cancelled = bench.operator.cancel_jobs(&waiting, true, &ola).await;
    assert_eq!(cancelled.expect("cancels").len(), 1);
    let page = ada.get(&operation).await.text;
    assert!(
        page.contains("3 replayed = 2 dead again + 1 cancelled"),
        "{page}"
    );
}
