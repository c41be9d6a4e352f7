//! Files that are missing, or cannot be read.

use std::path::Path;

use longshore_app::config::{Config, Finding, Severity};

use longshore::program;

use crate::{directory, findings};

fn only(dir: &Path, profile: Option<&str>) -> Finding {
    let findings =
        Config::load(Some(dir), profile, program().integrations(), [("", ""); 0]).unwrap_err();
    let [finding] = <[Finding; 1]>::try_from(findings.into_iter().collect::<Vec<_>>()).unwrap();
    finding
}

#[test]
fn a_directory_that_was_named_must_exist() {
    let dir = directory(&[("file", "")]);
    for name in ["nowhere", "file"] {
        let finding = only(&dir.path().join(name), None);
        assert_eq!(finding.key, "--config");
        assert!(finding.problem.contains(name), "{finding}");
        assert!(finding.cure.contains("default.toml"), "{finding}");
    }
}

#[test]
fn a_directory_without_files_is_likely_the_wrong_one() {
    let dir = directory(&[("eu.toml", "")]);
    let config = Config::load(
        Some(dir.path()),
        None,
        program().integrations(),
        [("", ""); 0],
    )
    .unwrap();
    let warnings: Vec<_> = config.warnings().iter().collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].severity, Severity::Warning);
    assert!(
        warnings[0].problem.contains("no default.toml"),
        "{}",
        warnings[0]
    );
    assert!(warnings[0].cure.contains("--profile"), "{}", warnings[0]);

    let with_profile = Config::load(
        Some(dir.path()),
        Some("eu"),
        program().integrations(),
        [("", ""); 0],
    )
    .unwrap();
    assert!(with_profile.warnings().is_empty());
    assert_eq!(with_profile.profile.as_deref(), Some("eu"));
}

#[test]
fn a_profile_that_was_named_must_exist() {
    let dir = directory(&[("default.toml", ""), ("eu.toml", ""), ("asia.toml", "")]);
    let finding = only(dir.path(), Some("us"));
    assert_eq!(finding.key, "--profile");
    assert!(
        finding.problem.contains("us.toml does not exist"),
        "{finding}"
    );
    assert!(finding.cure.contains("asia, eu"), "{finding}");
}

#[test]
fn a_profile_cannot_lead_out_of_the_directory() {
    let dir = directory(&[("default.toml", "")]);
    for name in ["../secrets", "/etc/passwd", "", "a.b"] {
        let finding = only(dir.path(), Some(name));
        assert_eq!(finding.key, "--profile", "{name}");
        assert!(finding.problem.contains("cannot be the name"), "{finding}");
    }
}

#[test]
fn a_broken_file_is_one_finding_with_its_place() {
    for (toml, place, problem) in [
        (
            "[redis]\nurl = redis://:hunter2@host",
            "line 2, column 7",
            "is not TOML",
        ),
        ("[redis\n", "line 1, column 7", "is not TOML"),
        (
            "a.b = 1\n[worker]\nø = 1\n",
            "line 3, column 1",
            "is not TOML",
        ),
        (
            "[worker]\ndrain_seconds = 1\ndrain_seconds = 2\n",
            "line 3, column 1",
            "duplicate",
        ),
        (
            "[worker]\n[redis]\n[worker]\n",
            "line 3, column 2",
            "duplicate",
        ),
    ] {
        // The second mistake could be mended in the file that is broken, the third cannot.
        let env = [
            ("LONGSHORE_PROVIDERS__SENDGRID__API_KEY", "SG.key"),
            ("LONGSHORE_QUEUES__EMAIL__CONCURRENCY", "0"),
        ];
        let findings = findings(toml, &env);
        let errors: Vec<_> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert_eq!(errors.len(), 2, "{toml}: {findings:#?}");
        assert!(errors[0].key.ends_with("default.toml"), "{}", errors[0]);
        assert_eq!(errors[0].origin.as_deref(), Some(place), "{}", errors[0]);
        assert!(errors[0].problem.contains(problem), "{}", errors[0]);
        assert!(!errors[0].to_string().contains("hunter2"), "{}", errors[0]);
        assert_eq!(errors[1].key, "queues.email.concurrency");
    }
}

#[test]
fn a_file_that_is_not_text_is_one_finding() {
    let dir = directory(&[]);
    std::fs::write(dir.path().join("default.toml"), b"\xFF").unwrap();
    let finding = only(dir.path(), None);
    assert!(finding.key.ends_with("default.toml"), "{finding}");
    assert!(finding.cure.contains("UTF-8"), "{finding}");
}

#[test]
fn values_are_named_by_file_and_line() {
    let dir = directory(&[
        ("default.toml", "[worker]\ndrain_seconds = 1\n"),
        (
            "eu.toml",
            "# later\n\n[worker]\n\ndrain_seconds = \"soon\"\n",
        ),
    ]);
    let finding = only(dir.path(), Some("eu"));
    assert_eq!(finding.key, "worker.drain_seconds");
    let origin = finding.origin.unwrap();
    assert_eq!(
        origin,
        format!("{}:5", dir.path().join("eu.toml").display())
    );
}
