//! What the pages show, and what is done from them.

use axum::http::StatusCode;
use longshore_job::{JobId, Prepared, Priority};
use longshore_operator::{ConfiguredFleet, Signed};
use longshore_queue::{EnqueuedBy, JobState, Key, Lane, NewJob, RunAt};
use longshore_sms::SendSms;

use crate::bench::{Bench, Browser};

/// A text that would act on a page, in many ways at once.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x>\u{202e}\u{1b}[31m";

/// What must not stand on a page as it is.
const BAD: [&str; 4] = ["<script>alert", "<img src=x", "\u{1b}", "\u{202e}"];

pub(crate) async fn enqueue(bench: &Bench, label: &str, run_at: RunAt) -> String {
    let args = SendSms::new("+4790000000", "hello");
    let job = NewJob {
        id: JobId::generate(),
        payload: Prepared::new(&args).expect("the args are good").payload,
        run_at,
        key: Some(Key::new("send_sms", label)),
        expires_in: None,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        tracestate: None,
        lane: Lane {
            priority: Priority::High,
            tenant: Some(label.to_owned()),
        },
        tags: vec![label.to_owned()],
        by: Some(EnqueuedBy::Client(label.to_owned())),
    };
    let enqueued = bench.sms.enqueue(&[job]).await.expect("enqueues");
    enqueued[0].id.to_string()
}

async fn state(bench: &Bench, id: &str) -> JobState {
    bench.operator.job(id, None).await.expect("is there").state
}

#[tokio::test]
async fn every_page_shows_hostile_texts_and_lets_none_of_them_act() {
    let long = "x".repeat(10_000);
    for label in [HOSTILE, &long, ""] {
        let bench = Bench::new();
        let id = enqueue(&bench, label, RunAt::Now).await;
        bench.bury(1, "no", label).await;
        let signed = Signed::new(label, label);
        bench.operator.pause("sms", &signed).await.expect("pauses");
        let configured = ConfiguredFleet {
            queues: [("sms".to_owned(), "critical".to_owned())].into(),
            ..ConfiguredFleet::default()
        };
        let router = bench.console().with_configured(configured).router();
        let mut ada = Browser::of(&router, "", "ada").await;
        let newest = longshore_operator::Filter {
            limit: 1,
            ..longshore_operator::Filter::default()
        };
        let dead = bench.operator.letters(&newest).await;
        let dead = dead.expect("lists").remove(0).id;
        for path in [
            "/".to_owned(),
            "/queues/sms".to_owned(),
            "/queues/sms?tag=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
            "/queues/sms/resume".to_owned(),
            "/queues/sms/cancel?tag=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
            format!("/jobs/{id}"),
            format!("/jobs/{dead}"),
            format!("/jobs/{id}/edit"),
            format!("/jobs/{id}/cancel"),
            format!("/jobs/{dead}/replay"),
            "/workers".to_owned(),
            "/cron".to_owned(),
            "/audit".to_owned(),
            "/audit?by=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
            "/forget".to_owned(),
            "/search?q=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        ] {
            let page = ada.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
            for bad in BAD {
                assert!(!page.text.contains(bad), "{path}: {bad:?}");
            }
            assert!(
                !page.text.contains("style=\""),
                "{path} has an inline style"
            );
            assert!(
                page.text.len() < 100_000,
                "{path} has {} bytes",
                page.text.len()
            );
        }
    }
}

#[tokio::test]
async fn the_overview_says_what_needs_somebody_and_leads_there() {
    let bench = Bench::new();
    enqueue(&bench, "spring", RunAt::Now).await;
    let configured = ConfiguredFleet {
        queues: [("sms".to_owned(), "critical".to_owned())].into(),
        ..ConfiguredFleet::default()
    };
    let router = bench.console().with_configured(configured).router();
    let mut vic = Browser::of(&router, "", "vic").await;
    let page = vic.get("/").await.text;
    assert!(page.contains("nobody works sms"), "{page}");
    assert!(page.contains("1 job waits, the oldest for"), "{page}");
    let runbook = "https://wiki.example/runbook#longshorenoworkers";
    assert!(page.contains(runbook), "{page}");
    assert!(page.contains("/queues/sms?state=pending"), "{page}");
}

