//! What a configuration means and what is said about a wrong one.

mod environment;
mod files;
mod fuzz;
mod layers;
mod papers;
mod registry;
mod rules;
mod shipped;

use longshore_app::config::{Config, Finding, Findings};
use tempfile::TempDir;

/// A file of configuration in which SendGrid is on and nothing is wrong.
const SENDGRID_ON: &str = r#"
    providers.sendgrid.api_key = "SG.key"
    email.from.email = "no-reply@example.com"
    email.templates.welcome = "d-1"
"#;

type Env<'a> = &'a [(&'a str, &'a str)];

/// A directory with these files in it.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// Loads `default.toml` and, for a profile, `<profile>.toml` with the same text in either.
fn load_as(profile: Option<&str>, toml: &str, env: Env<'_>) -> Result<Config, Findings> {
    let file = profile.map_or("default.toml".to_owned(), |name| format!("{name}.toml"));
    let dir = directory(&[(&file, toml)]);
    let program = longshore::program();
    Config::load_with(
        Some(dir.path()),
        profile,
        program.integrations(),
        program.families(),
        env.iter().copied(),
    )
}

fn load(toml: &str, env: Env<'_>) -> Result<Config, Findings> {
    load_as(None, toml, env)
}

/// Loads what is expected to be right.
#[track_caller]
fn good(toml: &str, env: Env<'_>) -> Config {
    match load(toml, env) {
        Ok(config) => config,
        Err(findings) => panic!("{toml}\n{findings}"),
    }
}

/// The findings of what is expected to be wrong.
#[track_caller]
fn findings(toml: &str, env: Env<'_>) -> Vec<Finding> {
    match load(toml, env) {
        Ok(_) => panic!("accepted: {toml} {env:?}"),
        Err(findings) => findings.into_iter().collect(),
    }
}

/// The only finding of what is expected to have one mistake.
#[track_caller]
fn finding(toml: &str, env: Env<'_>) -> Finding {
    let findings = findings(toml, env);
    match <[Finding; 1]>::try_from(findings) {
        Ok([finding]) => finding,
        Err(findings) => panic!("{toml} {env:?}: {findings:#?}"),
    }
}
