//! Requests as they are on the wire, beside those of Twilio's own SDK.
//!
//! The golden bodies are what `client.messages.create` of twilio-python 9.13.0 sent to a local server.

use longshore_job::Handler;
use longshore_sms::SendSms;
use longshore_sms::{MessageSender, SendSmsHandler, SetupError, Twilio, TwilioConfig};
use longshore_testing::Script;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{ACCOUNT, TO, config, memory};

const JOB: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";

/// Head and body of the request that a job makes.
async fn request(change: impl FnOnce(&mut TwilioConfig), body: &str) -> (String, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let mut config = config(&format!("http://{addr}"));
    change(&mut config);
    let handler = SendSmsHandler::new(Twilio::new(&config).expect("a client"));
    let id = JOB.parse().expect("an id");
    let run = Script::new().with_memory(&memory(0, 0)).for_job(id).run();
    let sending = handler.run(SendSms::new(TO, body), run);
    let hearing = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut seen = Vec::new();
        loop {
            let mut chunk = [0; 4096];
            let length = stream.read(&mut chunk).await.expect("readable");
            assert_ne!(length, 0, "closed in the middle of a request");
            seen.extend_from_slice(&chunk[..length]);
            let text = String::from_utf8(seen.clone()).expect("ASCII");
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_lowercase();
                let (_, length) = head.split_once("content-length: ").expect("a length");
                let length: usize = length
                    .lines()
                    .next()
                    .and_then(|l| l.parse().ok())
                    .expect("a number");
                if body.len() == length {
                    let answer =
                        "HTTP/1.1 201 Created\r\ncontent-length: 13\r\n\r\n{\"sid\":\"SM1\"}";
                    stream.write_all(answer.as_bytes()).await.expect("written");
                    return (head, body.to_owned());
                }
            }
        }
    };
    let (sent, heard) = tokio::join!(sending, hearing);
    sent.expect("understood");
    heard
}

fn decoded(form: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(form.trim_end().as_bytes())
        .into_owned()
        .collect()
}

fn text(golden: &str) -> String {
    let mut fields = decoded(golden).into_iter();
    let (_, body) = fields.find(|(name, _)| name == "Body").expect("a body");
    body
}

#[tokio::test]
async fn a_message_is_asked_for_as_the_sdk_does() {
    let golden = include_str!("../golden/create.from.form");
    let url = "https://hooks.example.com/webhooks/twilio";
    let callback = |config: &mut TwilioConfig| config.status_callback = Some(url.to_owned());
    let (head, body) = request(callback, &text(golden)).await;
    assert_eq!(body, golden.trim_end());
    let path = format!("/2010-04-01/accounts/{ACCOUNT}/messages.json").to_lowercase();
    assert!(
        head.starts_with(&format!("post {path} http/1.1\r\n")),
        "{head}"
    );
    assert!(
        head.contains("\r\ncontent-type: application/x-www-form-urlencoded"),
        "{head}"
    );
    // `AC0123456789abcdef0123456789abcdef:token`, in lower case like all of the head.
    let basic = "\r\nauthorization: basic qumwmtizndu2nzg5ywjjzgvmmdeymzq1njc4owfiy2rlzjp0b2tlbg==";
    assert!(head.contains(basic), "{head}");
}

/// Letters that one of the two leaves plain and the other escapes mean the same.
#[tokio::test]
async fn odd_letters_mean_the_same_as_from_the_sdk() {
    let golden = include_str!("../golden/create.service.form");
    let service = |config: &mut TwilioConfig| {
        let sid = "MG0123456789abcdef0123456789abcdef";
        config.sender = MessageSender::MessagingService(sid.to_owned());
    };
    let (_, body) = request(service, &text(golden)).await;
    assert_eq!(decoded(&body), decoded(golden));
    assert_eq!(decoded(&body).len(), 3, "neither From nor StatusCallback");
}

#[test]
fn a_callback_with_a_query_leaves_no_place_for_the_job() {
    for url in ["https://example.com/?a=b", "https://example.com/#rc=3"] {
        let mut config = config("http://127.0.0.1:9");
        config.status_callback = Some(url.to_owned());
        let error = Twilio::new(&config).expect_err("refused");
        assert_eq!(error, SetupError::StatusCallback);
    }
}
