//! `providers.sentry.*`.

use super::check;
use crate::{good, load_as};

#[test]
fn off_without_a_dsn() {
    assert!(good("", &[]).sentry.is_none());
    let on = good(
        "providers.sentry.dsn = 'https://hunter2@o1.ingest.sentry.io/7'",
        &[],
    );
    let shown = format!("{:?} {:?}", on.sentry, on.values());
    assert!(on.sentry.is_some() && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_dsn_that_is_none_is_found_and_not_quoted() {
    check(
        &[
            (
                "providers.sentry.dsn = 'hunter2'",
                "providers.sentry.dsn",
                "is not a DSN: it is no URL",
                "copy it from the project's settings",
            ),
            (
                "providers.sentry.dsn = 'https://o1.ingest.sentry.io/7'",
                "providers.sentry.dsn",
                "there is no key before the @",
                "copy it",
            ),
            (
                "providers.sentry.dsn = 'https://hunter2@o1.ingest.sentry.io'",
                "providers.sentry.dsn",
                "there is no project after the host",
                "copy it",
            ),
            (
                "providers.sentry.dsn = 'http://hunter2@sentry.example.com/7'",
                "providers.sentry.dsn",
                "is plain http to a host that is not loopback",
                "copy it",
            ),
        ],
        "",
    );
}

#[test]
fn what_a_reference_leads_to_is_looked_at_when_it_is_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("dsn");
    let toml = format!("providers.sentry.dsn = 'file:{}'", path.display());
    let problems = || {
        let config = good(&toml, &[]);
        let secrets = longshore_app::secrets::Secrets::new(&config).expect("no Vault");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let found = runtime
            .expect("a runtime")
            .block_on(secrets.unresolved(&config));
        found
            .into_iter()
            .map(|finding| finding.to_string())
            .collect::<String>()
    };
    assert!(problems().contains("leads nowhere"), "{}", problems());
    std::fs::write(&path, "hunter2\n").expect("written");
    assert!(
        problems().contains("refers to what is not a DSN"),
        "{}",
        problems()
    );
    assert!(!problems().contains("hunter2"), "{}", problems());
    std::fs::write(&path, "https://hunter2@o1.ingest.sentry.io/7\n").expect("written");
    assert_eq!(problems(), "");
}

#[test]
fn production_reports_over_https_only() {
    let toml = "providers.sentry.dsn = 'http://hunter2@127.0.0.1:8000/7'";
    assert!(good(toml, &[]).sentry.is_some());
    let found = load_as(Some("production"), toml, &[]).expect_err("refused");
    assert!(found.to_string().contains("is plain http"), "{found}");
}
