//! The handler against a SendGrid that notes what it is asked.

use std::sync::Arc;
use std::time::Duration;

use longshore_email::SendEmail;
use longshore_email::sandbox::SendGridSandbox;
use longshore_email::{
    Attachments, EmailConfig, Fetching, MOST_BYTES, MailSender, SendEmailHandler, SendGrid,
    SendGridConfig,
};
use longshore_job::{AddressHash, Handler, JobError, Outcome, Run};
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::{MemoryRequest, Script, ScriptedGate, ScriptedMemory};
use serde_json::json;

/// A provider, a handler that uses it, and what surrounds its runs: an open gate, and an empty memory.
struct Scene {
    provider: SendGridSandbox,
    handler: SendEmailHandler,
    script: Script,
}

impl Scene {
    async fn set() -> Self {
        Self::set_with(|_| {}).await
    }

    async fn set_with(change: impl FnOnce(&mut SendGridConfig)) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let provider = SendGridSandbox::start(any).await.expect("a free port");
        let mut sendgrid = SendGridConfig {
            base_url: provider.origin().parse().expect("an origin"),
            api_key: "SG.any".into(),
            sandbox: false,
            timeout: Duration::from_secs(30),
        };
        change(&mut sendgrid);
        let email = EmailConfig {
            from: MailSender {
                email: "shop@example.com".into(),
                name: Some("The Shop".into()),
            },
            senders: [].into(),
            templates: [("welcome".to_owned(), "d-welcome".to_owned())].into(),
            heard: true,
            fallback_heard: false,
        };
        let sendgrid = SendGrid::new(&sendgrid).expect("a client");
        Self {
            handler: SendEmailHandler::new(email, sendgrid),
            provider,
            script: Script::new(),
        }
    }

    async fn run(&self, job: SendEmail) -> Result<Outcome, JobError> {
        self.handler.run(job, self.a_run()).await
    }

    /// A run of another job.
    fn a_run(&self) -> Run {
        self.script.for_new_job().run()
    }

    /// Mails that somebody pays for.
    fn billed(&self) -> u64 {
        let billed = self.script.gate.billed().into_iter();
        billed
            .map(|(provider, unit, units)| {
                assert_eq!((provider, unit), ("sendgrid", "mail"));
                units
            })
            .sum()
    }

    fn asked(&self) -> u64 {
        let gate = &self.script.gate;
        gate.sends() + gate.reads()
    }

    /// Requests that came, mails that were sent, and how often the gate was asked.
    fn counts(&self) -> (u64, u64, u64) {
        let summary = self.provider.ledger().summary();
        (summary.requests, summary.accepted, self.asked())
    }

    fn fault(&self, fault: Fault) {
        let rules = vec![FaultRule::always(fault)];
        self.provider.faults().set(rules).expect("a valid rule");
    }
}

fn welcome() -> SendEmail {
    SendEmail::new("welcome", "ada@example.com")
        .name("Ada")
        .data(json!({ "firstName": "Ada" }))
}

#[tokio::test]
async fn a_mail_is_sent_once_and_its_id_kept() {
    let scene = Scene::set().await;
    let (id, run) = (scene.script.id, scene.script.run());
    let outcome = scene.handler.run(welcome(), run).await.expect("sent");
    assert_eq!(scene.counts(), (1, 1, 1));

    let mails = scene.provider.ledger().accepted();
    assert_eq!(mails[0].job, Some(id.to_string()));
    assert_eq!(mails[0].template.as_deref(), Some("d-welcome"));
    assert_eq!(mails[0].recipient, "ada@example.com");
    let Outcome::Done { result, answer } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(result, Some(json!({ "message_id": mails[0].id })));
    assert_eq!(answer.provider.as_deref(), Some("sendgrid"));
    assert_eq!(answer.status, Some(202));
    assert_eq!(answer.request_id.as_ref(), Some(&mails[0].id));
    assert_eq!(answer.code, None);
    assert_eq!(scene.billed(), 1);
}

#[tokio::test]
async fn nothing_leaves_while_the_gate_is_shut() {
    let mut scene = Scene::set().await;
    let shut = Script::new().with_gate(ScriptedGate::shut());
    let open = std::mem::replace(&mut scene.script, shut.clone());
    tokio::select! {
        biased;
        outcome = scene.run(welcome()) => panic!("{outcome:?}"),
        () = shut.gate.held_back() => {}
    }
    // Whatever had been sent would have come before this one.
    scene.script = open;
    scene.run(welcome()).await.expect("sent");
    assert_eq!(shut.gate.sends(), 1);
    assert_eq!(scene.counts(), (1, 1, 1));
}

