//! What a mail may have beside its template and its recipient, as SendGrid gets it, and what is refused before.

use std::time::Duration;

use longshore_email::sandbox::SendGridSandbox;
use longshore_email::{
    EmailConfig, MailSender, Recipient, SendEmail, SendEmailHandler, SendGrid, SendGridConfig,
    UnsubscribeGroup,
};
use longshore_job::{AddressHash, Handler, Job, JobError, Outcome, Prepared, SUPPRESSED};
use longshore_testing::{MemoryRequest, Script};
use serde_json::{Value, json};

struct Scene {
    provider: SendGridSandbox,
    handler: SendEmailHandler,
    script: Script,
}

impl Scene {
    async fn set() -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let provider = SendGridSandbox::start(any).await.expect("a free port");
        let sendgrid = SendGrid::new(&SendGridConfig {
            base_url: provider.origin().parse().expect("an origin"),
            api_key: "SG.any".into(),
            sandbox: false,
            timeout: Duration::from_secs(30),
        });
        let sender = |email: &str, name: Option<&str>| MailSender {
            email: email.into(),
            name: name.map(Into::into),
        };
        let billing = sender("billing@example.com", Some("Billing"));
        let email = EmailConfig {
            from: sender("shop@example.com", None),
            senders: [("billing".to_owned(), billing)].into(),
            templates: [("welcome".to_owned(), "d-welcome".to_owned())].into(),
            heard: false,
            fallback_heard: false,
        };
        Self {
            handler: SendEmailHandler::new(email, sendgrid.expect("a client")),
            provider,
            script: Script::new(),
        }
    }

    async fn run(&self, job: SendEmail) -> Result<Outcome, JobError> {
        let run = self.script.for_new_job().run();
        self.handler.run(job, run).await
    }

    fn suppress(&self, address: &str) {
        let (hash, memory) = (AddressHash::of(address), &self.script.memory);
        memory.set_in_map(SUPPRESSED, hash.as_str(), r#"{"reason":"bounce","at":1}"#);
    }

    fn sent(&self) -> Value {
        self.provider.last_mail().expect("a mail")
    }
}

fn welcome() -> SendEmail {
    SendEmail::new("welcome", "ada@example.com")
}

#[tokio::test]
async fn every_option_has_its_place_at_sendgrid() {
    let scene = Scene::set().await;
    let job = welcome()
        .cc(Recipient::new("bob@example.com").name("Bob"))
        .bcc("archive@example.com")
        .reply_to("help@example.com")
        .from("billing")
        .subject("Your order")
        .category("orders")
        .category("2026")
        .header("X-Order", "A-1")
        .unsubscribe_group(UnsubscribeGroup {
            group_id: 7,
            groups_to_display: vec![7, 8],
        });
    scene.run(job).await.expect("sent");
    let mut sent = scene.sent();
    let id = sent["personalizations"][0]["custom_args"]["job_id"].take();
    assert!(id.is_string());
    let expected = json!({
        "personalizations": [{
            "to": [{ "email": "ada@example.com" }],
            "cc": [{ "email": "bob@example.com", "name": "Bob" }],
            "bcc": [{ "email": "archive@example.com" }],
            "subject": "Your order",
            "dynamic_template_data": {},
            "custom_args": { "job_id": null },
        }],
        "from": { "email": "billing@example.com", "name": "Billing" },
        "reply_to": { "email": "help@example.com" },
        "template_id": "d-welcome",
        "headers": { "X-Order": "A-1" },
        "categories": ["orders", "2026"],
        "asm": { "group_id": 7, "groups_to_display": [7, 8] },
    });
    assert_eq!(sent, expected);
    assert_eq!(scene.script.gate.billed(), [("sendgrid", "mail", 3)]);
}

#[tokio::test]
async fn a_sender_that_is_not_configured_is_refused() {
    let scene = Scene::set().await;
    let error = scene.run(welcome().from("sales")).await;
    let error = error.expect_err("refused");
    assert_eq!(error.answer().code.as_deref(), Some("sender unknown"));
    assert!(error.reason().contains("email.senders.sales"), "{error}");
    assert_eq!(scene.provider.ledger().summary().requests, 0);
}

