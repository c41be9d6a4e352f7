//! `config check`, `config show`.

use longshore_operator::ThisProgram;
use std::path::Path;

use serde_json::json;

use crate::cli::Shown;
use crate::config::{self, Config, CronSettings, Finding, Severity};
use crate::failure::Failure;
use crate::registry::SetupContext;
use crate::secrets::Secrets;
use crate::session::Session;
use crate::{App, output, registry};

/// Says everything that is wrong, references to secrets that lead nowhere included: Vault is asked for those it has.
pub(super) async fn check(
    app: &App,
    dir: Option<&Path>,
    profile: Option<&str>,
    args: &Shown,
) -> Result<(), Failure> {
    let loaded = Config::load_with(
        dir,
        profile,
        app.integrations(),
        app.families(),
        std::env::vars_os(),
    );
    let mut findings: Vec<Finding> = match &loaded {
        Ok(config) => config.warnings().iter().cloned().collect(),
        Err(findings) => findings.iter().cloned().collect(),
    };
    let secrets = match &loaded {
        Ok(config) => Secrets::new(config)?,
        Err(_) => Secrets::default(),
    };
    if let Ok(config) = &loaded {
        findings.extend(secrets.unresolved(config).await);
    }
    let wrong = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    if args.json {
        let rows: Vec<_> = findings
            .iter()
            .map(|finding| {
                json!({
                    "severity": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
                    "key": finding.key,
                    "origin": finding.origin,
                    "problem": finding.problem,
                    "cure": ThisProgram::get().commands(&finding.cure),
                })
            })
            .collect();
        output::json(&rows)?;
    } else {
        for finding in &findings {
            output::line(&finding.to_string())?;
        }
        if let (Ok(config), 0) = (&loaded, wrong) {
            output::line(match findings.len() {
                0 => "the configuration is good",
                _ => "the configuration works",
            })?;
            for integration in config.integrations() {
                let set_up = SetupContext::new(config, &secrets)
                    .set_up(integration)
                    .await;
                if matches!(set_up, Ok(None)) {
                    let queue = integration.queue.name;
                    let key = registry::turned_on_by(integration);
                    output::line(&format!("`work` leaves out {queue}: {key} is not set"))?;
                }
            }
            for line in entries_left_out(config) {
                output::line(&line)?;
            }
        }
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::input("1 error")),
        n => Err(Failure::input(format!("{n} errors"))),
    }
}

/// Entries that somebody wrote and that do not tick. Of those that are built in nothing is expected.
fn entries_left_out(config: &Config) -> Vec<String> {
    let written = |settings: &CronSettings| {
        let key = settings.schedule_key();
        let value = config.values().iter().find(|value| value.key == key);
        value.is_some_and(|value| value.origin != "built-in")
    };
    let entries = config.cron.iter();
    let entries = entries.filter(|settings| written(settings));
    let left_out = entries.filter_map(|settings| {
        let why = registry::inactive(config, settings)?;
        Some(format!(
            "the cron entry {} does not tick: {why}",
            settings.entry.name()
        ))
    });
    left_out.collect()
}

/// Every value and where it came from. Secrets are masked.
pub(super) fn show(session: &Session, args: &Shown) -> Result<(), Failure> {
    let values = session.config.values();
    if args.json {
        return output::json(values);
    }
    let rows = values
        .iter()
        .map(|shown| {
            let value = output::cell(&output::plain(&shown.value.to_string()), 32);
            vec![shown.key.clone(), value, shown.origin.clone()]
        })
        .collect();
    output::table(&["key", "value", "from"], rows)
}

/// What can be configured: a file, or a page.
pub(super) fn defaults(app: &App, page: bool) -> Result<(), Failure> {
    let text = match page {
        true => config::page(app.integrations(), app.families()),
        false => config::defaults(app.integrations(), app.families()),
    };
    output::line(text.trim_end())
}
