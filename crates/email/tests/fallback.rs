//! The handler on a run that was claimed for the fallback, against a Postmark that notes what it is asked.

use std::time::Duration;

use longshore_email::sandbox::{PostmarkSandbox, SendGridSandbox};
use longshore_email::{
    EmailConfig, MailSender, Postmark, PostmarkConfig, PostmarkTemplate, SendEmailHandler,
    SendGrid, SendGridConfig,
};
use longshore_email::{Recipient, SendEmail};
use longshore_job::{Handler, JobError, Outcome, Route, Scope};
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::Script;
use serde_json::json;

struct Scene {
    sendgrid: SendGridSandbox,
    postmark: PostmarkSandbox,
    handler: SendEmailHandler,
}

impl Scene {
    async fn set() -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let sendgrid = SendGridSandbox::start(any).await.expect("a free port");
        let postmark = PostmarkSandbox::start(any).await.expect("a free port");
        let primary = SendGridConfig {
            base_url: sendgrid.origin().parse().expect("an origin"),
            api_key: "SG.any".into(),
            sandbox: false,
            timeout: Duration::from_secs(30),
        };
        let template = |name: &str| (name.to_owned(), format!("d-{name}"));
        let email = EmailConfig {
            from: MailSender {
                email: "shop@example.com".into(),
                name: Some("The Shop".into()),
            },
            senders: [(
                "billing".to_owned(),
                MailSender {
                    email: "billing@example.com".into(),
                    name: None,
                },
            )]
            .into(),
            templates: ["welcome", "invoice", "unmapped"].map(template).into(),
            heard: false,
            fallback_heard: false,
        };
        let alias = PostmarkTemplate::Alias("welcome-mail".into());
        let fallback = Postmark::by_rest(PostmarkConfig {
            base_url: postmark.origin().parse().expect("an origin"),
            server_token: "token".into(),
            message_stream: "outbound".into(),
            templates: [
                ("welcome".to_owned(), alias),
                ("invoice".to_owned(), PostmarkTemplate::Id(7)),
            ]
            .into(),
            timeout: Duration::from_millis(400),
        });
        let sendgrid_client = SendGrid::new(&primary).expect("a client");
        Self {
            sendgrid,
            postmark,
            handler: SendEmailHandler::new(email, sendgrid_client)
                .with_fallback(fallback.expect("a client")),
        }
    }

    async fn run(&self, job: SendEmail, route: Route) -> Result<Outcome, JobError> {
        let mut run = Script::new().run();
        run.route = route;
        self.handler.run(job, run).await
    }

    /// Mails by SendGrid, and by Postmark.
    fn sent(&self) -> (u64, u64) {
        let sent = |ledger: &longshore_sandbox::Ledger| ledger.summary().accepted;
        (sent(self.sendgrid.ledger()), sent(self.postmark.ledger()))
    }

    fn fault(&self, fault: Fault) {
        let rules = vec![FaultRule::always(fault)];
        self.postmark.faults().set(rules).expect("a valid rule");
    }
}

fn mail(template: &str) -> SendEmail {
    SendEmail::new(template, "ada@example.com").name("Lovelace, Ada")
}

#[tokio::test]
async fn the_route_decides_who_sends() {
    let scene = Scene::set().await;
    for (route, sent) in [
        (Route::Primary, (1, 0)),
        (Route::Fallback, (1, 1)),
        (Route::FallbackProbe, (1, 2)),
        (Route::Probe, (2, 2)),
    ] {
        scene.run(mail("welcome"), route).await.expect("sent");
        assert_eq!(scene.sent(), sent, "{route:?}");
    }
}

#[tokio::test]
async fn a_mail_by_postmark_is_sent_once_and_its_id_kept() {
    let scene = Scene::set().await;
    let outcome = scene.run(mail("invoice"), Route::Fallback).await;
    let Outcome::Done { result, answer } = outcome.expect("sent") else {
        panic!("skipped");
    };
    let mails = scene.postmark.ledger().accepted();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].job.is_some());
    assert_eq!(mails[0].template.as_deref(), Some("7"));
    assert_eq!(mails[0].recipient, "ada@example.com");
    assert_eq!(result, Some(json!({ "message_id": mails[0].id })));
    assert_eq!(answer.provider.as_deref(), Some("postmark"));
    assert_eq!(answer.request_id.as_ref(), Some(&mails[0].id));
    scene
        .run(mail("welcome"), Route::Fallback)
        .await
        .expect("sent");
    let mails = scene.postmark.ledger().accepted();
    assert_eq!(mails[1].template.as_deref(), Some("welcome-mail"));
}

