//! Priority, tenant and tags.

use serde_json::json;

use super::{Bench, WELCOME};

/// Whose job it is, how urgent and what it is found by travel with it; what a line of a bulk says wins over the options.
#[test]
fn priority_tenant_and_tags_travel_with_a_job() {
    let bench = Bench::new();
    let labels = |id: &str| {
        let job = bench.run(&["job", id, "--json"]).json();
        json!([job["priority"], job["tenant"], job["tags"]])
    };
    let enqueue = |args: &[&str]| {
        let ran = bench.run(&[&["enqueue", "send_email"], args].concat()).ok();
        ran.lines()[0].to_owned()
    };
    let id = enqueue(&[WELCOME]);
    assert_eq!(labels(&id), json!(["normal", null, []]));
    let reset = WELCOME.replace("welcome", "password_reset");
    assert_eq!(labels(&enqueue(&[&reset])), json!(["high", null, []]));
    let said = [
        "--priority",
        "low",
        "--tenant",
        "acme",
        "--tag",
        "spring",
        "--tag",
        "news",
    ];
    let id = enqueue(&[&[&*reset], &said[..]].concat());
    assert_eq!(labels(&id), json!(["low", "acme", ["spring", "news"]]));
    let shown = bench.run(&["job", &id]).ok().stdout;
    for line in [
        "priority     low",
        "tenant       acme",
        "tags         spring, news",
    ] {
        assert!(shown.contains(line), "{shown}");
    }

    let more = format!(
        r#"{{"args":{WELCOME},"key":"k","in":"1h","priority":"high","tenant":"å b","tags":["x"]}}"#
    );
    let lines = format!("{WELCOME}\n{more}\n{{\"args\":{WELCOME}}}\n");
    let args = [&["enqueue", "send_email", "-"], &said[..]].concat();
    let ran = bench.pipe(&args, lines.as_bytes()).ok();
    let found: Vec<_> = ran.lines().iter().map(|id| labels(id)).collect();
    let of_options = json!(["low", "acme", ["spring", "news"]]);
    assert_eq!(found[0], of_options);
    assert_eq!(found[1], json!(["high", "å b", ["x"]]));
    assert_eq!(found[2], of_options);
    let keyed = bench.run(&["job", ran.lines()[1], "--json"]).json();
    assert_eq!(keyed["state"], "scheduled");
    assert!(!keyed["idempotency_key"].is_null(), "{keyed}");

    for (line, why) in [
        (
            format!(r#"{{"args":{WELCOME},"tenants":"a"}}"#),
            "unknown field `tenants`",
        ),
        (
            format!(r#"{{"args":{WELCOME},"tags":["a\u0000"]}}"#),
            "tag: must be",
        ),
        (
            format!(r#"{{"args":{WELCOME},"in":"90"}}"#),
            "90s, 15m, 2h or 1d",
        ),
        (
            r#"{"args":{"template":"welcome"}}"#.to_owned(),
            "args: missing field `to`",
        ),
    ] {
        let lines = format!("{WELCOME}\n{line}");
        let ran = bench.pipe(&["enqueue", "send_email", "-"], lines.as_bytes());
        let ran = ran.fails(2, why);
        assert!(ran.stderr.contains("line 2: "), "{ran:?}");
        assert!(!ran.stderr.contains("ada"), "{ran:?}");
    }
}

#[test]
fn a_priority_tenant_or_tag_that_cannot_be_is_refused() {
    let bench = Bench::new();
    let tags = ["--tag", "t"].repeat(11);
    for (args, why) in [
        (&["--priority", "urgent"][..], "must be high, normal or low"),
        (&["--tenant", ""], "tenant: must be"),
        (&["--tag", "a\nb"], "tag: must be"),
        (&tags, "at most 10 tags"),
    ] {
        let args = [&["enqueue", "send_email", WELCOME], args].concat();
        bench.unchanged(&args).fails(2, why);
    }
}
