//! A queue whose jobs are of a kind with several queues: a service that the configuration describes.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use longshore_job::{InvalidArgs, Job, KindSpec, Kinds, Prepared};
use longshore_operator::{ConfigRefusal, Operator, QueueInfo, RepeatEffect};
use longshore_queue::{JobState, Key, Lane, NewJob, Queue, RunAt};
use longshore_services::CallService;
use serde_json::{Value, json};

use crate::bench::{Bench, Browser};

/// What the configuration of a program would say.
fn describe(schema: &mut Value) {
    schema["properties"]["service"]["enum"] = json!(["crm"]);
    schema["properties"]["operation"]["enum"] = json!(["update_contact"]);
    schema["properties"]["operation"]["description"] = "crm: update_contact".into();
}

fn check(args: &str) -> Result<(), InvalidArgs> {
    let is_known = args.contains("update_contact");
    InvalidArgs::unless(is_known, "operation", "there is update_contact")
}

/// The console of a program that has this service, beside what the bench has.
async fn with_service(bench: &mut Bench) -> (Queue, String) {
    let queue = bench.sms.sibling("svc-crm").expect("a good name");
    let kind = KindSpec::of::<CallService>().in_queue("svc-crm");
    let info = QueueInfo {
        kinds: Kinds::new([kind.with_check(&check).with_description(&describe)]),
        name: "svc-crm".to_owned(),
        max_attempts: 4,
        max_attempts_by_kind: BTreeMap::new(),
        keep: Key::HOLDS,
        cancelled_bytes: 64 << 20,
        providers: vec!["crm".to_owned()],
        refusal: ConfigRefusal::never(),
        repeats: RepeatEffect::Double,
        fallback: None,
    };
    let operator = Operator::new(bench.sms.link(), "t", vec![info]);
    bench.operator = operator.expect("the names are good");
    let job = CallService::new("crm", "update_contact").path_param("id", "ada@example.com");
    let job = NewJob {
        id: longshore_job::JobId::generate(),
        payload: Prepared::new(&job).expect("the args are good").payload,
        run_at: RunAt::In(std::time::Duration::from_secs(3_600)),
        key: None,
        expires_in: None,
        traceparent: None,
        tracestate: None,
        lane: Lane::default(),
        tags: Vec::new(),
        by: None,
    };
    let enqueued = queue.enqueue(&[job]).await.expect("enqueues");
    (queue, enqueued[0].id.to_string())
}

#[tokio::test]
async fn a_services_queue_has_its_page_and_its_jobs_are_edited_by_what_it_takes() {
    let mut bench = Bench::new();
    let (queue, id) = with_service(&mut bench).await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;

    let page = ada.get("/queues/svc-crm?state=scheduled").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains(&id) && page.text.contains(CallService::KIND));
    assert!(!page.text.contains("ada@example.com"));
    let job = ada.get(&format!("/jobs/{id}")).await.text;
    // Which operation it is anybody may see, and for whom nobody.
    assert!(
        job.contains("update_contact") && !job.contains("ada@example.com"),
        "{job}"
    );

    let edit = format!("/jobs/{id}/edit");
    let rehearse = format!("{edit}/rehearse");
    let form = ada.get(&edit).await.text;
    assert!(form.contains("one of &quot;update_contact&quot;"), "{form}");
    assert!(form.contains("(crm: update_contact)"), "{form}");
    let form = ada.form(&edit, &rehearse).await;
    for (args, said) in [
        (
            r#"{"service":"crm","operation":"drop_all"}"#,
            "there is update_contact",
        ),
        (
            r#"{"service":"push","operation":"update_contact"}"#,
            "a job stays in its own",
        ),
    ] {
        let wrong = ada.send(&rehearse, &form, &[("args", args)]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains(said), "{said}: {}", wrong.text);
    }
    let args = r#"{"service":"crm","operation":"update_contact","path_params":{"id":"7"}}"#;
    let preview = ada.send(&rehearse, &form, &[("args", args)]).await;
    assert!(
        preview.text.contains("They are args of its kind."),
        "{}",
        preview.text
    );
    let once = [("once".to_owned(), "editonce".to_owned())];
    let form: Vec<_> = form.into_iter().chain(once).collect();
    let answer = ada
        .send(&edit, &form, &[("args", args), ("reason", "moved")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let raw = longshore_queue::RawId::unescape(&id);
    let job = queue.job(&raw).await.expect("looks").expect("is there");
    assert_eq!(job.state, JobState::Scheduled);
    let payload = String::from_utf8(job.payload.expect("it has one")).expect("UTF-8");
    assert!(payload.contains(r#""id":"7""#), "{payload}");
}
