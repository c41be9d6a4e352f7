//! `providers`.

use longshore_integration::Integration;
use serde_json::json;

use super::{Bench, Ran};

const SENDGRID: (&str, &str) = ("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.a");
const FROM: (&str, &str) = ("LONGSHORE_EMAIL__FROM__EMAIL", "no-reply@example.com");

fn run(bench: &Bench, env: &[(&str, &str)], args: &[&str]) -> Ran {
    Ran::of(args, bench.command(args).envs(env.iter().copied()))
}

#[test]
fn every_provider_is_shown_with_what_depends_on_it() {
    let mut bench = Bench::new();
    // It is about the configuration alone.
    bench.redis.kill();
    let owner = ("LONGSHORE_PROVIDERS__SENDGRID__OWNER", "Growth");
    let ran = run(&bench, &[SENDGRID, FROM, owner], &["providers", "--json"]);
    let rows = ran.ok().json();
    let of = |provider: &str| {
        let mut rows = rows.as_array().expect("a list").iter();
        rows.find(|row| row["provider"] == provider).cloned()
    };
    assert_eq!(
        of("sendgrid"),
        Some(json!({
            "provider": "sendgrid", "queue": "email", "on": true, "origin": "https://api.sendgrid.com",
            "criticality": "high", "sla_percent": 99.95, "owner": "Growth",
        }))
    );
    // It stands in for another, and is off.
    assert_eq!(
        of("postmark"),
        Some(json!({
            "provider": "postmark", "queue": "email", "on": false, "origin": null,
            "criticality": "high", "sla_percent": null, "owner": "Backend",
        }))
    );
    let table = bench.run(&["providers"]).ok().stdout;
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
    assert!(table.contains("twilio"), "{table}");
}

#[test]
fn one_provider_has_a_page() {
    let bench = Bench::new();
    let shown = run(&bench, &[SENDGRID, FROM], &["providers", "sendgrid"]);
    let shown = shown.ok().stdout;
    assert!(shown.starts_with("# SendGrid\n"), "{shown}");
    assert!(
        shown.contains("- configured: on, at https://api.sendgrid.com"),
        "{shown}"
    );
    bench
        .unchanged(&["providers", "sendgird"])
        .fails(2, "did you mean `sendgrid`?");
    bench
        .unchanged(&["providers", "fax"])
        .fails(2, "the providers are sendgrid, postmark, ");
}

/// What a page has to say, whoever's it is.
const SAYS: [&str; 4] = [
    "- **For**: ",
    "- **Credentials**: ",
    "- **Limits**: ",
    "- **Switching**: ",
];

#[test]
fn each_page_says_what_an_operator_looks_for() {
    let program = longshore::program();
    let providers = program
        .integrations()
        .iter()
        .flat_map(Integration::providers);
    let mut wrong = Vec::new();
    for provider in providers {
        for says in SAYS.iter().filter(|says| !provider.page.contains(*says)) {
            wrong.push(format!("{}: no `{says}`", provider.name));
        }
        let long = provider
            .page
            .lines()
            .filter(|line| line.chars().count() > 80);
        wrong.extend(long.map(|line| format!("{}: over 80 columns: {line}", provider.name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
