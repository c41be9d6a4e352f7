//! What runs remember and enqueue.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{JobId, KindSpec, Kinds, NotEnqueued, Prepared, Run};
use longshore_testing::{MemoryRequest, Script, ScriptedGate, ScriptedMemory};
use serde_json::json;

use crate::{Act, act, panics};

#[tokio::test]
async fn a_memory_makes_nothing_up() {
    let memory = ScriptedMemory::new();
    let script = Script::new().with_memory(&memory);
    let (run, others) = (script.run(), script.for_new_job().run());
    let of_run = run.memory();
    let words = panics(|| drop(of_run.earlier_requests()));
    assert!(
        words.contains("ScriptedMemory::set_earlier_requests"),
        "{words}"
    );
    memory.set_requests_out(Duration::from_secs(20), Duration::from_secs(10));
    assert_eq!(of_run.note_message("m1").await, Ok(true));
    assert_eq!(others.memory().note_message("m1").await, Ok(false));
    let message = of_run.earlier_requests().await.expect("known").message;
    assert_eq!(message.as_deref(), Some("m1"), "it was noted");
    assert_eq!(
        others
            .memory()
            .earlier_requests()
            .await
            .expect("known")
            .message,
        None
    );

    let minute = Duration::from_secs(60);
    let first = of_run.keep_first("k", b"1", minute).await;
    let second = others.memory().keep_first("k", b"2", minute).await;
    assert_eq!((first, second), (Ok(b"1".to_vec()), Ok(b"1".to_vec())));
    memory.advance(minute);
    assert_eq!(of_run.recall("k").await, Ok(None));

    assert_eq!(of_run.assign("m", "k", "1").await, Ok("1".to_owned()));
    assert_eq!(of_run.assign("m", "k", "2").await, Ok("1".to_owned()));
    assert_eq!(of_run.find("m", "k").await, Ok(Some("1".to_owned())));
    assert_eq!(of_run.find("another", "k").await, Ok(None));

    assert_eq!(of_run.save(&json!(1)).await, Ok(true));
    assert_eq!(of_run.checkpoint().await, Ok(Some(json!(1))));
    assert_eq!(others.memory().checkpoint().await, Ok(None));
    memory.lose_job_after_saves(0);
    assert_eq!(of_run.save(&json!(2)).await, Ok(false));
    assert_eq!(memory.checkpoint(run.id), Some(json!(1)));

    memory.fail(MemoryRequest::Find);
    of_run.find("m", "k").await.expect_err("away");
    memory.recover();
    memory.forbid(MemoryRequest::Find, "nothing is looked up");
    let words = panics(|| drop(of_run.find("m", "k")));
    assert_eq!(words, "Find: nothing is looked up");
}

#[tokio::test]
async fn a_run_that_was_given_no_memory_pretends_nothing() {
    let run = Run::new(JobId::generate(), 1, 1, Arc::new(ScriptedGate::open()));
    let minute = Duration::from_secs(60);
    let kept = run.memory().keep("k", b"1", minute).await;
    let words = kept.expect_err("there is none").to_string();
    assert!(words.contains("Run::with_memory"), "{words}");
    let owned = run.memory().note_message("m1").await;
    owned.expect_err("nobody knows whose it is");
    let saved = run.memory().save(&json!(1)).await;
    saved.expect_err("it is not saved");
    let job = || Prepared::new(&act("work")).expect("fine args");
    let followed = run.outbox().enqueue(job(), "k", minute).await;
    followed.expect_err("nobody would run it");

    // Outside a fleet a run remembers until its end, and has no job follow it either.
    let run = Run::standalone();
    run.clear_to_send().await;
    let memory = run.memory();
    memory.keep("k", b"1", minute).await.expect("kept");
    assert_eq!(memory.recall("k").await, Ok(Some(b"1".to_vec())));
    let first = memory.keep_first("k", b"2", minute).await;
    assert_eq!(first, Ok(b"1".to_vec()));
    for value in ["1", "2"] {
        let assigned = memory.assign("m", "k", value).await;
        assert_eq!(assigned, Ok("1".to_owned()));
    }
    assert_eq!(memory.find("m", "k").await, Ok(Some("1".to_owned())));
    assert_eq!(memory.save(&json!(1)).await, Ok(true));
    assert_eq!(memory.checkpoint().await, Ok(Some(json!(1))));
    let followed = run.outbox().enqueue(job(), "k", minute).await;
    followed.expect_err("nobody would run it");
}

#[tokio::test]
async fn what_follows_from_a_run_is_recorded() {
    let memory = ScriptedMemory::new();
    let script = Script::new().with_memory(&memory);
    let run = script.run();
    let outbox = run.outbox();
    let day = Duration::from_secs(24 * 3600);
    let unknown = outbox.prepare("act", r#"{"does":"work"}"#);
    unknown.expect_err("no kind is known yet");
    memory.set_kinds(Kinds::new([KindSpec::of::<Act>()]));
    let job = |args: &str| outbox.prepare("act", args).expect("fine args");
    let first = outbox.enqueue(job(r#"{"does":"work"}"#), "k", day).await;
    let again = outbox.enqueue(job(r#"{"does":"work"}"#), "k", day).await;
    assert_eq!(first, again);
    let other = outbox.enqueue(job(r#"{"does":"fail"}"#), "k", day).await;
    assert!(matches!(other, Err(NotEnqueued::KeyTaken { .. })));
    let recorded = memory.outbox().assert_only(&act("work"));
    assert_eq!(recorded.key_holds, Some(day));
    memory.fail(MemoryRequest::Enqueue);
    let away = outbox.enqueue(job(r#"{"does":"work"}"#), "k2", day).await;
    assert!(matches!(away, Err(NotEnqueued::Unremembered(_))));
}
