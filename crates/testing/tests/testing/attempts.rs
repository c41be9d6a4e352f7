//! One attempt, and the gate before it.

use std::time::Duration;

use longshore_job::{
    CallReport, Class, Handler, InvalidArgs, Job, JobError, KindPolicy, NotNow, Outcome, Pass, Run,
    Why,
};
use longshore_testing::{Noted, OnUnknown, Recorder, Script, ScriptedGate, Way, run_one};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Act, Actor, act, panics};

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

/// Never ends.
#[derive(Serialize, Deserialize)]
struct Hang;

impl Job for Hang {
    const KIND: &'static str = "hang";
    const QUEUE: &'static str = "stage";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const POLICY: KindPolicy = KindPolicy::taking(Duration::from_millis(50));

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

struct Hanging;

impl Handler for Hanging {
    type Job = Hang;

    async fn run(&self, _: Hang, run: Run) -> Result<Outcome, JobError> {
        run.clear_to_send().await;
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_time_limit_ends_a_run_by_whether_a_request_was_out() {
    let hung = run_one(Hanging, &Hang).await.expect("fine args");
    assert_eq!(hung.assert_dead().class, Class::OutcomeUnknown);
    let waits = Script::new().with_provider("stage");
    let hung = waits.run_one(Hanging, &Hang).await.expect("fine args");
    assert_eq!(
        hung.decision.report,
        CallReport::Ill,
        "its provider did not answer"
    );
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
    let sends = tokio::spawn(async move { run.acquire_call("stage", true).await });
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
                Noted::Reported {
                    report: CallReport::Ill,
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
    let pass = run.acquire_call("stage", true).await.expect("not yet");
    run.report_call("stage", pass, CallReport::Ill).await;
    let not_now = run.acquire_call("stage", true).await.expect_err("open");
    assert_eq!(not_now.why, Why::Open);
    assert_eq!(script.gate.reports(), [CallReport::Ill]);
}
