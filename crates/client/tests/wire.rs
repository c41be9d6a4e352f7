//! The wire form: golden payloads must keep decoding, and encode to the same bytes again.

use longshore_client::kinds::{
    ApplyLifecycle, BucketName, GeocodeAddress, MoveBack, SendEmail, SendSms, StoreName,
    SweepBucket,
};
use longshore_job::{Envelope, Job, KindSpec, MAX_PAYLOAD_BYTES, Prepared, UndecodableWhy};
use serde_json::json;

fn golden_round_trip<J: Job>(file: &str) -> J {
    let text = file.trim_end();
    let envelope = Envelope::parse(text.as_bytes()).expect("the golden payload is an envelope");
    assert_eq!(envelope.kind, J::KIND);
    let job: J = envelope.decode().expect("the golden args decode");
    let again = Prepared::new(&job).expect("and are accepted at the door");
    assert_eq!(String::from_utf8_lossy(&again.payload), text);
    assert_eq!((again.kind, again.queue), (J::KIND, J::QUEUE.into()));
    job
}

#[test]
fn send_email_is_golden() {
    let job: SendEmail = golden_round_trip(include_str!("golden/send_email.v1.json"));
    assert_eq!(job.to.name.as_deref(), Some("Ada Lovelace"));
    assert!(job.data.get().contains("1.10"), "numbers keep their digits");
    golden_round_trip::<SendEmail>(include_str!("golden/send_email.v1.bare.json"));
    let job: SendEmail = golden_round_trip(include_str!("golden/send_email.v1.attached.json"));
    assert_eq!(job.attachments[0].filename, "invoice.pdf");
    let job: SendEmail = golden_round_trip(include_str!("golden/send_email.v1.options.json"));
    assert_eq!((job.addresses(), job.from.as_deref()), (3, Some("billing")));
}

#[test]
fn send_sms_is_golden() {
    let job: SendSms = golden_round_trip(include_str!("golden/send_sms.v1.json"));
    assert_eq!(job.body, "Blåbærsyltetøy til middag 🫐");
    let job: SendSms = golden_round_trip(include_str!("golden/send_sms.v1.template.json"));
    assert_eq!((&*job.body, job.from.as_deref()), ("", Some("shop")));
    let job: SendSms = golden_round_trip(include_str!("golden/send_sms.v1.media.json"));
    assert_eq!(job.media_urls.len(), 1);
}

#[test]
fn geocode_address_is_golden() {
    let job: GeocodeAddress = golden_round_trip(include_str!("golden/geocode_address.v1.json"));
    assert_eq!(job.language.as_deref(), Some("nb"));
    golden_round_trip::<GeocodeAddress>(include_str!("golden/geocode_address.v1.bare.json"));
}

#[test]
fn jobs_about_buckets_are_golden() {
    let job: SweepBucket = golden_round_trip(include_str!("golden/sweep_bucket.v1.json"));
    assert_eq!((job.store, job.confirmed), (StoreName::R2, true));
    let bare: SweepBucket = golden_round_trip(include_str!("golden/sweep_bucket.v1.bare.json"));
    assert_eq!(bare, SweepBucket::new(BucketName::EXPORTS));
    let job: ApplyLifecycle = golden_round_trip(include_str!("golden/apply_lifecycle.v1.json"));
    assert_eq!(job, ApplyLifecycle::new(BucketName::PUBLIC));
    let job: MoveBack = golden_round_trip(include_str!("golden/move_back.v1.json"));
    assert_eq!(job, MoveBack::new(BucketName::UPLOADS));
}

#[test]
fn send_sms_refuses_what_is_wrong_and_names_the_field() {
    let to = |number: &str| SendSms::new(number, "hi");
    let body = |text: String| SendSms::new("+4790000000", text);
    let table = [
        (to(""), "to"),
        (to("90000000"), "to"),
        (to("004790000000"), "to"),
        (to("+47 90 00 00 00"), "to"),
        (to("+0790000000"), "to"),
        (to("+479000"), "to"),
        (to("+4790000000123456"), "to"),
        (to("+47٩0000000"), "to"),
        (to("+4790000000\n"), "to"),
        (body(String::new()), "body"),
        (body(" \n\t".to_owned()), "body"),
        (body("ø".repeat(1601)), "body"),
    ];
    for (job, field) in table {
        let error = Prepared::new(&job).expect_err(field).to_string();
        assert!(error.starts_with(field), "{error}");
    }
    for text in ["ø", "🫐", "a\nb"] {
        Prepared::new(&body(text.repeat(1600 / text.chars().count()))).expect(text);
    }
}

#[test]
fn geocode_address_refuses_what_is_wrong_and_names_the_field() {
    let good = || GeocodeAddress::new("Storgata 1");
    let table = [
        (GeocodeAddress::new(""), "address"),
        (GeocodeAddress::new("  \n"), "address"),
        (GeocodeAddress::new("x".repeat(1001)), "address"),
        (GeocodeAddress::new("Storgata\u{0}1"), "address"),
        (good().region("NO"), "region"),
        (good().region("nor"), "region"),
        (good().language(""), "language"),
        (good().language("n"), "language"),
        (good().language("nb&key=x"), "language"),
        (good().language("nb-"), "language"),
    ];
    for (job, field) in table {
        let error = Prepared::new(&job).expect_err(field).to_string();
        assert!(error.starts_with(field), "{error}");
    }
    for language in ["nb", "pt-BR", "zh-Hant-TW"] {
        Prepared::new(&good().region("no").language(language)).expect(language);
    }
}

