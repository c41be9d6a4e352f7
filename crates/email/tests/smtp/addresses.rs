//! Whom a mail goes to: copies, and addresses beyond ASCII.

use longshore_email::{Recipient, SendEmail};
use longshore_job::{Blame, Handler, JobError, Outcome};
use serde_json::json;

use super::Scene;
use super::server::Server;

fn to(address: &str) -> SendEmail {
    SendEmail::new("welcome", address).data(json!({ "firstName": "Ada" }))
}

impl Scene {
    async fn send(&self, job: SendEmail) -> Result<Outcome, JobError> {
        self.handler.run(job, self.a_run()).await
    }
}

#[tokio::test]
async fn copies_and_options_go_along() {
    let mut scene = Scene::set().await;
    let job = to("ada@example.com")
        .cc(Recipient::new("bob@example.com").name("Bob"))
        .bcc("archive@example.com")
        .reply_to("help@example.com")
        .subject("Not this one")
        .category("greetings")
        .category("not told")
        .header("List-Id", "<news.example.com>");
    scene.send(job).await.expect("sent");
    let mail = scene.server.mail().await;
    assert_eq!(
        mail.to,
        ["ada@example.com", "bob@example.com", "archive@example.com"]
    );
    for line in [
        "To: ada@example.com\r\n",
        "Cc: Bob <bob@example.com>\r\n",
        "Reply-To: help@example.com\r\n",
        "X-PM-Tag: greetings\r\n",
        "List-Id: <news.example.com>\r\n",
        "Subject: Welcome, Ada\r\n",
    ] {
        assert!(mail.content.contains(line), "{line}:\n{}", mail.content);
    }
    for absent in ["archive@", "not told", "Not this one", "Bcc"] {
        assert!(!mail.content.contains(absent), "{absent}");
    }
}

/// Every server takes them: with and without SMTPUTF8.
#[tokio::test]
async fn domains_beyond_ascii_are_written_in_ascii() {
    for server in [Server::ascii().await, Server::plain().await] {
        let mut scene = Scene::set_with(server, |_| {});
        let job = to("ada@blåbær.example.com").cc("bob@bücher.example");
        scene.send(job).await.expect("sent");
        let mail = scene.server.mail().await;
        let expected = ["ada@xn--blbr-roah.example.com", "bob@xn--bcher-kva.example"];
        assert_eq!(mail.to, expected);
        assert!(mail.content.is_ascii(), "{}", mail.content);
    }
}

#[tokio::test]
async fn a_mailbox_beyond_ascii_needs_smtputf8() {
    let mut scene = Scene::set().await;
    scene.send(to("øda@example.com")).await.expect("sent");
    assert_eq!(scene.server.mail().await.to, ["øda@example.com"]);

    let scene = Scene::set_with(Server::ascii().await, |_| {});
    let jobs = [
        to("øda@example.com"),
        to("ada@example.com").bcc("øda@example.com"),
        to("ada@example.com").reply_to("øda@example.com"),
    ];
    for job in jobs {
        let error = scene.send(job).await.expect_err("refused");
        assert_eq!(error.blame(), Some(Blame::Theirs), "{error:?}");
        assert!(error.reason().contains("SMTPUTF8"), "{}", error.reason());
        let code = error.answer().code.as_deref();
        assert_eq!(code, Some("address beyond ASCII"));
    }
    assert_eq!(scene.asked(), 0, "none was about to be sent");
}
