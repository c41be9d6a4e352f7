use longshore_app::config::{Config, CronSettings};
use longshore_cron::CatchUp;

use super::check;
use crate::{finding, findings, good};

const SMS: &str = r#"
    cron.greet.schedule = "0 7 * * *"
    cron.greet.kind = "send_sms"
    cron.greet.args = { to = "+4790000000", body = "God morgen" }
"#;

#[track_caller]
fn entry<'a>(config: &'a Config, name: &str) -> &'a CronSettings {
    let found = config.cron.iter().find(|cron| cron.entry.name() == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

/// 2026-11-23T12:00:00Z, and the midnight after it.
const NOON: u64 = 1_795_435_200_000;
const MIDNIGHT: u64 = 1_795_478_400_000;

#[test]
fn the_reconcile_is_built_in_and_can_be_changed_and_switched_off() {
    let config = good("", &[]);
    let nightly = entry(&config, "nightly-reconcile");
    assert!(nightly.enabled);
    assert_eq!(nightly.entry.queue(), "payment-reconcile");
    assert_eq!(nightly.entry.catch_up(), CatchUp::All);
    let next = nightly.entry.schedule().next(NOON).unwrap();
    assert_eq!(next, MIDNIGHT + 150 * 60_000);
    let job = nightly.entry.job(next).unwrap();
    let payload: serde_json::Value = serde_json::from_slice(&job.payload).unwrap();
    assert_eq!(
        payload["args"],
        serde_json::json!({ "from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z", "repair": false })
    );

    let env = [
        ("LONGSHORE_CRON__NIGHTLY_RECONCILE__ENABLED", "false"),
        ("LONGSHORE_CRON__NIGHTLY_RECONCILE__TIMEZONE", "Europe/Oslo"),
    ];
    let config = good("cron.nightly-reconcile.schedule = '0 0 * * *'", &env);
    let nightly = entry(&config, "nightly-reconcile");
    assert!(!nightly.enabled);
    assert_eq!(
        nightly.entry.schedule().next(NOON),
        Some(MIDNIGHT - 3_600_000)
    );
    assert_eq!(config.cron.len(), 8, "the same entry, not another");
}

#[test]
fn buckets_are_swept_given_their_rules_and_what_was_elsewhere_by_themselves() {
    let config = good("", &[]);
    let mut nightly: Vec<_> = config.cron.iter().map(|cron| &cron.entry).collect();
    nightly.retain(|entry| entry.queue() == "export-cleanup");
    let mut kinds: Vec<String> = nightly
        .iter()
        .map(|entry| {
            assert_eq!(entry.catch_up(), CatchUp::Once);
            let job = entry.job(MIDNIGHT).unwrap();
            String::from_utf8(job.payload).unwrap()
        })
        .collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [
            r#"{"kind":"apply_lifecycle","v":1,"args":{"bucket":"exports"}}"#,
            r#"{"kind":"apply_lifecycle","v":1,"args":{"bucket":"uploads"}}"#,
            r#"{"kind":"move_back","v":1,"args":{"bucket":"exports"}}"#,
            r#"{"kind":"move_back","v":1,"args":{"bucket":"uploads"}}"#,
            r#"{"kind":"sweep_bucket","v":1,"args":{"bucket":"exports","dry_run":false}}"#,
            r#"{"kind":"sweep_bucket","v":1,"args":{"bucket":"uploads","dry_run":false}}"#,
        ]
    );
}

#[test]
fn args_are_a_table_or_a_json_text_and_a_variable_is_enough() {
    let table = good(SMS, &[]);
    let text = r#"
        [cron.greet]
        schedule = "0 7 * * *"
        kind = "send_sms"
        args = '{"to":"+4790000000","body":"God morgen"}'
    "#;
    let env = [
        ("LONGSHORE_CRON__GREET__SCHEDULE", "0 7 * * *"),
        ("LONGSHORE_CRON__GREET__KIND", "send_sms"),
        (
            "LONGSHORE_CRON__GREET__ARGS",
            r#"{"to":"+4790000000","body":"God morgen"}"#,
        ),
    ];
    let payload = |config: &Config| entry(config, "greet").entry.job(NOON).unwrap().payload;
    assert_eq!(payload(&table), payload(&good(text, &[])));
    assert_eq!(payload(&table), payload(&good("", &env)));
}

