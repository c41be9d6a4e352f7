//! The alerts that are shipped: they go by metrics that there are, to whom the criticality says, and say what to do.

use std::collections::BTreeSet;

use longshore_client::JobState;
use longshore_console::Console;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, eventually};
use yaml_rust2::{Yaml, YamlLoader};

const RULES: &str = include_str!("../../deploy/prometheus/rules.yaml");
const RUNBOOK: &str = include_str!("../../docs/runbook.md");

struct Alert {
    name: String,
    expr: String,
    severity: String,
    criticality: String,
    annotations: Yaml,
}

impl Alert {
    fn says(&self, what: &str) -> &str {
        self.annotations[what].as_str().unwrap_or_default()
    }
}

fn rules() -> Vec<Yaml> {
    let file = YamlLoader::load_from_str(RULES).expect("is YAML").remove(0);
    let groups = file["groups"].as_vec().expect("has groups");
    groups
        .iter()
        .flat_map(|group| group["rules"].as_vec().expect("has rules").clone())
        .collect()
}

fn alerts() -> Vec<Alert> {
    let text = |value: &Yaml| value.as_str().unwrap_or_default().to_owned();
    let rules = rules()
        .into_iter()
        .filter(|rule| !rule["alert"].is_badvalue());
    rules
        .map(|rule| Alert {
            name: text(&rule["alert"]),
            expr: text(&rule["expr"]),
            severity: text(&rule["labels"]["severity"]),
            criticality: text(&rule["labels"]["criticality"]),
            annotations: rule["annotations"].clone(),
        })
        .collect()
}

/// Every metric that an expression names.
fn named(expr: &str) -> BTreeSet<String> {
    expr.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.starts_with("longshore_"))
        .map(str::to_owned)
        .collect()
}

/// The anchor that a heading gets.
fn anchors() -> BTreeSet<String> {
    let headings = RUNBOOK.lines().filter_map(|line| line.strip_prefix("## "));
    headings
        .map(|heading| heading.to_lowercase().replace(' ', "-"))
        .collect()
}

/// What an annotation says, with the words of the runbook for labels.
fn in_words(annotation: &str) -> String {
    annotation
        .replace("{{ $labels.queue }}", "QUEUE")
        .replace("{{ $labels.group }}", "GROUP")
        .replace("{{ $labels.provider }}", "PROVIDER")
        .replace("{{ $labels.entry }}", "ENTRY")
        .replace("{{ $labels.token }}", "NAME")
}

/// What the console does not show: it asks Redis alone.
const NOT_ON_THE_CONSOLE: &[&str] = &[
    "LongshoreApiSlow",
    "LongshoreApiThrottled",
    "LongshoreApiUnavailable",
    "LongshoreClockJumped",
    "LongshoreEventsDropped",
    "LongshoreEventsLag",
    "LongshoreOutboxGone",
    "LongshoreOutboxHeld",
    "LongshoreOutboxLags",
    "LongshoreRedisReplicaLost",
];

/// The alert, its section of the runbook and the console name the same page, and the console has it.
#[test]
fn each_names_the_page_of_the_console_that_its_section_names() {
    let pages = Console::paths();
    for alert in alerts() {
        let name = &alert.name;
        let page = in_words(alert.says("console"));
        assert_eq!(
            page.is_empty(),
            NOT_ON_THE_CONSOLE.contains(&&**name),
            "{name}"
        );
        if page.is_empty() {
            continue;
        }
        let (_, section) = RUNBOOK
            .split_once(&format!("## {name}\n"))
            .expect("has one");
        let section = section.split("\n## ").next().unwrap_or_default();
        let said = format!("**Console:** `{page}`\n");
        assert!(
            section.contains(&said),
            "the section of {name} lacks {said:?}"
        );
        let path = page.split('#').next().unwrap_or_default();
        let path = path.replace("QUEUE", "{queue}").replace("GROUP", "{group}");
        assert!(pages.iter().any(|(known, _)| *known == path), "{path}");
    }
}

#[test]
fn each_goes_to_whom_the_criticality_says_and_says_what_to_do() {
    let alerts = alerts();
    assert!(alerts.len() > 15, "{} alerts", alerts.len());
    let anchors = anchors();
    let runbook: String = RUNBOOK.split_whitespace().collect::<Vec<_>>().join(" ");
    for alert in &alerts {
        let name = &alert.name;
        let severity = match alert.criticality.as_str() {
            "critical" | "high" => "page",
            "medium" => "ticket",
            other => panic!("{name} is {other}"),
        };
        assert_eq!(alert.severity, severity, "{name}");
        for what in ["summary", "action", "runbook"] {
            assert!(!alert.says(what).is_empty(), "{name} has no {what}");
        }
        let (file, anchor) = alert.says("runbook").split_once('#').expect("an anchor");
        assert_eq!((file, anchor), ("docs/runbook.md", &*name.to_lowercase()));
        assert!(anchors.contains(anchor), "{name} is not in the runbook");
        let said = format!("**Do:** {}", in_words(alert.says("action")));
        assert!(runbook.contains(&said), "the runbook lacks {said:?}");
    }
    let names: BTreeSet<_> = alerts.iter().map(|a| a.name.to_lowercase()).collect();
    for anchor in anchors
        .iter()
        .filter(|anchor| anchor.starts_with("longshore"))
    {
        assert!(names.contains(anchor), "nothing leads to {anchor}");
    }
}

