use serde_json::json;
use tempfile::TempDir;

use super::*;

fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).expect("written");
    }
    dir
}

fn shipped() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/templates")
}

fn data(value: serde_json::Value) -> TemplateData {
    value.into()
}

#[test]
fn html_is_escaped_and_text_is_not() {
    let dir = directory(&[
        ("hi.subject.hbs", "Hello,\n  {{name}}\r\n"),
        ("hi.html.hbs", "<p>{{name}}</p>"),
        ("hi.text.hbs", "{{name}}{{#if more}} {{more}}{{/if}}"),
    ]);
    let (templates, problems) = Templates::load(dir.path(), ["hi"]);
    assert_eq!(problems, []);
    let name = "Tom & <b>Jerry</b>\r\nBcc: x";
    let rendered = templates.render("hi", &data(json!({ "name": name })));
    let Rendered {
        subject,
        html,
        text,
    } = rendered.expect("rendered");
    assert_eq!(subject, "Hello, Tom & <b>Jerry</b> Bcc: x");
    assert_eq!(
        html.as_deref(),
        Some("<p>Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;\r\nBcc: x</p>")
    );
    assert_eq!(text.as_deref(), Some(name));
}

#[test]
fn a_missing_variable_is_a_refusal_that_names_it() {
    let dir = directory(&[
        ("hi.subject.hbs", "Hello"),
        ("hi.text.hbs", "Hello\n{{order.number}}"),
    ]);
    let (templates, _) = Templates::load(dir.path(), ["hi"]);
    let of = |value| templates.render("hi", &data(value));
    let error = of(json!({ "order": { "nr": "secret" } })).expect_err("refused");
    assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
    assert_eq!(
        error.reason(),
        "the template `hi` cannot be filled in: the data has no `order.number` (hi.text.hbs, line 2)"
    );
    let answer = error.answer();
    assert_eq!(
        answer.code.as_deref(),
        Some("template variable order.number")
    );
    assert_eq!(answer.provider, None, "nobody was asked");
    let words = of(json!({ "order": { "number": 7 } })).expect("rendered");
    assert_eq!(words.html, None);
    assert_eq!(words.text.as_deref(), Some("Hello\n7"));
}

#[test]
fn what_is_wrong_with_files_is_said() {
    let dir = directory(&[
        ("bare.subject.hbs", "x"),
        ("headless.html.hbs", "x"),
        ("broken.subject.hbs", "x"),
        ("broken.text.hbs", "fine\n{{#if a}} never closed"),
        ("good.subject.hbs", "x"),
        ("good.text.hbs", "x"),
    ]);
    std::fs::create_dir(dir.path().join("dir.subject.hbs")).expect("made");
    let names = ["bare", "headless", "broken", "good", "gone", "dir"];
    let (templates, problems) = Templates::load(dir.path(), names);
    let known: Vec<_> = names.iter().filter(|name| templates.has(name)).collect();
    assert_eq!(known, [&"good"]);
    let said: Vec<_> = problems
        .iter()
        .map(|(name, problem)| (name.as_str(), problem.to_string()))
        .collect();
    for (name, words) in [
        (
            "bare",
            "bare.subject.hbs is there, and bare.html.hbs or bare.text.hbs is not",
        ),
        (
            "headless",
            "headless.html.hbs is there, and headless.subject.hbs is not",
        ),
        ("broken", "broken.text.hbs is not a template: line 2"),
        ("gone", "there is no gone.subject.hbs in /"),
        ("dir", "dir.subject.hbs cannot be read: "),
    ] {
        let found = said.iter().find(|(of, _)| *of == name);
        let found = found.unwrap_or_else(|| panic!("{name} is fine: {said:?}"));
        assert!(found.1.starts_with(words), "{found:?}");
        assert!(!found.1.contains('\n'), "{found:?}");
    }
    assert_eq!(said.len(), 5);
}

/// What each template that is shipped needs, and no more.
#[test]
fn the_shipped_templates_are_whole() {
    let needs = [
        ("welcome", json!({ "firstName": "Ada" })),
        (
            "password_reset",
            json!({ "firstName": "Ada", "resetUrl": "https://shop.example.com/reset?a=1&b=2" }),
        ),
        (
            "order_confirmation",
            json!({ "firstName": "Ada", "orderNumber": "A-1", "orderTotal": "kr 10,00" }),
        ),
        (
            "invoice",
            json!({ "firstName": "Ada", "invoiceNumber": "I-1", "invoiceTotal": "kr 10,00" }),
        ),
        (
            "payment_failed",
            json!({ "firstName": "Ada", "orderNumber": "A-1" }),
        ),
    ];
    let (templates, problems) = Templates::load(&shipped(), needs.iter().map(|(name, _)| *name));
    assert_eq!(problems, []);
    for (name, full) in needs {
        let rendered = templates.render(name, &data(full.clone()));
        let rendered = rendered.unwrap_or_else(|error| panic!("{name}: {error}"));
        let (html, text) = (rendered.html.expect("HTML"), rendered.text.expect("text"));
        assert!(!rendered.subject.is_empty());
        assert!(html.starts_with("<!doctype html>") && html.contains("Ada"));
        assert!(text.contains("Ada") && !text.contains('<'), "{text}");
        for value in full.as_object().expect("an object").values() {
            let value = value.as_str().expect("a text");
            assert!(text.contains(value), "{name}: {value} is not in the text");
        }
    }
    let reset = templates.render(
        "password_reset",
        &data(json!({ "firstName": "Ada", "resetUrl": "\"><script>" })),
    );
    assert!(
        !reset
            .expect("rendered")
            .html
            .expect("HTML")
            .contains("<script")
    );
}