/// Whoever the mail is for gets it, whoever else must not.
#[tokio::test]
async fn copies_for_suppressed_addresses_are_left_out() {
    let scene = Scene::set().await;
    scene.suppress("bob@example.com");
    scene.suppress("eve@example.com");
    let job = welcome()
        .cc("Bob@example.com")
        .cc("cleo@example.com")
        .bcc("eve@example.com")
        .reply_to("eve@example.com");
    let outcome = scene.run(job).await.expect("sent");
    let sent = scene.sent();
    let mail = &sent["personalizations"][0];
    assert_eq!(mail["cc"], json!([{ "email": "cleo@example.com" }]));
    assert_eq!(mail.get("bcc"), None);
    let Outcome::Done {
        result: Some(result),
        ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(result["left_out"], 2);
    assert!(SendEmail::PUBLIC_RESULT.contains(&"left_out"));

    // Whether one of them is on the list has to be known.
    scene.suppress("ada@example.com");
    let error = scene.run(welcome()).await.expect_err("suppressed");
    assert_eq!(error.answer().code.as_deref(), Some("suppressed"));
    scene.script.memory.fail(MemoryRequest::Find);
    let error = scene.run(welcome().cc("bob@example.com")).await;
    assert!(matches!(error, Err(JobError::Throttled { .. })));
}

#[test]
fn what_sendgrid_would_refuse_is_refused_at_the_door() {
    let many =
        |count: usize| (0..count).fold(welcome(), |job, n| job.bcc(format!("user{n}@example.com")));
    let categories = (0..11).fold(welcome(), |job, n| job.category(n.to_string()));
    let headers = (0..21).fold(welcome(), |job, n| job.header(format!("X-{n}"), "a"));
    let groups = UnsubscribeGroup {
        group_id: 1,
        groups_to_display: vec![1; 26],
    };
    let long = "ø".repeat(999);
    for (job, finding) in [
        (
            welcome().cc("Ada@Example.com"),
            "cc[0].email: is an address",
        ),
        (
            welcome().cc("b@x.no").bcc("c@x.no").bcc("B@x.no"),
            "bcc[1].email: is an address",
        ),
        (welcome().cc("bob"), "cc[0].email: is not an email"),
        (
            welcome().bcc(Recipient::new("b@x.no").name("a\r\nBcc: x@x.no")),
            "bcc[0].name: must",
        ),
        (welcome().reply_to("a@b"), "reply_to.email: is not"),
        (many(1000), "cc: goes to 1001 addresses"),
        (welcome().from("Billing <b@x.no>"), "from: must be 1 to 64"),
        (welcome().subject(""), "subject: must"),
        (welcome().subject(" "), "subject: must"),
        (welcome().subject("a\r\nBcc: eve@x.no"), "subject: must"),
        (welcome().subject(long), "subject: must"),
        (categories, "categories: has 11"),
        (welcome().category(""), "categories[0]: must"),
        (welcome().category("x".repeat(256)), "categories[0]: must"),
        (
            welcome().category("x").category("x"),
            "categories[1]: stands there twice",
        ),
        (headers, "headers: has 21"),
        (
            welcome().header("Reply-To", "a@x.no"),
            "`reply-to` is not for",
        ),
        (welcome().header("BCC", "a@x.no"), "`bcc` is not for"),
        (
            welcome().header("X-SMTPAPI", "{}"),
            "`x-smtpapi` is not for",
        ),
        (welcome().header("X-PM-Tag", "a"), "begins with `x-pm-`"),
        (welcome().header("X-SG-EID", "a"), "begins with `x-sg-`"),
        (
            welcome().header("Content-Type", "a"),
            "begins with `content-`",
        ),
        (welcome().header("X A", "a"), "headers: a name must"),
        (welcome().header("X:A", "a"), "headers: a name must"),
        (welcome().header("", "a"), "headers: a name must"),
        (welcome().header("X-A", "b\r\nBcc: x@x.no"), "a value must"),
        (welcome().header("X-A", "ø"), "headers: a value must"),
        (welcome().header("X-A", " "), "headers: a value must"),
        (welcome().header("X-A", "a".repeat(999)), "may have 998"),
        (
            welcome().header("X-A", "a").header("x-a", "b"),
            "stands there twice, in another case",
        ),
        (
            welcome().unsubscribe_group(groups),
            "unsubscribe_group.groups_to_display: has 26",
        ),
    ] {
        let error = Prepared::new(&job).expect_err(finding).to_string();
        assert!(error.contains(finding), "{finding}: {error}");
        for person in ["eve@", "b@x.no", "Ada@"] {
            assert!(!error.contains(person), "{error}");
        }
    }
    Prepared::new(&many(999)).expect("as many as SendGrid takes");
    let ten = (0..10).fold(welcome(), |job, n| job.category("c".repeat(200 + n)));
    Prepared::new(&ten.header("List-Unsubscribe", "<https://x.no/u>")).expect("all in order");
}
