//! Sending.

use std::time::Duration;

use longshore_job::{Handler, JobError, Outcome, Scope};
use longshore_sandbox::Fault;
use longshore_sms::SendSms;
use longshore_sms::{MessageSender, TwilioAuth};
use longshore_testing::{MemoryRequest, Script, ScriptedGate};
use serde_json::json;

use crate::{BODY, Scene, TO, memory, sid};

fn ready() -> SendSms {
    SendSms::new(TO, BODY)
}

#[tokio::test]
async fn a_message_is_sent_once_and_noted() {
    let scene = Scene::set().await;
    let outcome = scene.run(ready()).await.expect("sent");
    assert_eq!(scene.counts(), (1, 1, (1, 0)));
    let sid = sid(&outcome);
    let message = scene.provider.message(&sid).expect("there");
    assert_eq!((message.to.as_str(), message.body.as_str()), (TO, BODY));
    assert_eq!(message.from.as_deref(), Some("+15005550006"));
    assert_eq!(message.status_callback, None);
    assert_eq!(scene.script.memory.owned(), [sid.as_str()]);
    let Outcome::Done { result, answer } = outcome else {
        panic!("{outcome:?}");
    };
    let expected = json!({ "sid": sid, "status": "queued", "segments": 1 });
    assert_eq!(result, Some(expected));
    assert_eq!((answer.status, answer.code), (Some(201), None));
}

#[tokio::test]
async fn the_job_travels_with_the_status_callback() {
    let url = "https://hooks.example.com/webhooks/twilio";
    let scene = Scene::set_with(|config| config.status_callback = Some(url.to_owned())).await;
    let (id, run) = (scene.script.id, scene.script.run());
    let outcome = scene.handler.run(ready(), run).await.expect("sent");
    let message = scene.provider.message(&sid(&outcome)).expect("there");
    let expected = format!("{url}?job={id}#rc=3&rp=5xx,ct,rt");
    assert_eq!(message.status_callback, Some(expected));
    let noted = scene.provider.ledger().accepted();
    assert_eq!(noted[0].job, Some(id.to_string()));
}

#[tokio::test]
async fn a_messaging_service_and_an_api_key_do_as_well() {
    let service = "MG0123456789abcdef0123456789abcdef";
    let scene = Scene::set_with(|config| {
        config.sender = MessageSender::MessagingService(service.to_owned());
        config.credentials = TwilioAuth::ApiKey {
            sid: "SK1".to_owned(),
            secret: "a-secret".into(),
        };
    })
    .await;
    let outcome = scene.run(ready()).await.expect("sent");
    let message = scene.provider.message(&sid(&outcome)).expect("there");
    assert_eq!(message.messaging_service_sid.as_deref(), Some(service));
    let Outcome::Done { result, .. } = outcome else {
        panic!("{outcome:?}");
    };
    let expected = json!({ "sid": message.sid, "status": "accepted" });
    assert_eq!(result, Some(expected), "how many segments is not known yet");

    scene.provider.refuse_secret("a-secret");
    let error = scene.run(ready()).await.expect_err("refused");
    assert!(matches!(error, JobError::Unauthorized { .. }), "{error:?}");
}

