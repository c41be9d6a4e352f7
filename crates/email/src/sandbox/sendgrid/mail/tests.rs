use super::*;

fn good() -> Value {
    json!({
        "personalizations": [{
            "to": [{ "email": "ada@example.com", "name": "Ada" }],
            "dynamic_template_data": { "a": 1 },
            "custom_args": { "job_id": "01JOB" },
        }],
        "from": { "email": "shop@example.com" },
        "template_id": "d-1",
        "reply_to": { "email": "help@example.com" },
        "headers": { "List-Id": "<news.example.com>" },
        "categories": ["a", "b"],
        "asm": { "group_id": 7, "groups_to_display": [7, 8] },
    })
}

#[test]
fn a_mail_in_order_is_one_effect_per_personalization() {
    let mut body = good();
    let second = json!({ "to": [{ "email": "bob@example.com" }] });
    body["personalizations"]
        .as_array_mut()
        .expect("a list")
        .push(second);
    let mail = Mail::read(body.to_string().as_bytes()).expect("in order");
    let drafts = mail.drafts("id");
    let seen: Vec<_> = drafts
        .iter()
        .map(|d| (d.job.as_deref(), d.recipient.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("01JOB"), "ada@example.com"),
            (None, "bob@example.com")
        ]
    );
    assert_eq!(drafts[0].template.as_deref(), Some("d-1"));
    assert!(!mail.sandbox_mode);
}

#[test]
fn without_a_template_subject_and_content_do() {
    let mut body = good();
    body["subject"] = json!("Hello");
    body["content"] = json!([{ "type": "text/plain", "value": "Hello" }]);
    body.as_object_mut()
        .expect("an object")
        .remove("template_id");
    assert!(Mail::read(body.to_string().as_bytes()).is_ok());
}

type Spoil = Box<dyn Fn(&mut Value)>;

/// Sets this part of a mail.
fn set(pointer: &'static str, value: Value) -> Spoil {
    Box::new(move |body| *body.pointer_mut(pointer).expect("there") = value.clone())
}

fn named(cases: Vec<(Spoil, &str)>) {
    for (spoil, field) in cases {
        let mut body = good();
        spoil(&mut body);
        let problem = Mail::read(body.to_string().as_bytes()).expect_err("refused");
        assert_eq!(problem.field.as_deref(), Some(field), "{body}");
    }
}

#[test]
fn what_is_wrong_with_an_option_is_named_by_its_field() {
    named(vec![
        (set("/reply_to", json!({ "email": "x" })), "reply_to.email"),
        (set("/headers", json!({ "Reply-To": "x" })), "headers"),
        (set("/headers", json!({ "X-A": "b\r\nc" })), "headers"),
        (set("/categories", json!(vec!["a"; 11])), "categories"),
        (set("/categories", json!(["a", "a"])), "categories"),
        (set("/categories", json!(["a".repeat(256)])), "categories"),
        (set("/asm", json!({})), "asm.group_id"),
        (
            set("/asm/groups_to_display", json!(vec![1; 26])),
            "asm.groups_to_display",
        ),
        (
            Box::new(|body| {
                body["personalizations"][0]["cc"] = json!([{ "email": "b@x.no" }]);
                body["personalizations"][0]["bcc"] = json!([{ "email": "B@x.no" }]);
            }),
            "personalizations.0",
        ),
        (
            Box::new(|body| body["personalizations"][0]["cc"] = json!([{ "email": "b" }])),
            "personalizations.0.cc.0.email",
        ),
    ]);
}

#[test]
fn what_is_wrong_is_named_by_its_field() {
    let without_template = |body: &mut Value| {
        body.as_object_mut()
            .expect("an object")
            .remove("template_id");
    };
    let cases: Vec<(Spoil, &str)> = vec![
        (set("/personalizations", json!([])), "personalizations"),
        (set("/personalizations", json!("x")), "personalizations"),
        (
            set("/personalizations", json!(vec![0; 1001])),
            "personalizations",
        ),
        (
            set("/personalizations/0/to", json!([])),
            "personalizations.0.to",
        ),
        (
            set("/personalizations/0/to/0/email", json!("ada")),
            "personalizations.0.to.0.email",
        ),
        (
            set("/personalizations/0/to/0/name", json!(7)),
            "personalizations.0.to.0.name",
        ),
        (
            set(
                "/personalizations/0/to",
                json!([{ "email": "a@x.no" }, { "email": "A@x.no" }]),
            ),
            "personalizations.0",
        ),
        (
            set("/personalizations/0/custom_args", json!({ "job_id": 7 })),
            "personalizations.0.custom_args",
        ),
        (set("/from", json!({})), "from.email"),
        (set("/template_id", json!("")), "template_id"),
        (set("/template_id", json!(7)), "template_id"),
        (Box::new(without_template), "subject"),
        (
            Box::new(move |body| {
                without_template(body);
                body["subject"] = json!("Hello");
            }),
            "content",
        ),
    ];
    named(cases);
    for body in ["", "not json", "\u{0}"] {
        let problem = Mail::read(body.as_bytes()).expect_err("refused");
        assert_eq!(problem, Problem::of_status(400));
    }
}
