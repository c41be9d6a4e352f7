//! What `--version` says of the commit: the build script, on repositories made for it.

#[expect(dead_code, reason = "its `main` is for cargo")]
#[path = "../build.rs"]
mod build;

use std::path::Path;
use std::process::Command;

use build::Commit;

const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

/// Runs git in a directory, as somebody whose settings do not matter.
fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
        .args(args)
        .current_dir(dir)
        // An evening far in the west, which is the next day in UTC.
        .env("GIT_COMMITTER_DATE", "2026-02-03T23:30:00 -0800")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{args:?}: {output:?}");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    said.trim().to_owned()
}

/// A repository with this crate at this path, and one commit.
fn repository(dir: &Path, at: &str) -> String {
    let here = dir.join(at);
    std::fs::create_dir_all(here.join("tests")).expect("a directory");
    for file in ["Cargo.toml", "tests/cli.rs"] {
        std::fs::write(here.join(file), "").expect("a file");
    }
    git(dir, &["init", "--quiet"]);
    git(dir, &["add", "."]);
    git(dir, &["commit", "--quiet", "--message=all"]);
    git(dir, &["rev-parse", "HEAD"])
}

fn named(dir: &Path, at: &str) -> Option<String> {
    Commit::of(&dir.join(at)).map(|commit| commit.to_string())
}

#[test]
fn a_clone_has_its_commit_and_says_whether_the_program_was_changed_since() {
    let dir = tempfile::tempdir().expect("a directory");
    let (dir, at) = (dir.path(), "crates/longshore");
    let hash = repository(dir, at);
    let clean = format!("{} 2026-02-04", &hash[..12]);
    assert_eq!(named(dir, at), Some(clean.clone()));
    // It is not made of these.
    for file in ["README.md", "crates/longshore/tests/cli.rs"] {
        std::fs::write(dir.join(file), "changed").expect("a file");
    }
    assert_eq!(named(dir, at), Some(clean));
    std::fs::create_dir(dir.join("crates/queue")).expect("a directory");
    std::fs::write(dir.join("crates/queue/lib.rs"), "new").expect("a file");
    let dirty = format!("{}-dirty 2026-02-04", &hash[..12]);
    assert_eq!(named(dir, at), Some(dirty));
}

#[test]
fn a_copy_in_somebody_elses_repository_has_no_commit() {
    let dir = tempfile::tempdir().expect("a directory");
    repository(dir.path(), "vendor/longshore");
    assert_eq!(named(dir.path(), "vendor/longshore"), None);
    let dir = tempfile::tempdir().expect("a directory");
    let at = "crates/longshore";
    repository(dir.path(), at);
    // What `cargo package` adds.
    std::fs::write(dir.path().join(at).join(".cargo_vcs_info.json"), "{}").expect("a file");
    assert_eq!(named(dir.path(), at), None);
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(dir.path().join(at)).expect("a directory");
    assert_eq!(named(dir.path(), at), None, "without a repository");
}

#[test]
fn who_builds_without_a_clone_may_say_which_commit_it_is() {
    let said = |hash: &str, date: &str| Commit::said(hash, date).map(|commit| commit.to_string());
    let at = |rest: &str| Some(format!("0123456789ab{rest}"));
    assert_eq!(said(HASH, "2026-02-04"), at(" 2026-02-04"));
    assert_eq!(said(HASH, "unknown"), at(""));
    let dirty = format!("{HASH}-dirty");
    assert_eq!(said(&dirty, ""), at("-dirty"));
    for nothing in ["", "unknown", "v0.1.0", "abc", "-dirty"] {
        assert_eq!(said(nothing, "2026-02-04"), None, "{nothing}");
    }
}