#[tokio::test]
async fn nothing_to_do_is_said_in_words_with_the_time() {
    let bench = Bench::new();
    let router = bench.console().router();
    let mut vic = Browser::of(&router, "", "vic").await;
    let page = vic.get("/").await.text;
    assert!(page.contains("Nothing needs you"), "{page}");
}

#[tokio::test]
async fn a_queue_is_paused_slowed_and_resumed_with_a_reason() {
    let bench = Bench::new();
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let page = "/queues/sms/pause";
    let unsaid = ada.submit(page, &[("reason", " ")]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = ada.submit(page, &[("reason", "they are down")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let row = bench.operator.queue_row("sms").await.expect("counts");
    assert_eq!(row.paused.expect("is paused").reason, "they are down");
    let said = ada.get(answer.location()).await.text;
    assert!(said.contains("sms is paused."), "{said}");

    let page = "/queues/sms/limit";
    let wrong = ada
        .submit(page, &[("reason", "r"), ("rate", "x"), ("life", "2h")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("reason", "r"), ("rate", "0.5"), ("life", "2h")];
    let slowed = ada.submit(page, &fields).await;
    assert_eq!(slowed.status, StatusCode::SEE_OTHER, "{}", slowed.text);
    let holds = bench.operator.holds("sms").await.expect("counts");
    assert_eq!(holds[0].cause.as_str(), "limit");

    for act in ["resume", "lift-limit"] {
        let page = format!("/queues/sms/{act}");
        let answer = ada.submit(&page, &[("reason", "over")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    }
    let row = bench.operator.queue_row("sms").await.expect("counts");
    assert_eq!((row.paused, row.holds.len()), (None, 0));
    assert_eq!(
        ada.get("/queues/sms/explode").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(ada.get("/queues/fax").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn jobs_are_listed_by_filter_and_cancelled_by_it() {
    let bench = Bench::new();
    let spring = enqueue(&bench, "spring", RunAt::Now).await;
    let autumn = enqueue(&bench, "autumn", RunAt::Now).await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let list = ada.get("/queues/sms?state=pending&tag=spring").await.text;
    assert!(list.contains(&spring) && !list.contains(&autumn), "{list}");
    let by_key = ada.get("/queues/sms?key=autumn").await.text;
    assert!(
        by_key.contains(&autumn) && !by_key.contains(&spring),
        "{by_key}"
    );
    let wrong = ada.get("/queues/sms?since=yesterday").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);

    let all = ada.get("/queues/sms/cancel").await;
    assert_eq!(
        all.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "never all of a queue"
    );
    let page = "/queues/sms/cancel?tag=spring";
    let form = ada.form(page, "/queues/sms/cancel").await;
    let answer = ada
        .send("/queues/sms/cancel", &form, &[("reason", "wrong text")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert!(answer.location().starts_with("/operations/"), "{answer:?}");
    longshore_tests::eventually("it is cancelled", async || {
        let moved = bench.operator.advance_operations(|_, _| {}).await;
        moved.expect("it goes on");
        state(&bench, &spring).await == JobState::Cancelled
    })
    .await;
    assert_eq!(state(&bench, &autumn).await, JobState::Pending);
}

#[tokio::test]
async fn one_job_is_run_rescheduled_edited_and_cancelled() {
    let bench = Bench::new();
    let later = RunAt::In(std::time::Duration::from_secs(3_600));
    let id = enqueue(&bench, "spring", later).await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let page = format!("/jobs/{id}/reschedule");
    let answer = ada
        .submit(&page, &[("reason", "r"), ("when", "soon")])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = ada.submit(&page, &[("reason", "r"), ("when", "2h")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);

    let args = r#"{"to":"+4790000001","body":"other"}"#;
    let edit = format!("/jobs/{id}/edit");
    let rehearse = format!("{edit}/rehearse");
    let form = ada.form(&edit, &rehearse).await;
    let wrong = ada.send(&rehearse, &form, &[("args", "{}")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let preview = ada.send(&rehearse, &form, &[("args", args)]).await;
    assert!(
        preview.text.contains("They are args of its kind."),
        "{}",
        preview.text
    );
    let before = bench.operator.job(&id, None).await.expect("is there");
    assert_eq!(before.history.len(), 0, "a rehearsal changes nothing");
    let once = [("once".to_owned(), "editonce".to_owned())];
    let form: Vec<_> = form.into_iter().chain(once).collect();
    let answer = ada
        .send(&edit, &form, &[("args", args), ("reason", "typo")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);

    let answer = ada
        .submit(&format!("/jobs/{id}/run"), &[("reason", "now")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(state(&bench, &id).await, JobState::Pending);
    let answer = ada
        .submit(&format!("/jobs/{id}/cancel"), &[("reason", "no")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(state(&bench, &id).await, JobState::Cancelled);
    let again = ada
        .submit(&format!("/jobs/{id}/run"), &[("reason", "now")])
        .await;
    assert_eq!(again.status, StatusCode::CONFLICT);

    let story = ada.get(&format!("/jobs/{id}")).await.text;
    for part in ["enqueued", "edited", "cancelled", "console: ada", "typo"] {
        assert!(story.contains(part), "{part}: {story}");
    }
    let audit = ada.get(&format!("/audit?target={id}")).await.text;
    assert!(
        audit.contains("typo") && audit.contains("reschedule"),
        "{audit}"
    );
    let export = ada.get(&format!("/audit/export?target={id}")).await;
    assert_eq!(export.text.lines().count(), 4, "{}", export.text);
}

#[tokio::test]
async fn personal_data_is_shown_only_after_the_audit_knows_of_it_and_is_kept_by_nobody() {
    let bench = Bench::new();
    let id = enqueue(&bench, "spring", RunAt::Now).await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("/jobs/{id}");
    assert!(!ada.get(&path).await.text.contains("+4790000000"));
    let shown = ada
        .submit(&format!("{path}/reveal"), &[("reason", "a complaint")])
        .await;
    assert!(shown.text.contains("+4790000000"), "{}", shown.text);
    let audit = bench.operator.audit(None, None, 10).await.expect("reads");
    let told: Vec<_> = audit
        .iter()
        .map(|row| (&*row.action, row.reason.as_deref()))
        .collect();
    assert_eq!(told, [("reveal", Some("a complaint"))]);
    assert!(!ada.get(&path).await.text.contains("+4790000000"));
    let mut vic = Browser::of(&router, "", "vic").await;
    let form = vic.form("/", "/search").await;
    let refused = vic
        .send(&format!("{path}/reveal"), &form, &[("reason", "curious")])
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_person_is_forgotten_after_a_rehearsal() {
    let bench = Bench::new();
    let id = enqueue(&bench, "spring", RunAt::Now).await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let form = ada.form("/forget", "/forget/rehearse").await;
    let who = ("who", "+4790000000");
    let rehearsal = ada.send("/forget/rehearse", &form, &[who]).await;
    assert!(
        rehearsal.text.contains("Forget them in 1 job"),
        "{}",
        rehearsal.text
    );
    assert_eq!(state(&bench, &id).await, JobState::Pending);
    let once = [
        ("once".to_owned(), "forgetonce".to_owned()),
        ("count".to_owned(), "1".to_owned()),
    ];
    let form: Vec<_> = form.into_iter().chain(once).collect();
    let begun = ada
        .send("/forget", &form, &[who, ("reason", "they asked")])
        .await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    longshore_tests::eventually("they are forgotten", async || {
        let moved = bench.operator.advance_operations(|_, _| {}).await;
        moved.expect("it goes on");
        let job = bench.operator.job(&id, None).await.expect("is there");
        job.forgotten_at.is_some()
    })
    .await;
}

#[tokio::test]
async fn without_redis_the_last_picture_stays_and_no_act_is_done() {
    let mut bench = Bench::new();
    let id = enqueue(&bench, "spring", RunAt::Now).await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let pages = [
        "/".to_owned(),
        "/queues/sms".to_owned(),
        format!("/jobs/{id}"),
        "/workers".to_owned(),
    ];
    for path in &pages {
        assert_eq!(ada.get(path).await.status, StatusCode::OK, "{path}");
    }
    let form = ada.form("/queues/sms/pause", "/queues/sms/pause").await;
    bench.redis.kill();
    for path in &pages {
        let page = ada.get(path).await;
        assert!(
            page.text.contains("This is the page as of"),
            "{path}: {}",
            page.text
        );
    }
    let refused = ada
        .send("/queues/sms/pause", &form, &[("reason", "r")])
        .await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
}
