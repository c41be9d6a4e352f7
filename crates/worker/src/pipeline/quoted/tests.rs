use longshore_email::SendEmail;
use longshore_job::{Handler, Run};

use super::*;

/// Knows of mails which of their args are public, and sends none.
struct Mails;

impl Handler for Mails {
    type Job = SendEmail;

    async fn run(&self, _: SendEmail, _: Run) -> Result<Outcome, JobError> {
        Ok(Outcome::done())
    }
}

const PAYLOAD: &[u8] = r#"{"kind":"send_email","v":1,"args":{"template":"Welcome Mail",
    "to":{"email":"ada@example.com","name":"Åda Hansen-Bo"},
    "data":{"street":["Storgata 7"],"n":1,"x":"ok","it":"invalid","call":"+47 918 17 161","who":"ÅSE","age":41,
        "state":"dead","by":"Queue Sent","for":"Mail","Jo Å":1,"Ida":2,"note":"Send it over to my old flat","order":8812345,"Welcome":3}}}"#
    .as_bytes();

/// A reason in which this is what the provider said; `None` where that is not known.
fn cleaned(reason: &str, quoted: Option<&str>) -> String {
    let mut error = JobError::permanent(reason);
    if let JobError::Permanent { answer, .. } = &mut error {
        answer.quoted = quoted.map(str::to_owned);
    }
    let mut end = End::Ran(Err(error));
    take_out(&mut end, PAYLOAD, &Handlers::new().with(Mails));
    match end {
        End::Ran(Err(error)) => {
            assert_eq!(error.answer().quoted, None, "it is kept nowhere");
            error.reason().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_word_of_the_args_goes_from_what_a_provider_said() {
    for (said, clean) in [
        // Short ones.
        ("no user Bo, nor bo", "no user [redacted], nor [redacted]"),
        ("Jo? 41? 7?", "[redacted]? [redacted]? [redacted]?"),
        ("is å there", "is [redacted] there"),
        // Parts of longer ones, and several as one.
        ("no hansen-bo here", "no [redacted] here"),
        ("hansen has no storgata", "[redacted] has no [redacted]"),
        ("Åda Hansen-Bo", "[redacted]"),
        ("of flat, old", "of [redacted], [redacted]"),
        // Whatever the case, in whatever alphabet.
        ("åse, Åse, ÅDA", "[redacted], [redacted], [redacted]"),
        // Inside longer words where they are of some length.
        ("u_hansen77 and xBo", "u_[redacted] and xBo"),
        // Numbers, however they are written, and parts of them.
        ("91817161 (918-17-161)", "[redacted] ([redacted])"),
        ("47 91 81 71 61, 17161", "[redacted], [redacted]"),
        ("no 88-123-45", "no [redacted]"),
        // A key that stands in public args, too, is nobody's; a value is.
        ("template d-welcome is off", "template d-welcome is off"),
        ("no mail", "no [redacted]"),
        // Names in a free map may be people's, whatever they look like; names of the kind's own structs are nobody's.
        ("no JO, no Ida: name", "no [redacted], no [redacted]: name"),
        // Our words are the user's here.
        ("dead, QUEUE: mail", "[redacted], [redacted]: [redacted]"),
        // What was taken out before.
        ("[email] and [phone], Bo", "[email] and [phone], [redacted]"),
        // Nobody's.
        ("bad request at 503 from you", "bad request at 503 from you"),
    ] {
        let reason = format!("SendGrid answered 400: {said}");
        let clean = format!("SendGrid answered 400: {clean}");
        assert_eq!(cleaned(&reason, Some(said)), clean, "of {said:?}");
    }
}

#[test]
fn our_own_words_stay_whatever_users_are_called() {
    for (reason, quoted, clean) in [
        // Nothing is quoted.
        (
            "the mail waits in its queue, was sent and is dead, ok 1",
            "",
            "the mail waits in its queue, was sent and is dead, ok 1",
        ),
        ("Postmark is invalid, Åse", "", "Postmark is invalid, Åse"),
        (
            "for ada@EXAMPLE.com at 918 17 161",
            "",
            "for [redacted] at [redacted]",
        ),
        ("so: send it over to my OLD flat.", "", "so: [redacted]."),
        // Before and after what is quoted, which is taken out wherever it stands.
        (
            "the mail was sent: dead Bo: look into the queue",
            "dead Bo",
            "the mail was sent: [redacted]: look into the queue",
        ),
        ("Bo: the mail: Bo", "Bo", "[redacted]: the mail: [redacted]"),
        // Not found as it was said: all may be the provider's.
        (
            "the mail was refused: Bo",
            "no Bo",
            "the [redacted] was refused: [redacted]",
        ),
    ] {
        assert_eq!(cleaned(reason, Some(quoted)), clean, "of {reason:?}");
    }
}

/// A handler of somebody's own, which says nothing of whose words they are.
#[test]
fn every_word_of_the_args_goes_from_what_may_be_anybodys() {
    for (reason, clean) in [
        ("no Åda Hansen there", "no [redacted] there"),
        ("Mr HANSEN, bo", "Mr [redacted], [redacted]"),
        ("ADA@example.com of Storgata 7", "[redacted] of [redacted]"),
        ("at 918-17-161, 41", "at [redacted], [redacted]"),
        // Public, or nobody's.
        ("Welcome is unknown", "Welcome is unknown"),
        ("", ""),
    ] {
        assert_eq!(cleaned(reason, None), clean, "of {reason:?}");
    }
}

#[test]
fn skips_are_anybodys() {
    let reason = "Hansen is suppressed".to_owned();
    let mut end = End::Ran(Ok(Outcome::Skipped { reason }));
    take_out(&mut end, PAYLOAD, &Handlers::new().with(Mails));
    let End::Ran(Ok(Outcome::Skipped { reason })) = end else {
        panic!("{end:?}");
    };
    assert_eq!(reason, "[redacted] is suppressed");
}

#[test]
fn a_payload_that_is_none_has_no_args() {
    let private = Private::of(b"\xff", &Handlers::new());
    assert!(private.texts.is_empty() && private.words.is_empty());
}