#[test]
fn send_email_refuses_what_is_wrong_and_names_the_field() {
    let good = || SendEmail::new("welcome", "ada@example.com");
    let table = [
        (SendEmail::new("", "ada@example.com"), "template"),
        (SendEmail::new("Welcome", "ada@example.com"), "template"),
        (
            SendEmail::new("x".repeat(65), "ada@example.com"),
            "template",
        ),
        (SendEmail::new("welcome", ""), "to.email"),
        (SendEmail::new("welcome", "ada"), "to.email"),
        (SendEmail::new("welcome", "ada@localhost"), "to.email"),
        (
            SendEmail::new("welcome", "Ada <ada@example.com>"),
            "to.email",
        ),
        (
            SendEmail::new("welcome", "ada@example.com\r\nBcc: x@example.com"),
            "to.email",
        ),
        (
            SendEmail::new("welcome", format!("{}@example.com", "a".repeat(65))),
            "to.email",
        ),
        (good().name("a\nb"), "to.name"),
        (good().name("x".repeat(257)), "to.name"),
        (good().data(json!([1])), "data"),
        (
            good().attach("", "a.pdf", "application/pdf"),
            "attachments[0]",
        ),
        (
            good().attach("k", "../a.pdf", "application/pdf"),
            "attachments[0]",
        ),
        (
            good().attach("k", "..", "application/pdf"),
            "attachments[0]",
        ),
        (good().attach("k", "a.pdf", "pdf"), "attachments[0]"),
        (good().attach("k", "a.pdf", "a/b\r\nX: y"), "attachments[0]"),
        (
            (0..11).fold(good(), |mail, _| mail.attach("k", "a", "a/b")),
            "attachments",
        ),
        (good().data(json!(null)), "data"),
    ];
    for (job, field) in table {
        let error = Prepared::new(&job).expect_err(field).to_string();
        assert!(error.starts_with(field), "{error}");
    }
    let error = Prepared::new(&good().data(json!({"x": "y".repeat(MAX_PAYLOAD_BYTES)})))
        .expect_err("too large");
    assert!(error.to_string().contains("256 KiB"), "{error}");
}

#[test]
fn good_addresses_are_accepted() {
    for address in [
        "a@b.co",
        "first.last+tag@sub.example.org",
        "o'hara@example.com",
    ] {
        assert!(
            SendEmail::new("welcome", address).check().is_ok(),
            "{address}"
        );
    }
}

#[test]
fn only_password_resets_expire_by_themselves() {
    let expiry = |template| {
        SendEmail::new(template, "a@b.co")
            .expires_in()
            .map(|d| d.as_secs())
    };
    assert_eq!(
        (expiry("password_reset"), expiry("welcome")),
        (Some(1800), None)
    );
}

#[test]
fn args_given_as_text_are_checked_like_typed_ones() {
    let spec = KindSpec::of::<SendEmail>();
    let ok = spec.prepare(r#"{"template":"welcome","to":{"email":"a@b.co"},"data":{}}"#);
    assert_eq!(ok, Prepared::new(&SendEmail::new("welcome", "a@b.co")));
    for (args, says) in [
        ("", "EOF"),
        ("[]", "must be an object, not a list"),
        (r#"{"template":"welcome"}"#, "missing field `to`"),
        (
            r#"{"template":"welcome","to":{"email":"a@b.co"},"data":{},"copy":1}"#,
            "unknown field `copy`",
        ),
        (
            r#"{"template":"welcome","to":{"email":"a@b.co"},"data":7}"#,
            "data",
        ),
    ] {
        let error = spec.prepare(args).expect_err(args).to_string();
        assert!(error.contains(says), "{args}: {error}");
    }
    let error = spec
        .prepare(r#"{"template":"welcome","to":"secret@example.com","data":{}}"#)
        .expect_err("wrong type");
    assert!(
        !error.to_string().contains("secret"),
        "input is not quoted: {error}"
    );
    let error = spec
        .prepare(r#"{"template":"welcome","to":{"email":"a@b.co"},"data":{},"b@c.no":1}"#)
        .expect_err("unknown field");
    assert!(
        !error.to_string().contains("b@c"),
        "nor is a name that is none: {error}"
    );
}

#[test]
fn garbage_is_told_apart() {
    let deep = format!(
        r#"{{"kind":"send_email","v":1,"args":{{"template":"welcome","to":{{"email":"a@b.co"}},"data":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let why = |bytes: &[u8]| match Envelope::parse(bytes) {
        Err(error) => error.why,
        Ok(envelope) => {
            envelope
                .decode::<SendEmail>()
                .expect_err("no good args")
                .why
        }
    };
    assert_eq!(why(b""), UndecodableWhy::Empty);
    assert_eq!(why(b"\xff\xfe"), UndecodableWhy::NotUtf8);
    for not_an_envelope in [
        &b"null"[..],
        b"{}",
        b"[1,2",
        br#"{"kind":1,"v":1,"args":{}}"#,
        br#"{"kind":"send_email","v":-1,"args":{}}"#,
        br#"{"kind":"send_email","v":1,"args":{},"id":"x"}"#,
    ] {
        assert_eq!(why(not_an_envelope), UndecodableWhy::NotAnEnvelope);
    }
    assert_eq!(
        why(br#"{"kind":"send_email","v":1,"args":{}}"#),
        UndecodableWhy::BadArgs
    );
    assert_eq!(why(deep.as_bytes()), UndecodableWhy::BadArgs);
    // In the order of its fields: no producer's door takes them so, and nothing finds a person in it.
    assert_eq!(
        why(br#"{"kind":"send_email","v":1,"args":["welcome",{"email":"a@b.co"},{}]}"#),
        UndecodableWhy::BadArgs
    );
}