#[tokio::test]
async fn a_template_that_is_not_configured_is_refused_without_a_request() {
    let scene = Scene::set().await;
    let job = SendEmail::new("farewell", "ada@example.com");
    let error = scene.run(job).await.expect_err("no such template");
    assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
    assert_eq!(error.answer().code.as_deref(), Some("template unknown"));
    assert_eq!(error.answer().provider, None, "it was not asked");
    let reason = error.reason();
    assert!(reason.contains("email.templates.farewell"), "{reason}");
    assert_eq!(scene.counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_refused_key_is_not_the_jobs_fault() {
    let scene = Scene::set().await;
    scene.provider.refuse_key("SG.any");
    let error = scene.run(welcome()).await.expect_err("refused");
    assert!(matches!(error, JobError::Unauthorized { .. }), "{error:?}");
    assert_eq!(error.answer().code.as_deref(), Some("401"));
    assert_eq!(scene.counts(), (1, 0, 1));
}

#[tokio::test]
async fn a_refused_mail_is_permanent() {
    let scene = Scene::set().await;
    // Past our own check on purpose: SendGrid has the last word on addresses.
    let job = SendEmail::new("welcome", "not an address");
    let error = scene.run(job).await.expect_err("refused");
    assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
    let code = error.answer().code.as_deref();
    assert_eq!(code, Some("400 personalizations.to.email"));
    assert_eq!(scene.counts(), (1, 0, 1));
}

#[tokio::test]
async fn a_throttle_says_until_when_by_the_providers_clock() {
    let scene = Scene::set().await;
    scene.fault(Fault::Throttle {
        retry_after_seconds: None,
        reset_in_seconds: Some(90),
    });
    let error = scene.run(welcome()).await.expect_err("throttled");
    let JobError::Throttled { retry_after, .. } = error else {
        panic!("{error:?}");
    };
    // `Date` and reset are read off the same clock, at most two seconds apart.
    let seconds = retry_after.as_secs();
    assert!((88..=90).contains(&seconds), "{seconds}");

    scene.fault(Fault::Throttle {
        retry_after_seconds: None,
        reset_in_seconds: None,
    });
    let error = scene.run(welcome()).await.expect_err("throttled");
    let JobError::Throttled { retry_after, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, Duration::from_secs(60));
    assert_eq!(scene.counts(), (2, 0, 2));
}

#[tokio::test]
async fn garbage_is_understood_by_its_status() {
    let scene = Scene::set().await;
    let garbage = |status, effect| Fault::Garbage { status, effect };
    scene.fault(garbage(502, false));
    let error = scene.run(welcome()).await.expect_err("garbage");
    assert!(
        matches!(error, JobError::OutcomeUnknown { .. }),
        "{error:?}"
    );
    scene.fault(garbage(400, false));
    let error = scene.run(welcome()).await.expect_err("garbage");
    assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
    scene.fault(garbage(202, true));
    let outcome = scene.run(welcome()).await.expect("accepted");
    assert!(matches!(outcome, Outcome::Done { result: None, .. }));
    assert_eq!(scene.counts(), (3, 1, 3));
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
        let error = scene.run(welcome()).await.expect_err("no answer");
        assert!(
            matches!(error, JobError::OutcomeUnknown { .. }),
            "{fault:?}: {error:?}"
        );
        assert_eq!(error.answer().code.as_deref(), Some("no answer"));
        assert_eq!(scene.provider.ledger().summary().accepted, sent);
    }
    assert_eq!(scene.counts(), (4, 2, 4), "one request per run");
}

#[tokio::test]
async fn a_provider_that_is_not_there_costs_no_attempt() {
    let Scene {
        provider, handler, ..
    } = Scene::set().await;
    provider.stop().await;
    let run = Script::new().run();
    let error = handler.run(welcome(), run).await.expect_err("nobody there");
    assert!(matches!(error, JobError::NotReached { .. }), "{error:?}");
    assert_eq!(error.answer().code.as_deref(), Some("not reached"));
}

#[tokio::test]
async fn in_sandbox_mode_a_checked_mail_is_done() {
    let scene = Scene::set_with(|config| config.sandbox = true).await;
    let outcome = scene.run(welcome()).await.expect("checked");
    let Outcome::Done { answer, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(answer.status, Some(200));
    assert_eq!(scene.counts(), (1, 0, 1));
    let billed = scene.billed();
    assert_eq!(billed, 0, "nobody pays for a check");
}

#[tokio::test]
async fn a_200_outside_sandbox_mode_is_no_acceptance() {
    let scene = Scene::set().await;
    scene.fault(Fault::Answer {
        status: 200,
        headers: [].into(),
        body: Some("<html>Sign in to the guest network".into()),
        effect: false,
    });
    let error = scene.run(welcome()).await.expect_err("not understood");
    assert!(
        matches!(error, JobError::OutcomeUnknown { .. }),
        "{error:?}"
    );
    assert_eq!(scene.counts(), (1, 0, 1));
}

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_is_suppressed() {
    let scene = Scene::set().await;
    for (entry, why) in [
        (
            r#"{"reason":"bounce","at":1700000000000,"job":"01JD2Z5V9GQ8X0T6M3K7W4R1YB"}"#,
            "has bounced (job 01JD2Z5V9GQ8X0T6M3K7W4R1YB)",
        ),
        (
            r#"{"reason":"spam_report","at":1}"#,
            "was reported as spam;",
        ),
        ("what nobody wrote", "it was put there;"),
    ] {
        let (memory, ada) = (ScriptedMemory::new(), AddressHash::of("ada@example.com"));
        memory.set_in_map("suppressed", ada.as_str(), entry);
        let run = scene.script.for_new_job().with_memory(&memory).run();
        // However it is written, and whoever is wanted to get it.
        let job = SendEmail::new("welcome", "Ada@Example.com");
        let error = scene.handler.run(job, run.clone()).await.expect_err(entry);
        assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
        let answer = error.answer();
        assert_eq!(answer.code.as_deref(), Some("suppressed"));
        assert_eq!((&answer.provider, answer.status), (&None, None));
        let reason = error.reason();
        assert!(reason.contains(why), "{reason}");
        assert!(!reason.to_lowercase().contains("ada@"), "{reason}");
        assert_eq!(scene.counts(), (0, 0, 0), "SendGrid was not asked");
        let other = SendEmail::new("welcome", "bob@example.com");
        scene.handler.run(other, run).await.expect("sent");
        scene.provider.ledger().clear();
        scene.script.gate.forget();
    }
}

#[tokio::test]
async fn while_the_list_cannot_be_looked_at_a_mail_waits() {
    let scene = Scene::set().await;
    scene.script.memory.fail(MemoryRequest::Find);
    let error = scene.run(welcome()).await.expect_err("waits");
    assert!(matches!(error, JobError::Throttled { .. }), "{error:?}");
    assert_eq!(scene.counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_mail_is_noted_so_that_news_of_it_find_its_job() {
    let scene = Scene::set().await;
    scene.run(welcome()).await.expect("sent");
    let id = scene.provider.ledger().accepted()[0].id.clone();
    assert_eq!(scene.script.memory.owned(), [id]);
}

/// A bucket with a few files; or one that is away.
struct Bucket(Option<Vec<(&'static str, usize)>>);

impl Attachments for Bucket {
    fn fetch<'a>(&'a self, _: &'a Run, key: &'a str, most: u64) -> Fetching<'a> {
        let found = self
            .0
            .as_ref()
            .map(|files| files.iter().find(|(k, _)| *k == key));
        let answer = match found {
            None => Err(JobError::Throttled {
                retry_after: Duration::from_secs(30),
                scope: longshore_job::Scope::Job,
                reason: "s3 may not be called now".to_owned(),
                answer: longshore_job::Answer::default(),
            }),
            Some(Some((_, bytes))) if *bytes as u64 <= most => Ok(vec![b'x'; *bytes]),
            Some(_) => Err(JobError::permanent("there is no such file")),
        };
        Box::pin(async { answer })
    }
}

#[tokio::test]
async fn what_cannot_be_fetched_is_not_sent_without() {
    let half = usize::try_from(MOST_BYTES).expect("fits") / 2;
    let mail = || SendEmail::new("welcome", "ada@example.com");
    let with = |mail: SendEmail, key: &str| mail.attach(key, "a.pdf", "application/pdf");
    let files = vec![("half", half), ("more", half + 1)];
    for (bucket, job, permanent) in [
        (Some(files.clone()), with(mail(), "nothing"), true),
        (
            Some(files.clone()),
            with(with(mail(), "half"), "more"),
            true,
        ),
        (None, with(mail(), "half"), false),
    ] {
        let scene = Scene::set().await;
        let handler = scene
            .handler
            .clone()
            .with_attachments(Arc::new(Bucket(bucket)));
        let error = handler.run(job, scene.a_run()).await.expect_err("not sent");
        assert_eq!(
            matches!(error, JobError::Permanent { .. }),
            permanent,
            "{error}"
        );
        assert_eq!(scene.provider.ledger().requests(), 0);
    }
    let scene = Scene::set().await;
    let none = scene.handler.run(with(mail(), "half"), scene.a_run()).await;
    let none = none.expect_err("there is nowhere to fetch from");
    assert_eq!(none.answer().code.as_deref(), Some("no bucket"));
    let handler = scene
        .handler
        .clone()
        .with_attachments(Arc::new(Bucket(Some(files))));
    let both = with(with(mail(), "half"), "half");
    handler
        .run(both, scene.a_run())
        .await
        .expect("sent with 10 MiB");
    assert_eq!(scene.provider.ledger().summary().accepted, 1);
}