#[tokio::test]
async fn what_only_sendgrid_can_send_waits_for_it() {
    let scene = Scene::set().await;
    let error = scene.run(mail("unmapped"), Route::Fallback).await;
    let error = error.expect_err("waits");
    let JobError::Throttled {
        retry_after,
        scope: Scope::Job,
        reason,
        answer,
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(*retry_after, Duration::from_secs(60));
    assert_eq!(
        reason,
        "the mail waits for SendGrid: email.templates.unmapped.postmark is not set"
    );
    assert_eq!(answer.provider, None, "it says nothing of Postmark");
    assert_eq!(scene.postmark.ledger().requests(), 0);
    // One that Postmark may have does not: SendGrid will not get it.
    let mut run = Script::new().run();
    run.attempt = 2;
    (run.route, run.may_have_been_sent) = (Route::Fallback, true);
    let error = scene.handler.run(mail("unmapped"), run).await;
    let error = error.expect_err("fails");
    assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
    // And one that nobody has a template for is refused, whoever is asked.
    let error = scene.run(mail("farewell"), Route::Fallback).await;
    let error = error.expect_err("refused");
    assert_eq!(error.answer().code.as_deref(), Some("template unknown"));
}

#[tokio::test]
async fn refusals_are_about_the_mail_or_about_us() {
    let scene = Scene::set().await;
    scene.postmark.make_inactive("ada@example.com");
    let error = scene.run(mail("welcome"), Route::Fallback).await;
    let error = error.expect_err("refused");
    assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
    let code = error.answer().code.as_deref();
    assert_eq!(code, Some("406 inactive recipient"));
    assert!(!error.reason().contains("ada"), "{}", error.reason());
    scene.postmark.refuse_token("token");
    let error = scene.run(mail("welcome"), Route::Fallback).await;
    let error = error.expect_err("refused");
    assert!(matches!(error, JobError::Unauthorized { .. }), "{error:?}");
    assert_eq!(scene.sent(), (0, 0));
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_outcome_unknown() {
    let scene = Scene::set().await;
    for (fault, sent) in [
        (Fault::HangUp { effect: false }, 0),
        (Fault::HangUp { effect: true }, 1),
        (Fault::NeverAnswer { effect: true }, 2),
        (
            Fault::Garbage {
                status: 200,
                effect: true,
            },
            3,
        ),
    ] {
        scene.fault(fault.clone());
        let error = scene.run(mail("welcome"), Route::Fallback).await;
        let error = error.expect_err("no answer");
        assert!(
            matches!(error, JobError::OutcomeUnknown { .. }),
            "{fault:?}: {error:?}"
        );
        assert_eq!(error.answer().provider.as_deref(), Some("postmark"));
        assert_eq!(scene.sent(), (0, sent));
    }
}

/// What it has a word for goes along; of the categories the first.
#[tokio::test]
async fn options_go_along_and_everybody_is_paid_for() {
    let scene = Scene::set().await;
    let mut run = Script::new().run();
    run.route = Route::Fallback;
    let job = mail("welcome")
        .cc(Recipient::new("grace@example.com").name("Hopper, Grace"))
        .cc("bob@example.com")
        .bcc("archive@example.com")
        .reply_to("help@example.com")
        .from("billing")
        .category("greetings")
        .category("more")
        .header("List-Id", "<news.example.com>");
    scene.handler.run(job, run).await.expect("sent");
    let sent = scene.postmark.last_mail().expect("a mail");
    for (field, expected) in [
        ("From", json!("billing@example.com")),
        ("To", json!("\"Lovelace, Ada\" <ada@example.com>")),
        (
            "Cc",
            json!("\"Hopper, Grace\" <grace@example.com>, bob@example.com"),
        ),
        ("Bcc", json!("archive@example.com")),
        ("ReplyTo", json!("help@example.com")),
        ("Tag", json!("greetings")),
        (
            "Headers",
            json!([{ "Name": "List-Id", "Value": "<news.example.com>" }]),
        ),
    ] {
        assert_eq!(sent[field], expected, "{field}");
    }
}

/// A mail that would be another one by Postmark.
#[tokio::test]
async fn what_postmark_has_no_word_for_waits_for_sendgrid() {
    let scene = Scene::set().await;
    let many = (0..50).fold(mail("welcome"), |job, n| {
        job.cc(format!("u{n}@example.com"))
    });
    for (job, why) in [
        (mail("welcome").subject("Hello"), "subject"),
        (mail("welcome").unsubscribe_group(7), "unsubscribe groups"),
        (many, "50 addresses"),
    ] {
        let error = scene.run(job.clone(), Route::Fallback).await;
        let error = error.expect_err("waits");
        assert!(error.reason().contains(why), "{}", error.reason());
        let JobError::Throttled { scope, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(scope, Scope::Job);
        assert_eq!(scene.sent(), (0, 0));
        scene.run(job, Route::Primary).await.expect("sent");
        scene.sendgrid.ledger().clear();
    }
}
