//! `services.<name>`: providers that the configuration alone describes.

use longshore_app::config::Severity;
use longshore_app::registry;
use longshore_job::Job;
use longshore_operator::RepeatEffect;
use longshore_services::CallService;
use serde_json::json;

use crate::{findings, good};

const DOCS: &str = include_str!("../../../../../docs/services.md");

const CRM: &str = r#"
    [services.crm]
    base_url = "https://api.crm.example.com"
    auth = { type = "bearer", token = "env:CRM_TOKEN" }
    [services.crm.operations]
    ping = { method = "GET", path = "/ping" }
    update = { method = "PATCH", path = "/contacts/{id}" }
"#;

/// One of the examples has its secret there.
const VAULT: [(&str, &str); 2] = [
    (
        "LONGSHORE_PROVIDERS__VAULT__ADDR",
        "https://vault.example.com",
    ),
    ("LONGSHORE_PROVIDERS__VAULT__TOKEN", "env:VAULT_TOKEN"),
];

/// The examples of the page that are written for this file.
fn examples(file: &str) -> Vec<String> {
    let blocks = DOCS.split("```toml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let of = format!("# {file}\n");
    let ours = blocks.filter_map(|block| block.strip_prefix(&*of));
    ours.map(str::to_owned).collect()
}

#[test]
fn a_provider_is_twenty_lines_of_toml() {
    let examples = examples("config/default.toml");
    assert_eq!(examples.len(), 2);
    for example in &examples {
        let lines = example.lines().filter(|line| !line.is_empty()).count();
        assert!(lines <= 20, "{lines} lines: {example}");
    }
    let config = good(&examples.join("\n"), &VAULT);
    assert!(config.warnings().is_empty(), "{}", config.warnings());
    let names: Vec<_> = config.queue_names().into_iter().collect();
    assert!(names.contains(&"svc-crm") && names.contains(&"svc-push"));
    let crm = config.listed("crm").expect("in the inventory");
    assert_eq!(crm.to_string(), "medium, SLA 99.9 %, owner Sales");
    let push = config.listed("push").expect("in the inventory");
    assert_eq!(push.to_string(), "low, owner Apps");
    let keys: Vec<_> = config.secrets().into_iter().map(|(key, _)| key).collect();
    assert!(keys.contains(&"services.crm.auth.client_secret".to_owned()));
    assert!(keys.contains(&"services.push.auth.value".to_owned()));
    // Its own queue has the keys of every queue.
    let kind = config.kind(CallService::KIND, "svc-crm").expect("known");
    assert_eq!(kind.on_unknown.value.as_str(), "hold");
    let toml = format!("{}\n[queues.svc-crm]\nretry_seconds = [5]", examples[0]);
    let concurrency = ("LONGSHORE_QUEUES__SVC_CRM__CONCURRENCY", "3");
    let config = good(&toml, &[VAULT[0], VAULT[1], concurrency]);
    assert_eq!(config.queue("svc-crm").map(|of| of.concurrency), Some(3));
    let kind = config.kind(CallService::KIND, "svc-crm").expect("known");
    assert_eq!(kind.retry.value.max_attempts(), 2);
}

#[test]
fn jobs_of_the_page_are_those_of_its_services() {
    let config = good(&examples("config/default.toml").join("\n"), &VAULT);
    let jobs = DOCS.lines().filter_map(|line| {
        let args = line.strip_prefix("longshore enqueue call_service '")?;
        args.strip_suffix('\'')
    });
    let mut count = 0;
    for args in jobs {
        let prepared = config.kinds().prepare(CallService::KIND, args);
        assert_eq!(prepared.expect(args).queue, "svc-crm");
        count += 1;
    }
    assert_eq!(count, 2);
    for (args, said) in [
        (
            r#"{"service":"sms","operation":"x"}"#,
            "service: is not configured; there are crm, push",
        ),
        (
            r#"{"service":"crm","operation":"x"}"#,
            "operation: crm has no such one",
        ),
        (
            r#"{"service":"crm","operation":"update_contact"}"#,
            "path_params: lacks id",
        ),
        (
            r#"{"service":"crm","operation":"ping","body":1}"#,
            "body: a GET has none",
        ),
    ] {
        let wrong = config.kinds().prepare(CallService::KIND, args);
        let wrong = wrong.expect_err(args).to_string();
        assert!(wrong.contains(said), "{args}: {wrong}");
    }
}

#[test]
fn where_no_service_is_described_its_kind_is_known_and_that_is_said() {
    let config = good("kinds.call_service.timeout_seconds = 7", &[]);
    let job = r#"{"service":"crm","operation":"x"}"#;
    let wrong = config.kinds().prepare(CallService::KIND, job);
    let wrong = wrong.expect_err("nowhere to go").to_string();
    assert!(
        wrong.contains("there is none: describe it by services.<name>"),
        "{wrong}"
    );
    let general = config
        .kind(CallService::KIND, CallService::QUEUE)
        .expect("known");
    assert_eq!(general.on_unknown.value.as_str(), "hold");
    assert_eq!(general.timeout.value.as_secs(), 7);
    assert!(!config.queue_names().contains(&CallService::QUEUE));
}

/// What an operator is told before a replay.
#[test]
fn a_second_request_does_harm_where_it_changes_something_and_carries_no_key() {
    let config = good(&examples("config/default.toml").join("\n"), &VAULT);
    let crm = config.integration_of("svc-crm").expect("there is one");
    let effect = registry::repeats(&config, crm.provider.as_ref(), false);
    let RepeatEffect::ByArgs(of) = effect else {
        panic!("{effect:?}");
    };
    for (operation, expected) in [
        ("find_contact", "Verified"),
        ("create_contact", "KeyedOnly(86400s)"),
        ("update_contact", "Double"),
        ("unknown", "Double"),
    ] {
        let args = json!({ "service": "crm", "operation": operation });
        assert_eq!(format!("{:?}", of(&args)), expected, "{operation}");
    }
}

/// A service can be described by variables alone.
#[test]
fn the_environment_describes_a_service_too() {
    let config = good(
        CRM,
        &[
            ("LONGSHORE_SERVICES__CRM__AUTH__TOKEN", "t0ken"),
            (
                "LONGSHORE_SERVICES__PUSH",
                "{ base_url = 'https://push.example.com', auth = { type = 'none' }, operations = { send = { method = 'POST', path = '/' } } }",
            ),
            ("LONGSHORE_SERVICES__CRM__OPERATIONS__UPDATE__METHOD", "PUT"),
        ],
    );
    let token = config.values().iter();
    let mut token = token.filter(|value| value.key == "services.crm.auth.token");
    assert_eq!(
        token.next().map(|shown| shown.value.clone()),
        Some("***".into())
    );
    let method = config.values().iter();
    let mut method = method.filter(|value| value.key == "services.crm.operations.update.method");
    assert_eq!(
        method.next().map(|shown| shown.value.clone()),
        Some("PUT".into())
    );
    assert!(config.queue_names().contains(&"svc-push"));
}

/// What is said of this configuration at this key.
#[track_caller]
fn said_at(toml: &str, key: &str, said: &str) {
    let found = findings(toml, &[]);
    let at = found.iter().find(|finding| finding.key == key);
    let at = at.unwrap_or_else(|| panic!("nothing at {key}: {toml}\n{found:#?}"));
    assert_eq!(at.severity, Severity::Error);
    assert!(at.problem.contains(said), "{key}: {}", at.problem);
}

#[test]
fn what_is_wrong_with_a_service_is_found() {
    let above = |more: &str| {
        let table = "[services.crm.operations]";
        CRM.replace(table, &format!("{more}\n{table}"))
    };
    let another = |name: &str, more: &str| {
        let keys = "base_url = 'https://x.example'\nauth = { type = 'none' }";
        format!("{CRM}\n[services.{name}]\n{keys}\n{more}")
    };
    const PING: &str = "operations.a = { method = 'GET', path = '/' }";
    for (toml, key, said) in [
        (another("CRM", PING), "services.CRM", "cannot be a name"),
        (
            another("stripe", PING),
            "services.stripe",
            "the name of a provider",
        ),
        (
            another("x", ""),
            "services.x.operations",
            "has no operation",
        ),
        (
            above("smoke = 'update'"),
            "services.crm.smoke",
            "is not a GET",
        ),
        (
            above("criticality = 'vital'"),
            "services.crm.criticality",
            "is `vital`",
        ),
        (
            CRM.replace("\"bearer\"", "\"basic\", user = 'a', password = 'b'"),
            "services.crm.auth.token",
            "does not belong to the type basic",
        ),
        (
            CRM.replace(", token = \"env:CRM_TOKEN\"", ""),
            "services.crm.auth.token",
            "is not set",
        ),
        (
            CRM.replace("crm.example.com", "crm.example.com/v1"),
            "services.crm.base_url",
            "is not an origin",
        ),
    ] {
        said_at(&toml, key, said);
    }
    let many: String = (0..101).map(|n| another(&format!("x{n}"), PING)).collect();
    let many = many.replace(CRM, "");
    said_at(&many, "services", "has 101 tables");
}

#[test]
fn what_is_wrong_with_an_operation_is_found() {
    const GET: &str = "method = 'GET'\npath = '/a'";
    const LISTS: &str = "success = [404]\nrefused = [404]";
    const KEY_TWICE: &str = "headers = { x-key = '1' }\nidempotency_header = 'X-Key'";
    for (keys, more, key, said) in [
        ("method = 'TRACE'\npath = '/'", "", "method", "is `TRACE`"),
        (
            "method = 'GET'\npath = '/../b'",
            "",
            "path",
            "of dots alone",
        ),
        (
            GET,
            LISTS,
            "refused",
            "has 404, which is in `success` as well",
        ),
        (GET, "refused = [401]", "refused", "not a list of statuses"),
        (
            GET,
            "headers = { authorization = 'x' }",
            "headers",
            "a name that no header has",
        ),
        (
            GET,
            "headers = { x-a = \"1\\r\\nx-b: 2\" }",
            "headers",
            "what cannot stand in a header",
        ),
        (GET, KEY_TWICE, "headers", "carries the job's key"),
        (GET, "body = 1", "body", "is not a key"),
    ] {
        let toml = format!("{CRM}\n[services.crm.operations.a]\n{keys}\n{more}");
        said_at(&toml, &format!("services.crm.operations.a.{key}"), said);
    }
}
