//! Mails by SMTP, against a server that we did not write: PyPI's aiosmtpd, started by each test.

mod addresses;
mod server;

use std::sync::Arc;
use std::time::Duration;

use longshore_email::SendEmail;
use longshore_email::{
    EmailConfig, MailSender, Postmark, SendEmailHandler, SendGrid, SendGridConfig, SmtpConfig,
    Templates,
};
use longshore_job::{Handler, JobError, Outcome, Route, Run, Unreached};
use longshore_testing::{Script, ScriptedGate};
use serde_json::json;
use server::Server;

struct Scene {
    server: Server,
    handler: SendEmailHandler,
    script: Script,
}

impl Scene {
    async fn set() -> Self {
        Self::set_with(Server::plain().await, |_| {})
    }

    fn set_with(server: Server, change: impl FnOnce(&mut SmtpConfig)) -> Self {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/templates");
        let (templates, problems) = Templates::load(dir.as_ref(), ["welcome"]);
        assert_eq!(problems, []);
        let mut smtp = SmtpConfig {
            host: "127.0.0.1".into(),
            port: server.port,
            requires_tls: false,
            server_token: "token".into(),
            message_stream: "outbound".into(),
            templates: Arc::new(templates),
            timeout: Duration::from_secs(20),
        };
        change(&mut smtp);
        let template = |name: &str| (name.to_owned(), format!("d-{name}"));
        let email = EmailConfig {
            from: MailSender {
                email: "shop@example.com".into(),
                name: Some("The Shop".into()),
            },
            senders: [].into(),
            templates: ["welcome", "unwritten"].map(template).into(),
            heard: false,
            fallback_heard: false,
        };
        let sendgrid = SendGrid::new(&SendGridConfig {
            base_url: "http://127.0.0.1:1".parse().expect("an origin"),
            api_key: "SG.any".into(),
            sandbox: false,
            timeout: Duration::from_secs(30),
        });
        let sendgrid = sendgrid.expect("a client");
        let postmark = Postmark::by_smtp(smtp).expect("a client");
        Self {
            server,
            handler: SendEmailHandler::new(email, sendgrid).with_fallback(postmark),
            script: Script::new(),
        }
    }

    fn a_run(&self) -> Run {
        let mut run = self.script.for_new_job().run();
        run.route = Route::Fallback;
        run
    }

    /// A mail to this mailbox.
    async fn to(&self, local: &str) -> Result<Outcome, JobError> {
        self.handler.run(welcome(local), self.a_run()).await
    }

    /// Tests the host that the last run did not reach.
    async fn reaches(&self) -> Result<(), Unreached> {
        let (_, again) = self.script.gate.unreached().expect("it says which host");
        again.reach().await
    }

    fn asked(&self) -> u64 {
        let gate = &self.script.gate;
        gate.sends() + gate.reads()
    }
}

fn welcome(local: &str) -> SendEmail {
    SendEmail::new("welcome", format!("{local}@example.com"))
        .name("Ada")
        .data(json!({ "firstName": "Ada & Bob" }))
}