#[tokio::test]
async fn texts_arrive_unchanged() {
    let scene = Scene::set().await;
    for (body, segments) in [
        ("Blåbær & grønn saus: 100+1 % «ting» = bra?\r\nÆØÅ", 1),
        (&*"🫐".repeat(1600), 49),
        (&*"ø".repeat(1600), 11),
    ] {
        let job = SendSms::new(TO, body);
        let outcome = scene.run(job).await.expect("sent");
        let message = scene.provider.message(&sid(&outcome)).expect("there");
        assert_eq!(message.body, body);
        let Outcome::Done {
            result: Some(result),
            ..
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(result["segments"], segments);
    }
}

#[tokio::test]
async fn nothing_leaves_while_the_gate_is_shut() {
    let mut scene = Scene::set().await;
    let open = scene.script.clone();
    scene.script = scene.script.with_gate(ScriptedGate::shut());
    let shut = scene.script.clone();
    tokio::select! {
        biased;
        outcome = scene.run(ready()) => panic!("{outcome:?}"),
        () = shut.gate.held_back() => {}
    }
    tokio::select! {
        biased;
        outcome = scene.verify() => panic!("{outcome:?}"),
        () = shut.gate.held_back() => {}
    }
    // Whatever had been sent would have come before this one.
    scene.script = open;
    scene.run(ready()).await.expect("sent");
    let asked = (shut.gate.sends(), shut.gate.reads());
    assert_eq!(asked, (1, 1), "looking does not count as sending");
    assert_eq!(scene.counts(), (1, 1, (1, 0)));
}

#[tokio::test]
async fn a_message_that_cannot_be_noted_is_sent_all_the_same() {
    let memory = memory(0, 0);
    memory.fail(MemoryRequest::NoteMessage);
    let scene = Scene::set().await.remembering(&memory);
    let outcome = scene.run(ready()).await.expect("sent");
    assert!(scene.provider.message(&sid(&outcome)).is_some());
    assert_eq!(scene.counts(), (1, 1, (1, 0)));
}

#[tokio::test]
async fn refusals_are_permanent_by_twilios_code_and_name_no_number() {
    let scene = Scene::set().await;
    for (to, code) in [
        ("+15005550001", "21211"),
        ("+15005550002", "21612"),
        ("+15005550003", "21408"),
        ("+15005550004", "21610"),
        ("+15005550009", "21614"),
    ] {
        let error = scene
            .run(SendSms::new(to, BODY))
            .await
            .expect_err("refused");
        assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
        assert_eq!(error.answer().code.as_deref(), Some(code));
        let request_id = error.answer().request_id.as_deref();
        assert!(request_id.is_some_and(|id| id.starts_with("RQ")));
        assert!(!error.reason().contains("1500"), "{}", error.reason());
    }
    assert_eq!(scene.counts(), (5, 0, (5, 0)));
}

#[tokio::test]
async fn a_full_queue_delays_only_its_job() {
    let scene = Scene::set_with(|config| {
        config.sender = MessageSender::From("+15005550008".to_owned());
    })
    .await;
    let error = scene.run(ready()).await.expect_err("full");
    let JobError::Throttled {
        retry_after, scope, ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((retry_after, scope), (Duration::from_secs(300), Scope::Job));
}

#[tokio::test]
async fn a_throttle_holds_the_provider_for_as_long_as_it_says() {
    let scene = Scene::set().await;
    for (header, seconds) in [(Some(7), 7), (None, 60)] {
        scene.fault(Fault::Throttle {
            retry_after_seconds: header,
            reset_in_seconds: None,
        });
        let error = scene.run(ready()).await.expect_err("throttled");
        assert_eq!(error.answer().code.as_deref(), Some("20429"));
        let JobError::Throttled {
            retry_after, scope, ..
        } = error
        else {
            panic!("{error:?}");
        };
        let expected = (Duration::from_secs(seconds), Scope::Provider);
        assert_eq!((retry_after, scope), expected);
    }
}

#[tokio::test]
async fn garbage_is_understood_by_its_status() {
    let scene = Scene::set().await;
    for (status, effect, kind) in [
        (201, true, "unknown"),
        (200, false, "unknown"),
        (400, false, "permanent"),
        (500, true, "unknown"),
        (401, false, "unauthorized"),
    ] {
        scene.fault(Fault::Garbage { status, effect });
        let error = scene.run(ready()).await.expect_err("garbage");
        let is = match error {
            JobError::OutcomeUnknown { .. } => "unknown",
            JobError::Permanent { .. } => "permanent",
            JobError::Unauthorized { .. } => "unauthorized",
            _ => "another",
        };
        assert_eq!(is, kind, "{status}");
    }
    for body in ["", "{}", r#"{"sid":"AC1"}"#, r#"{"sid":"SM1","status":"qu"#] {
        scene.fault(Fault::Answer {
            status: 201,
            headers: [].into(),
            body: Some(body.to_owned()),
            effect: false,
        });
        let error = scene.run(ready()).await.expect_err("not understood");
        assert!(
            matches!(error, JobError::OutcomeUnknown { .. }),
            "{body}: {error:?}"
        );
    }
    assert!(scene.script.memory.owned().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_outcome_unknown() {
    let scene = Scene::set_with(|config| config.timeout = Duration::from_millis(400)).await;
    for (fault, sent) in [
        (Fault::HangUpUnread, 0),
        (Fault::HangUp { effect: false }, 0),
        (Fault::HangUp { effect: true }, 1),
        (Fault::NeverAnswer { effect: true }, 2),
    ] {
        scene.fault(fault.clone());
        let error = scene.run(ready()).await.expect_err("no answer");
        assert!(
            matches!(error, JobError::OutcomeUnknown { .. }),
            "{fault:?}: {error:?}"
        );
        assert_eq!(error.answer().code.as_deref(), Some("no answer"));
        assert_eq!(scene.provider.ledger().summary().accepted, sent);
    }
    assert_eq!(scene.counts(), (4, 2, (4, 0)), "one request per run");
}

#[tokio::test]
async fn a_provider_that_is_not_there_costs_no_attempt() {
    let Scene {
        provider, handler, ..
    } = Scene::set().await;
    provider.stop().await;
    let run = Script::new().with_memory(&memory(0, 0)).run();
    let error = handler.run(ready(), run).await.expect_err("nobody there");
    assert!(matches!(error, JobError::NotReached { .. }), "{error:?}");
    assert_eq!(error.answer().code.as_deref(), Some("not reached"));
}
