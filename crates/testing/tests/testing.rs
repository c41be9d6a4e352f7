//! What a test gets from this crate, against a handler that does as its args say.

use std::panic::catch_unwind;
use std::time::Duration;

use longshore_client::{ClientError, JobState, Options, QueueError};
use longshore_job::{
    Class, Handler, InvalidArgs, Job, JobError, KindPolicy, KindSpec, Kinds, NotEnqueued, NotNow,
    Outcome, Pass, Prepared, Run, Why, Word,
};
use longshore_testing::{
    Noted, OnUnknown, Recorder, Request, Script, ScriptedGate, ScriptedMemory, Way, run_one,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    does: String,
}

impl Job for Act {
    const KIND: &'static str = "act";
    const QUEUE: &'static str = "stage";
    const PUBLIC_ARGS: &'static [&'static str] = &["does"];
    const POLICY: KindPolicy = KindPolicy::taking(Duration::from_millis(50));
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        match self.does.as_str() {
            "" => Err(InvalidArgs::field("does", "must not be empty")),
            _ => Ok(()),
        }
    }
}

fn act(does: &str) -> Act {
    Act {
        does: does.to_owned(),
    }
}

#[derive(Clone)]
struct Actor;

impl Handler for Actor {
    type Job = Act;

    async fn run(&self, job: Act, run: Run) -> Result<Outcome, JobError> {
        run.clear_to_send().await;
        match job.does.as_str() {
            "work" => Ok(Outcome::Done {
                result: Some(json!({ "attempt": run.attempt, "key": run.idempotency_key })),
                answer: Default::default(),
            }),
            "refuse" => Err(JobError::refusal("no", "it does not want to")),
            "fail" => Err(JobError::transient("it fell")),
            "lose" => Err(JobError::OutcomeUnknown {
                reason: "no answer".to_owned(),
                answer: Default::default(),
            }),
            "hang" => std::future::pending().await,
            other => panic!("{other}"),
        }
    }

    async fn verify(&self, _: &Act, run: &Run) -> Result<Option<Outcome>, JobError> {
        run.clear_to_read().await;
        let reason = "it was done".to_owned();
        Ok(Some(Outcome::Skipped { reason }))
    }
}

#[tokio::test]
async fn an_attempt_ends_as_the_worker_would_have_it() {
    let ran = run_one(Actor, &act("work")).await.expect("fine args");
    let id = ran.script.id;
    let result = json!({ "attempt": 1, "key": id.to_string() });
    assert_eq!(ran.assert_completed(), Some(result));
    assert_eq!((ran.script.gate.sends(), ran.script.gate.reads()), (1, 0));

    let refused = run_one(Actor, &act("refuse")).await.expect("fine args");
    assert_eq!(refused.assert_dead().to_string(), "refused: no");
    let again = refused.next_attempt().run_one(Actor, &act("work")).await;
    let result = again
        .expect("fine args")
        .assert_completed()
        .expect("a result");
    let id = refused.script.id;
    assert_eq!(
        result["key"],
        format!("{id}-1"),
        "another key after a refusal"
    );

    let error = run_one(Actor, &act(""))
        .await
        .expect_err("no producer could");
    assert_eq!(error.to_string(), "does: must not be empty");
}

#[tokio::test]
async fn attempts_follow_the_schedule_until_the_last() {
    let mut script = Script::new();
    for seconds in [60, 300, 900] {
        let ran = script.run_one(Actor, &act("fail")).await;
        let ran = ran.expect("fine args");
        assert_eq!(ran.assert_retry(), Duration::from_secs(seconds));
        script = ran.next_attempt();
    }
    let last = script
        .run_one(Actor, &act("fail"))
        .await
        .expect("fine args");
    assert_eq!(last.assert_dead().class, Class::Failed);
}

#[tokio::test]
async fn a_lost_answer_follows_the_queues_rule() {
    let held = run_one(Actor, &act("lose")).await.expect("fine args");
    assert_eq!(held.assert_dead().class, Class::OutcomeUnknown);
    let script = Script::new().on_unknown(OnUnknown::Verify);
    let lost = script.run_one(Actor, &act("lose")).await;
    let lost = lost.expect("fine args");
    assert_eq!(lost.assert_retry(), Duration::from_secs(60));
    // It is asked after, and not made again.
    let found = lost.next_attempt().run_one(Actor, &act("lose")).await;
    assert_eq!(found.expect("fine args").assert_completed(), None);
    assert_eq!((script.gate.sends(), script.gate.reads()), (1, 1));
}