#[test]
fn what_is_critical_wakes_somebody_sooner_and_what_is_low_nobody() {
    let alerts = alerts();
    for name in [
        "LongshoreDeadLettersGrow",
        "LongshoreOldestPending",
        "LongshoreBreakerOpen",
        "LongshoreQueuePausedItself",
        "LongshoreNoWorkers",
    ] {
        let of: Vec<_> = alerts.iter().filter(|alert| alert.name == name).collect();
        let whom: Vec<_> = of.iter().map(|a| a.criticality.as_str()).collect();
        assert_eq!(whom, ["critical", "high", "medium"], "{name}");
        for alert in of {
            let joined = format!("{{criticality=\"{}\"}}", alert.criticality);
            assert!(alert.expr.contains(&joined), "{name}: {}", alert.expr);
        }
    }
}

/// Where one letter may be a user who goes on being billed, the first one wakes somebody, within five minutes.
#[test]
fn the_first_dead_letter_of_a_critical_provider_wakes_somebody() {
    let rules = rules();
    let rule = rules
        .iter()
        .find(|rule| rule["alert"].as_str() == Some("LongshoreFirstDeadLetter"));
    let rule = rule.expect("there is such an alert");
    let expr = rule["expr"].as_str().expect("an expression");
    assert!(
        expr.contains("> 0\nunless") && expr.contains("criticality=\"critical\""),
        "{expr}"
    );
    assert_eq!(rule["labels"]["severity"].as_str(), Some("page"));
    // With a scrape and an evaluation each minute that is three minutes.
    assert_eq!(rule["for"].as_str(), Some("1m"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_that_they_go_by_is_there() {
    let stage = Stage::set().await;
    let mut limit = redis::cmd("CONFIG");
    limit.arg("SET").arg("maxmemory").arg("1gb");
    let _: String = stage.queue.link().command(&limit).await.expect("is set");
    let refusal = Fault::Answer {
        status: 400,
        headers: [].into(),
        body: None,
        effect: false,
    };
    let worker = stage
        .worker()
        .concurrency(1)
        .set("CRON__NEW_YEAR__SCHEDULE", "0 0 1 1 *")
        .set("CRON__NEW_YEAR__KIND", "send_email")
        .set(
            "CRON__NEW_YEAR__ARGS",
            r#"{template = "welcome", to = {email = "ada@example.com"}, data = {}}"#,
        )
        .start()
        .await;
    stage.faults([FaultRule::first(1, refusal)]);
    let limit = [
        "limit", "email", "50/s", "--for", "1h", "--reason", "slowly",
    ];
    assert_eq!(stage.longshore(&limit).await.code, Some(0));
    let ids = stage.enqueue(2).await;
    stage.is(ids[0], JobState::Dead).await;
    stage.is(ids[1], JobState::Completed).await;
    stage.faults([FaultRule::always(Fault::HangUp { effect: false })]);
    let id = stage.enqueue(1).await[0];
    stage.is(id, JobState::Retryable).await;

    let wanted: BTreeSet<String> = rules()
        .iter()
        .flat_map(|rule| named(rule["expr"].as_str().expect("an expression")))
        // What carriers and APIs tell; `deploy/check/scrape.py` has one of each.
        .filter(|name| {
            let roles = ["longshore_outbox_", "longshore_api_"];
            !roles.iter().any(|role| name.starts_with(role))
        })
        .collect();
    assert!(wanted.len() > 8, "{wanted:?}");
    eventually("every metric is there", || async {
        let (_, metrics) = worker.get("/metrics").await;
        let there = |name: &String| {
            let mut lines = metrics.lines();
            lines.any(|line| line.split(['{', ' ']).next() == Some(name))
        };
        let missing: Vec<_> = wanted.iter().filter(|name| !there(name)).collect();
        println!("missing: {missing:?}");
        missing.is_empty()
    })
    .await;
    let (_, metrics) = worker.get("/metrics").await;
    let group = metrics
        .lines()
        .find(|line| line.starts_with("longshore_dead_letters{"))
        .expect("its group");
    let labels = r#"kind="send_email",provider="sendgrid",class="refused"} 1"#;
    assert!(group.ends_with(labels), "{group}");
    let most = "longshore_redis_memory_max_bytes 1073741824";
    assert!(metrics.lines().any(|line| line == most), "{metrics}");
}