#[test]
fn args_are_shown_without_what_may_be_personal() {
    let config = good(SMS, &[]);
    let shown = |key: &str| {
        let value = config.values().iter().find(|value| value.key == key);
        value
            .unwrap_or_else(|| panic!("no {key}"))
            .value
            .to_string()
    };
    let args = shown("cron.greet.args");
    assert!(
        args.contains("body") && !args.contains("morgen") && !args.contains("+47"),
        "{args}"
    );
    assert!(shown("cron.nightly-reconcile.args").contains("{day-1d}"));
    assert!(!format!("{:?}", config.cron).contains("morgen"));
}

#[test]
fn each_mistake_is_found_with_its_cure() {
    let rules = [
        (
            "cron.greet.schedule = '0 25 * * *'",
            "cron.greet.schedule",
            "its hour is `25`",
            "0 to 23",
        ),
        (
            "cron.greet.schedule = '@daily'",
            "cron.greet.schedule",
            "@daily",
            "`0 0 * * *`",
        ),
        (
            "cron.greet.schedule = '0 0 30 2 *'",
            "cron.greet.schedule",
            "no time at all",
            "name a day",
        ),
        (
            "cron.greet.timezone = 'Europe/Olso'",
            "cron.greet.timezone",
            "no time zone `Europe/Olso`",
            "`Europe/Oslo`?",
        ),
        (
            "cron.greet.timezone = 'xyzzy'",
            "cron.greet.timezone",
            "no time zone",
            "IANA",
        ),
        (
            "cron.greet.kind = 'sendsms'",
            "cron.greet.kind",
            "no kind `sendsms`",
            "did you mean `send_sms`?",
        ),
        (
            "cron.greet.kind = 'xyzzy'",
            "cron.greet.kind",
            "no kind",
            "use one of send_email, ",
        ),
        (
            "cron.greet.catch_up = 'some'",
            "cron.greet.catch_up",
            "is `some`",
            "none, once or all",
        ),
        (
            "cron.greet.enabled = 'no'",
            "cron.greet.enabled",
            "is a text",
            "true or false",
        ),
        (
            "cron.greet.args = 'hunter2'",
            "cron.greet.args",
            "neither a table nor",
            "JSON object",
        ),
        (
            "cron.greet.args = [1]",
            "cron.greet.args",
            "neither a table nor",
            "JSON object",
        ),
        (
            "cron.greet.args.body = '{tick-1x}'",
            "cron.greet.args",
            "none: {tick-1x}",
            "{day-1d}",
        ),
        (
            "cron.greet.args.to = 'hunter2'",
            "cron.greet.args",
            "not those of send_sms: to:",
            "longshore enqueue",
        ),
        (
            "cron.greet.args.hunter = 1",
            "cron.greet.args",
            "unknown field",
            "longshore enqueue",
        ),
        (
            "cron.greet.at = 1",
            "cron.greet.at",
            "not a key",
            "known here",
        ),
        (
            "cron.Greet = { schedule = '* * * * *', kind = 'send_sms', args = { to = '+4790000000', body = 'x' } }",
            "cron.Greet",
            "not a valid name",
            "a-z, 0-9, _ and -",
        ),
        ("cron.other = 1", "cron.other", "not a table", "schedule"),
    ];
    for rule in rules {
        // Instead of what is set above it.
        let key = rule.0.split(" = ").next().unwrap();
        let base: String = SMS
            .lines()
            .filter(|line| {
                let own = line.trim().split(" = ").next().unwrap();
                own != key && !(own.ends_with(".args") && key.starts_with("cron.greet.args."))
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let base = match key.strip_prefix("cron.greet.args.") {
            None => base,
            Some("to") => base + "cron.greet.args.body = 'x'",
            Some("body") => base + "cron.greet.args.to = '+4790000000'",
            Some(_) => base + "cron.greet.args.to = '+4790000000'\ncron.greet.args.body = 'x'",
        };
        check(&[rule], &base);
    }
}

#[test]
fn all_mistakes_of_an_entry_are_found_at_once() {
    let toml =
        "cron.a = { timezone = 'Mars', kind = 'x', args = 'y', catch_up = 'z', enabled = 1 }";
    let mut keys: Vec<_> = findings(toml, &[]).into_iter().map(|f| f.key).collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "cron.a.args",
            "cron.a.catch_up",
            "cron.a.enabled",
            "cron.a.kind",
            "cron.a.schedule",
            "cron.a.timezone"
        ]
    );
    // Args of a kind that has to have some.
    let found = finding(
        "cron.a = { schedule = '* * * * *', kind = 'send_sms' }",
        &[],
    );
    assert_eq!(found.key, "cron.a.args");
}