#[tokio::test]
async fn a_time_limit_ends_a_run_by_whether_a_request_was_out() {
    let hung = run_one(Actor, &act("hang")).await.expect("fine args");
    assert_eq!(hung.assert_dead().class, Class::OutcomeUnknown);
    let waits = Script::new().with_provider("stage");
    let hung = waits.run_one(Actor, &act("hang")).await.expect("fine args");
    assert_eq!(hung.decision.said, Word::Ill, "its provider did not answer");
    let error = hung.end.expect_err("too long");
    assert_eq!(error.reason(), "no end after 0.05 s, and a request was out");
}

#[tokio::test]
async fn what_is_asserted_wrongly_is_told_in_words() {
    let ran = run_one(Actor, &act("fail")).await.expect("fine args");
    let words = panics(|| drop(ran.assert_completed()));
    assert_eq!(
        words,
        "the job is not completed\nthe run ended as: failed: it fell\nwhat follows: Retry { after: 60s }"
    );

    let recorder = Recorder::new();
    let words = panics(|| drop(recorder.assert_enqueued(&act("work"))));
    assert_eq!(
        words,
        "no act with these args was enqueued:\n  {\"does\":\"work\"}\nnothing was enqueued"
    );
    let client = recorder.client();
    client.enqueue(act("fail")).key("k").await.expect("taken");
    let expected = "what was enqueued:\n  act {\"does\":\"fail\"} (key `k`)";
    for wrong in [
        panics(|| drop(recorder.assert_only(&act("work")))),
        panics(|| recorder.assert_count::<Act>(2)),
        panics(|| recorder.assert_nothing()),
    ] {
        assert!(wrong.ends_with(expected), "{wrong}");
    }
    client.enqueue(act("work")).await.expect("taken");
    let words = panics(|| drop(recorder.assert_only(&act("fail"))));
    assert!(words.starts_with("one act was to be enqueued, and nothing else"));
    assert_eq!(recorder.all::<Act>(), [act("fail"), act("work")]);
    recorder.assert_count::<Act>(2);
}

#[tokio::test]
async fn a_recorders_client_refuses_what_any_client_does() {
    let recorder = Recorder::new();
    let client = recorder.client();
    let wrong = client.enqueue(act("")).await.expect_err("wrong args");
    assert!(matches!(wrong, ClientError::InvalidArgs(_)), "{wrong:?}");
    let minute = Duration::from_secs(60);
    let late = client.enqueue(act("work")).delay(minute).expires_in(minute);
    let late = late.await.expect_err("it would never run");
    assert!(matches!(late, ClientError::InvalidOption(_)), "{late:?}");
    recorder.assert_nothing();

    let first = client.enqueue(act("work")).key("k").await;
    let first = first.expect("taken");
    let same = client.enqueue(act("work")).key("k").send().await;
    let same = same.expect("known");
    assert_eq!((same.id, same.duplicate), (first, true));
    let other = client.enqueue(act("fail")).key("k").await;
    let other = other.expect_err("the key stands for something else");
    assert!(matches!(other, ClientError::KeyTaken { holder, .. } if holder == first));
    let recorded = recorder.assert_only(&act("work"));
    assert_eq!((recorded.id, recorded.queue.as_str()), (first, "stage"));

    // Many at once: all or none, and a key that clashes far down is found before the first.
    let many = |clash: bool| {
        let jobs = (0..600).map(move |n| {
            let options = Options {
                key: Some(if clash && n == 599 {
                    "k".to_owned()
                } else {
                    n.to_string()
                }),
                ..Options::default()
            };
            (Prepared::new(&act("fail")).expect("fine args"), options)
        });
        jobs.collect::<Vec<_>>()
    };
    let clash = client.enqueue_prepared("stage", many(true)).await;
    assert!(
        matches!(clash, Err(ClientError::KeyTaken { place: 599, .. })),
        "{clash:?}"
    );
    recorder.assert_count::<Act>(1);
    let all = client.enqueue_prepared("stage", many(false)).await;
    assert_eq!(all.expect("taken").len(), 600);
}

