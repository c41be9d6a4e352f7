//! `kinds`.

use serde_json::{Value, json};

use super::{Bench, Ran, WELCOME};

#[test]
fn every_kind_is_shown_with_what_holds_and_who_says_so() {
    let mut bench = Bench::new();
    // It is about the configuration alone.
    bench.redis.kill();
    std::fs::create_dir(bench.dir.path().join("config")).expect("there is room");
    let toml = "queues.payment-reconcile.on_unknown = 'verify'\n\
                kinds.reconcile_payments.timeout_seconds = 7200\n";
    std::fs::write(bench.dir.path().join("config/default.toml"), toml).expect("there is room");

    let ran = bench.run(&["kinds", "--json"]).ok();
    let rows = ran.json();
    let rows = rows.as_array().expect("a list");
    assert_eq!(rows.len(), longshore_kinds(), "{rows:?}");
    let of = |kind: &str| {
        let mut rows = rows.iter().filter(|row| row["kind"] == kind);
        rows.next().expect("is shown").clone()
    };
    let reconcile = of("reconcile_payments");
    assert_eq!(
        reconcile["timeout_seconds"],
        json!({"value": 7200.0, "from": "kinds.reconcile_payments"})
    );
    // It cannot be asked about, whatever the queue is to do.
    assert_eq!(
        reconcile["on_unknown"],
        json!({"value": "retry", "from": "queues.payment-reconcile"})
    );
    let payment = of("create_payment_intent");
    assert_eq!(payment["queue"], "payment-reconcile");
    assert_eq!(
        payment["timeout_seconds"],
        json!({"value": 55.0, "from": "kind"})
    );
    assert_eq!(
        payment["expires_seconds"],
        json!({"value": 60.0, "from": "kind"})
    );
    assert_eq!(
        payment["on_unknown"],
        json!({"value": "verify", "from": "queues.payment-reconcile"})
    );
    assert_eq!(
        payment["retry_seconds"],
        json!({"value": [], "from": "kind"})
    );
    assert_eq!(
        of("send_sms")["retry_seconds"],
        json!({"value": [60.0, 300.0, 900.0], "from": "default"})
    );

    let table = bench.run(&["kinds"]).ok().stdout;
    let line = table
        .lines()
        .find(|line| line.starts_with("reconcile_payments"))
        .expect("a row");
    assert!(line.contains("7200 s (kinds.reconcile_payments)"), "{line}");
}

fn longshore_kinds() -> usize {
    let program = longshore::program();
    let kinds = program.integrations().iter().map(|of| of.kinds.len());
    let made = program.families().iter().map(|of| of.kinds.len());
    kinds.chain(made).sum()
}

/// A kind whose queues the configuration names is shown like every other, with and without queues.
#[test]
fn every_kind_is_shown_in_one_form() {
    let bench = Bench::new();
    let with = |services: &[&str], args: &[&str]| {
        let mut command = bench.command(args);
        for name in services {
            let service = format!(
                "{{ base_url = 'https://{name}.example.com', auth = {{ type = 'none' }}, operations = {{ ping_{name} = {{ method = 'GET', path = '/' }} }} }}"
            );
            command.env(
                format!("LONGSHORE_SERVICES__{}", name.to_uppercase()),
                service,
            );
        }
        command.env("LONGSHORE_RETRY__SCHEDULE_SECONDS", "[7]");
        command.env("LONGSHORE_KINDS__CALL_SERVICE__TIMEOUT_SECONDS", "9");
        if services.contains(&"crm") {
            command.env("LONGSHORE_QUEUES__SVC_CRM__RETRY_SECONDS", "[5]");
        }
        Ran::of(args, &mut command).ok()
    };
    let names = |row: &Value| {
        row.as_object()
            .expect("a row")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let one = with(&[], &["kinds", "send_sms", "--json"]).json();
    assert_eq!(one["queues"][0]["queue"], "sms");
    for (services, queues) in [
        (&[][..], json!([])),
        (&["crm"], json!(["svc-crm"])),
        (&["crm", "push"], json!(["svc-crm", "svc-push"])),
    ] {
        let service = with(services, &["kinds", "call_service", "--json"]).json();
        assert_eq!(names(&service), names(&one), "{services:?}");
        assert_eq!(service["queue"], "svc-<name>");
        let general = json!({"value": [7.0], "from": "default"});
        assert_eq!(service["retry_seconds"], general);
        let timeout = json!({"value": 9.0, "from": "kinds.call_service"});
        assert_eq!(service["timeout_seconds"], timeout);
        let of = service["queues"].as_array().expect("a list").iter();
        let of: Value = of.map(|of| of["queue"].clone()).collect();
        assert_eq!(of, queues);
        let rows = with(services, &["kinds", "--json"]).json();
        for row in rows.as_array().expect("a list") {
            assert_eq!(names(row), names(&one));
        }
        let table = with(services, &["kinds"]).stdout;
        let lines = table
            .lines()
            .filter(|line| line.starts_with("call_service"));
        assert_eq!(lines.count(), services.len().max(1), "{table}");
    }
    let two = with(&["crm", "push"], &["kinds", "call_service", "--json"]).json();
    let own = json!({"value": [5.0], "from": "queues.svc-crm"});
    assert_eq!(two["queues"][0]["retry_seconds"], own);
    let args = &two["args"]["properties"];
    assert_eq!(args["service"]["enum"], json!(["crm", "push"]));
    assert_eq!(args["operation"]["enum"], json!(["ping_crm", "ping_push"]));
    let text = with(&["crm", "push"], &["kinds", "call_service"]).stdout;
    assert!(text.contains("queue        svc-push"), "{text}");
}

#[test]
fn one_kind_is_shown_with_its_args() {
    let bench = Bench::new();
    let sms = bench.run(&["kinds", "send_sms", "--json"]).ok().json();
    assert_eq!(
        sms["args"],
        json!({
            "type": "object",
            "properties": {
                "body": {"type": "string"},
                "content_sid": {"type": ["string", "null"]},
                "content_variables": {"type": "object", "additionalProperties": {"type": "string"}},
                "from": {"type": ["string", "null"]},
                "media_urls": {"type": "array", "items": {"type": "string"}},
                "to": {"type": "string"},
            },
            "required": ["to"],
            "additionalProperties": false,
        })
    );
    assert_eq!(sms["public_args"], json!(["content_sid", "from"]));
    assert_eq!(
        (&sms["version"], &sms["verifiable"]),
        (&json!(1), &json!(true))
    );
    let mail = bench.run(&["kinds", "send_email"]).ok().stdout;
    assert!(mail.contains("template"), "{mail}");
    assert!(
        mail.contains("set by its args, at least 1800 s (kind)"),
        "{mail}"
    );

    let slip = bench.unchanged(&["kinds", "send_emial"]);
    slip.fails(2, "did you mean `send_email`?");
    let guess = bench.unchanged(&["kinds", "fax"]);
    guess.fails(2, "the kinds are send_email, send_sms");
}

/// What a kind's expiry is, workers say when its turn comes; what a producer says stands in the record, and goes first.
#[test]
fn an_expiry_stands_in_the_record_where_it_was_asked_for() {
    let bench = Bench::new();
    let reset = WELCOME.replace("welcome", "password_reset");
    let expires = || {
        let job = bench.claim().remove(0);
        job.expires_at_ms.map(|at| at - job.first_due_ms)
    };
    bench.run(&["enqueue", "send_email", &reset]).ok();
    assert_eq!(expires(), None);
    bench
        .run(&["enqueue", "send_email", &reset, "--expires-in", "2h"])
        .ok();
    assert_eq!(expires(), Some(7_200_000));
}
