//! Templates, media and senders of a message's own.

use longshore_job::{Handler, JobError, Prepared};
use longshore_sms::sandbox::TwilioContent;
use longshore_sms::{MessageSender, SendSms};

use crate::{BODY, Scene, TO, sid};

const TEMPLATE: &str = "HX0123456789abcdef0123456789abcdef";

fn template() -> SendSms {
    SendSms::content(TO, TEMPLATE)
        .variable("1", "Ada \"A\" & Bob")
        .variable("date", "29 Nov")
}

#[tokio::test]
async fn a_template_is_filled_in_by_twilio() {
    let scene = Scene::set().await;
    let outcome = scene.run(template()).await.expect("sent");
    let message = scene.provider.message(&sid(&outcome)).expect("there");
    let variables = [("1", "Ada \"A\" & Bob"), ("date", "29 Nov")];
    let expected = TwilioContent {
        sid: TEMPLATE.to_owned(),
        variables: variables.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
    };
    assert_eq!(message.content, Some(expected));
    let bare = scene.run(SendSms::content(TO, TEMPLATE)).await;
    bare.expect("sent by its own placeholders");
}

#[tokio::test]
async fn media_go_along_with_a_text_or_alone() {
    let scene = Scene::set().await;
    let urls = ["https://example.com/a.png?x=1&y=2", "https://example.com/b"];
    for body in [BODY, ""] {
        let job = urls
            .iter()
            .fold(SendSms::new(TO, body), |job, url| job.media(*url));
        let outcome = scene.run(job).await.expect("sent");
        let message = scene.provider.message(&sid(&outcome)).expect("there");
        assert_eq!(
            (&*message.body, message.media),
            (body, urls.map(str::to_owned).into())
        );
    }
}

#[tokio::test]
async fn a_message_is_from_the_sender_that_its_job_names() {
    let service = "MG0123456789abcdef0123456789abcdef";
    let scene = Scene::set_with(|config| {
        config.senders = [
            ("shop".to_owned(), MessageSender::From("Shop".to_owned())),
            (
                "news".to_owned(),
                MessageSender::MessagingService(service.to_owned()),
            ),
        ]
        .into();
    })
    .await;
    let from = async |name: &str| {
        let outcome = scene.run(SendSms::new(TO, BODY).from(name)).await?;
        let message = scene.provider.message(&sid(&outcome)).expect("there");
        Ok::<_, JobError>((message.from, message.messaging_service_sid))
    };
    let shop = from("shop").await.expect("sent");
    assert_eq!(shop, (Some("Shop".to_owned()), None));
    let news = from("news").await.expect("sent");
    assert_eq!(news, (None, Some(service.to_owned())));
    let error = from("sales").await.expect_err("refused");
    assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
    assert_eq!(error.answer().code.as_deref(), Some("sender unknown"));
    assert_eq!(scene.counts(), (2, 2, (2, 0)), "Twilio was not asked");
}

/// What a template's text became is not known, so a message to the number may be another one.
#[tokio::test]
async fn a_template_is_sent_again_only_if_nothing_went_to_the_number() {
    let scene = Scene::set().await;
    let verified = scene.handler.verify(&template(), &scene.a_run()).await;
    assert_eq!(verified, Ok(None), "nothing went there");
    let planted = scene.provider.plant(scene.planted(650));
    let verified = scene.handler.verify(&template(), &scene.a_run()).await;
    let error = verified.expect_err("not told apart");
    assert!(
        matches!(error, JobError::OutcomeUnknown { .. }),
        "{error:?}"
    );
    assert_eq!(scene.counts().1, 0, "nothing was sent again");
    // A status callback said which message is the job's.
    scene.script.memory.set_earlier_message(&planted);
    let verified = scene.handler.verify(&template(), &scene.a_run()).await;
    assert!(matches!(verified, Ok(Some(_))), "{verified:?}");
}

#[test]
fn what_twilio_would_refuse_is_refused_at_the_door() {
    let text = || SendSms::new(TO, BODY);
    let media = |url: &str| text().media(url);
    let many = (0..11).fold(text(), |job, n| job.media(format!("https://x.no/{n}")));
    let long = format!("https://x.no/{}", "a".repeat(2048));
    let both = SendSms {
        body: BODY.to_owned(),
        ..template()
    };
    for (job, finding) in [
        (SendSms::new(TO, ""), "body: is empty"),
        (
            SendSms::new(TO, " ").media("https://x.no"),
            "body: is empty",
        ),
        (both, "content_sid: stands in the place"),
        (template().media("https://x.no/a"), "content_sid: stands in"),
        (SendSms::content(TO, "HX1"), "content_sid: is not the id"),
        (
            SendSms::content(TO, TEMPLATE.to_lowercase()),
            "content_sid: is not",
        ),
        (
            text().variable("1", "Ada"),
            "content_variables: are for a template",
        ),
        (
            template().variable("a b", "Ada"),
            "content_variables: a name",
        ),
        (
            template().variable("b", "A".repeat(1601)),
            "content_variables: a value",
        ),
        (text().from("+4780000000"), "from: must be 1 to 64"),
        (many, "media_urls: has 11"),
        (media("http://x.no/a"), "media_urls[0]: must"),
        (media("https://"), "media_urls[0]: must"),
        (media("https://ada:secret@x.no/a"), "media_urls[0]: must"),
        (media("https://x.no/a b"), "media_urls[0]: must"),
        (media("https://x.no/ø"), "media_urls[0]: must"),
        (media(&long), "media_urls[0]: must"),
    ] {
        let error = Prepared::new(&job).expect_err(finding).to_string();
        assert!(error.contains(finding), "{finding}: {error}");
        assert!(
            !error.contains("Ada") && !error.contains("secret"),
            "{error}"
        );
    }
    Prepared::new(&template()).expect("in order");
}