#[tokio::test]
async fn a_producer_that_waits_or_meets_an_outage_can_be_tested() {
    let recorder = Recorder::new();
    let client = recorder.client();
    let soon = Duration::from_millis(20);
    let waits = client.enqueue_and_wait(act("work"), soon).await;
    let ClientError::StillRunning { id } = waits.expect_err("nothing runs here") else {
        panic!("it does not end");
    };
    let status = client.status(id).await.expect("asked").expect("known");
    assert_eq!(status.state, JobState::Pending);
    let day = Duration::from_secs(24 * 3600);
    let later = client.enqueue(act("work")).delay(day).await.expect("taken");
    let status = client.status(later).await.expect("asked").expect("known");
    assert_eq!(status.state, JobState::Scheduled);
    assert!(status.next_run_at_ms > Some(86_400_000));

    recorder.complete::<Act>(json!({ "ok": true }));
    let ended = client.enqueue_and_wait(act("work"), day).await;
    let ended = ended.expect("it ends at once");
    assert_eq!(
        (ended.state, ended.result),
        (JobState::Completed, Some(json!({ "ok": true })))
    );
    recorder.bury::<Act>("refused");
    let ended = client.enqueue_and_wait(act("work"), day).await;
    let ended = ended.expect("it ends at once");
    assert_eq!(
        (ended.state, ended.reason.as_deref()),
        (JobState::Dead, Some("refused"))
    );

    recorder.clear();
    recorder.fail();
    let away = client.enqueue(act("work")).await.expect_err("away");
    assert!(matches!(
        away,
        ClientError::Queue(QueueError::Unreachable { .. })
    ));
    recorder.recover();
    recorder.assert_nothing();
}

#[tokio::test]
async fn a_memory_makes_nothing_up() {
    let memory = ScriptedMemory::new();
    let script = Script::new().with_memory(&memory);
    let (run, others) = (script.run(), script.for_new_job().run());
    let of_run = run.memory();
    let words = panics(|| drop(of_run.earlier()));
    assert!(words.contains("ScriptedMemory::set_earlier"), "{words}");
    memory.set_requests_out(Duration::from_secs(20), Duration::from_secs(10));
    assert_eq!(of_run.own("m1").await, Ok(true));
    assert_eq!(others.memory().own("m1").await, Ok(false));
    let message = of_run.earlier().await.expect("known").message;
    assert_eq!(message.as_deref(), Some("m1"), "it was noted");
    assert_eq!(
        others.memory().earlier().await.expect("known").message,
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

    memory.fail(Request::Find);
    of_run.find("m", "k").await.expect_err("away");
    memory.recover();
    memory.forbid(Request::Find, "nothing is looked up");
    let words = panics(|| drop(of_run.find("m", "k")));
    assert_eq!(words, "Find: nothing is looked up");
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
    memory.fail(Request::Enqueue);
    let away = outbox.enqueue(job(r#"{"does":"work"}"#), "k2", day).await;
    assert!(matches!(away, Err(NotEnqueued::Unremembered(_))));
}

#[tokio::test]
async fn a_gate_does_as_it_is_told_and_notes_what_it_was_asked() {
    let script = Script::new().with_gate(ScriptedGate::open_for(1));
    let run = script.run();
    run.clear_to_read().await;
    let elsewhere = run.elsewhere();
    tokio::select! {
        biased;
        () = elsewhere.clear_to_send() => panic!("one more than it lets go"),
        () = script.gate.held_back() => {}
    }
    let noted = [
        Noted::Cleared(Way::Read),
        Noted::Cleared(Way::SendElsewhere),
    ];
    assert_eq!(script.gate.noted(), noted);
    assert_eq!((script.gate.sends(), script.gate.reads()), (0, 1));

    let never = ScriptedGate::open().forbid(Way::Call, "it only looks");
    let run = Script::new().with_gate(never).run();
    run.clear_to_read().await;
    let sends = tokio::spawn(async move { run.ask("stage", true).await });
    assert!(sends.await.expect_err("it fails its test").is_panic());

    let open = |provider: &str| NotNow {
        provider: provider.to_owned(),
        why: Why::Open,
        retry_after: Duration::from_secs(30),
    };
    let breaker = ScriptedGate::open().answering(move |noted, provider, _| {
        let ill = |noted: &Noted| {
            matches!(
                noted,
                Noted::Told {
                    word: Word::Ill,
                    ..
                }
            )
        };
        match noted.iter().any(ill) {
            true => Err(open(provider)),
            false => Ok(Pass::default()),
        }
    });
    let script = Script::new().with_gate(breaker);
    let run = script.run();
    let pass = run.ask("stage", true).await.expect("not yet");
    run.tell("stage", pass, Word::Ill).await;
    let not_now = run.ask("stage", true).await.expect_err("open");
    assert_eq!(not_now.why, Why::Open);
    assert_eq!(script.gate.words(), [Word::Ill]);
}

/// What it says as it panics.
fn panics(does: impl FnOnce()) -> String {
    let said = catch_unwind(std::panic::AssertUnwindSafe(does)).expect_err("it panics");
    let text = said.downcast_ref::<String>().cloned();
    text.or(said.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .expect("a text")
}