#[tokio::test]
async fn a_mail_arrives_whole() {
    let mut scene = Scene::set().await;
    let run = scene.a_run();
    let id = run.id;
    let outcome = scene.handler.run(welcome("ada"), run).await.expect("sent");
    let Outcome::Done { answer, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(answer.provider.as_deref(), Some("postmark"));
    assert_eq!(answer.status, Some(250));
    assert_eq!(scene.asked(), 1);
    let mail = scene.server.mail().await;
    assert_eq!(mail.to, ["ada@example.com"]);
    assert!(!mail.tls && mail.user == "token");
    // Lines of quoted-printable go on after a `=`.
    let content = mail.content.replace("=\r\n", "");
    for part in [
        "Subject: Welcome, Ada & Bob\r\n",
        "X-PM-Message-Stream: outbound\r\n",
        &format!("X-PM-Metadata-job_id: {id}\r\n"),
        "Welcome, Ada & Bob.",
        "Welcome, Ada &amp; Bob</h1>",
    ] {
        assert!(content.contains(part), "{part}:\n{content}");
    }
}

#[tokio::test]
async fn a_line_with_a_dot_ends_nothing() {
    let mut scene = Scene::set().await;
    let name = "Ada\r\n.\r\nMAIL FROM:<eve@example.com>\r\n..\r\n";
    let job = welcome("ada").data(json!({ "firstName": name }));
    let run = scene.a_run();
    scene.handler.run(job, run).await.expect("sent");
    let mail = scene.server.mail().await;
    let content = mail.content.replace("=\r\n", "");
    let text = format!("Welcome, {name}.");
    assert!(content.contains(&text), "{content}");
    let subject = "Subject: Welcome, Ada . MAIL FROM:<eve@example.com> ..\r\n";
    assert!(content.contains(subject), "{content}");
    scene.to("bob").await.expect("sent");
    assert_eq!(scene.server.mail().await.to, ["bob@example.com"]);
}

#[tokio::test]
async fn a_connection_is_used_again_and_replaced_when_it_has_gone() {
    let mut scene = Scene::set().await;
    scene.to("ada").await.expect("sent");
    let first = scene.server.mail().await;
    scene.to("drop").await.expect("sent");
    let second = scene.server.mail().await;
    assert_eq!(first.peer, second.peer);
    scene.server.has_closed().await;
    scene.to("ada").await.expect("sent");
    let third = scene.server.mail().await;
    assert_ne!(third.peer, second.peer);
}

#[tokio::test]
async fn nothing_is_handed_over_while_the_gate_is_shut() {
    let mut scene = Scene::set().await;
    let shut = Script::new().with_gate(ScriptedGate::shut());
    let open = std::mem::replace(&mut scene.script, shut.clone());
    tokio::select! {
        biased;
        outcome = scene.to("ada") => panic!("{outcome:?}"),
        () = shut.gate.held_back() => {}
    }
    scene.script = open;
    scene.to("bob").await.expect("sent");
    assert_eq!(scene.server.mail().await.to, ["bob@example.com"]);
}

#[tokio::test]
async fn replies_are_understood() {
    let mut scene = Scene::set().await;
    for (local, permanent, code) in [
        ("busy", false, "smtp 450"),
        ("gone", true, "smtp 550"),
        ("later", false, "smtp 451"),
        ("spam", true, "smtp 554"),
    ] {
        let error = scene.to(local).await.expect_err(local);
        match &error {
            JobError::Permanent { .. } => assert!(permanent, "{error:?}"),
            JobError::Transient { .. } => assert!(!permanent, "{error:?}"),
            _ => panic!("{error:?}"),
        }
        assert_eq!(error.answer().code.as_deref(), Some(code));
        let reason = error.reason();
        assert!(!reason.contains('@'), "{reason}");
    }
    scene.to("ada").await.expect("sent");
    assert_eq!(scene.server.mail().await.to, ["ada@example.com"]);
}

#[tokio::test]
async fn what_breaks_before_the_dot_was_not_sent_and_after_it_is_unknown() {
    let server = Server::plain().await;
    let mut scene = Scene::set_with(server, |smtp| smtp.timeout = Duration::from_secs(4));
    let error = scene.to("lost").await.expect_err("no reply");
    assert!(
        matches!(error, JobError::OutcomeUnknown { .. }),
        "{error:?}"
    );
    assert_eq!(scene.server.mail().await.to, ["lost@example.com"]);
    let error = scene.to("silent").await.expect_err("no reply");
    assert!(
        matches!(error, JobError::OutcomeUnknown { .. }),
        "{error:?}"
    );
    assert_eq!(error.answer().code.as_deref(), Some("no answer"));
    assert_eq!(scene.server.mail().await.to, ["silent@example.com"]);
    // Too much for the buffers in between, so that it breaks in the middle.
    let job = welcome("early").data(json!({ "firstName": "x".repeat(5_000_000) }));
    let error = scene.handler.run(job, scene.a_run()).await;
    let error = error.expect_err("cut");
    assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
    // Nobody there at all.
    let server = std::mem::replace(&mut scene.server, Server::plain().await);
    drop(server);
    let error = scene.to("ada").await.expect_err("nobody there");
    assert!(matches!(error, JobError::NotReached { .. }), "{error:?}");
    assert_eq!(error.answer().code.as_deref(), Some("not reached"));
}

#[tokio::test]
async fn a_refused_token_is_not_the_jobs_fault() {
    let server = Server::plain().await;
    let scene = Scene::set_with(server, |smtp| smtp.server_token = "other".into());
    let error = scene.to("ada").await.expect_err("refused");
    assert!(matches!(error, JobError::Unauthorized { .. }), "{error:?}");
    assert_eq!(error.answer().code.as_deref(), Some("smtp 535"));
    assert_eq!(scene.asked(), 0, "it was never about to be sent");
}

#[tokio::test]
async fn without_tls_a_server_elsewhere_is_told_nothing() {
    let server = Server::plain().await;
    let scene = Scene::set_with(server, |smtp| smtp.requires_tls = true);
    let error = scene.to("ada").await.expect_err("not sent");
    assert!(matches!(error, JobError::NotReached { .. }), "{error:?}");
    assert!(error.reason().contains("STARTTLS"), "{}", error.reason());
    assert_eq!(scene.asked(), 0);
    let unreached = scene.reaches().await.expect_err("as before");
    assert!(unreached.cause.contains("STARTTLS"), "{unreached:?}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_told_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("signed");
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&certificate, signed.cert.pem()).expect("written");
    std::fs::write(&key, signed.signing_key.serialize_pem()).expect("written");
    let server = Server::with_tls(&certificate, &key).await;
    // Also on this machine: what is offered is used, and looked at.
    let scene = Scene::set_with(server, |_| {});
    let error = scene.to("ada").await.expect_err("not sent");
    assert!(matches!(error, JobError::NotReached { .. }), "{error:?}");
    assert!(error.reason().contains("certificate"), "{}", error.reason());
    assert_eq!(scene.asked(), 0);
    let unreached = scene.reaches().await.expect_err("as before");
    assert!(unreached.cause.contains("certificate"), "{unreached:?}");
    assert!(!unreached.ours);
}

/// A worker tests it without logging in: a token that is wrong is for a run to find out.
#[tokio::test]
async fn a_server_is_reached_once_it_greets() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let silent = silent.expect("a free port");
    let port = silent.local_addr().expect("an address").port();
    let mut server = Server::plain().await;
    let greets = server.port;
    server.port = port;
    let scene = Scene::set_with(server, |smtp| smtp.timeout = Duration::from_secs(2));
    // Connected by the kernel, and no word.
    let error = scene.to("ada").await.expect_err("not sent");
    assert!(matches!(error, JobError::NotReached { .. }), "{error:?}");
    let unreached = scene.reaches().await.expect_err("as before");
    assert_eq!(unreached.host, format!("127.0.0.1:{port}"));
    drop(silent);
    let unreached = scene.reaches().await.expect_err("nobody listens");
    assert!(unreached.cause.contains("refused"), "{unreached:?}");
    // A way to one that greets, and would refuse the login.
    let way = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
    let way = way.expect("still free");
    let carried = async {
        let (mut client, _) = way.accept().await.expect("a connection");
        let server = tokio::net::TcpStream::connect(("127.0.0.1", greets)).await;
        let mut server = server.expect("it is there");
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    };
    let (reached, ()) = tokio::join!(scene.reaches(), carried);
    assert_eq!(reached, Ok(()));
    assert_eq!(scene.asked(), 0, "no mail was about to be sent");
}

#[tokio::test]
async fn a_template_without_its_files_waits_and_one_without_its_data_is_refused() {
    let scene = Scene::set().await;
    let job = SendEmail::new("unwritten", "ada@example.com");
    let error = scene.handler.run(job, scene.a_run()).await;
    let error = error.expect_err("waits");
    assert!(matches!(error, JobError::Throttled { .. }), "{error:?}");
    let job = SendEmail::new("welcome", "ada@example.com");
    let error = scene.handler.run(job, scene.a_run()).await;
    let error = error.expect_err("refused");
    let code = error.answer().code.as_deref();
    assert_eq!(code, Some("template variable firstName"));
    assert_eq!(scene.asked(), 0);
}
