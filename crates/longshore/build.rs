//! Says for `--version` which commit this is, and of when: in optimised builds, where that is known.
//!
//! It is known in a clone of the repository, and from whoever builds without one and says so (`LONGSHORE_COMMIT` and
//! `LONGSHORE_COMMIT_DATE`, as deploy/Dockerfile does). A package from a registry, or a copy inside another repository, has its version
//! alone. A debug build has none either: it would be linked again after each commit.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    for name in ["LONGSHORE_COMMIT", "LONGSHORE_COMMIT_DATE"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let said = Commit::said(
        &variable("LONGSHORE_COMMIT"),
        &variable("LONGSHORE_COMMIT_DATE"),
    );
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let which = match (said, variable("PROFILE").as_str()) {
        (Some(commit), _) => commit.to_string(),
        (None, "debug") => "debug build".to_owned(),
        (None, _) => {
            for path in watched(&here) {
                println!("cargo::rerun-if-changed={}", path.display());
            }
            Commit::of(&here).map_or(String::new(), |commit| commit.to_string())
        }
    };
    let version = variable("CARGO_PKG_VERSION");
    let line = match which.as_str() {
        "" => version,
        which => format!("{version} ({which})"),
    };
    println!("cargo::rustc-env=LONGSHORE_VERSION={line}");
}

/// A commit, as `--version` names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its hash; `-dirty` follows where what the program is made of differs from it.
    hash: String,
    /// Its day in UTC.
    date: String,
}

impl std::fmt::Display for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.date.as_str() {
            "" => f.write_str(&self.hash),
            date => write!(f, "{} {date}", self.hash),
        }
    }
}

/// So many digits name a commit.
const DIGITS: usize = 12;

impl Commit {
    /// What whoever builds has said. `unknown` says nothing.
    pub(crate) fn said(hash: &str, date: &str) -> Option<Self> {
        let (digits, dirty) = match hash.strip_suffix("-dirty") {
            Some(digits) => (digits, "-dirty"),
            None => (hash, ""),
        };
        let is_hash = digits.len() >= 7 && digits.chars().all(|c| c.is_ascii_hexdigit());
        let digits = digits.get(..DIGITS).unwrap_or(digits);
        is_hash.then(|| Self {
            hash: format!("{digits}{dirty}"),
            date: Some(date)
                .filter(|date| *date != "unknown")
                .unwrap_or_default()
                .to_owned(),
        })
    }

    /// The one that is checked out around this crate, if its repository is this project's.
    pub(crate) fn of(here: &Path) -> Option<Self> {
        // Elsewhere the repository around it is somebody else's.
        let place = git(here, &["rev-parse", "--show-prefix"])?;
        let packaged = here.join(".cargo_vcs_info.json").exists();
        if place != "crates/longshore/" || packaged {
            return None;
        }
        git(here, &["ls-files", "--error-unmatch", "Cargo.toml"])?;
        let hash = git(here, &["rev-parse", "HEAD"])?;
        let date = [
            "show",
            "--no-patch",
            "--date=format-local:%Y-%m-%d",
            "--format=%cd",
            "HEAD",
        ];
        let date = git(here, &date)?;
        let mut changes = vec!["status", "--porcelain", "--"];
        changes.extend(MADE_OF);
        let changed = !git(here, &changes)?.is_empty();
        Self::said(&(hash + if changed { "-dirty" } else { "" }), &date)
    }
}

/// What the program is made of, as git is asked for it.
const MADE_OF: [&str; 4] = [
    ":(top)crates",
    ":(top,exclude,glob)crates/*/tests/**",
    ":(top)Cargo.toml",
    ":(top)Cargo.lock",
];

/// The same, and what git writes when another commit is checked out: cargo runs this again when one of them changes.
fn watched(here: &Path) -> Vec<PathBuf> {
    let root = here.join("../..");
    let crates = fs::read_dir(root.join("crates"))
        .into_iter()
        .flatten()
        .flatten();
    let inside = crates.flat_map(|of| fs::read_dir(of.path()).into_iter().flatten().flatten());
    let mut paths: Vec<_> = inside
        .map(|entry| entry.path())
        .filter(|path| !path.ends_with("tests"))
        .collect();
    paths.extend(["Cargo.toml", "Cargo.lock"].map(|file| root.join(file)));
    let branch = git(here, &["symbolic-ref", "--quiet", "HEAD"]);
    for file in ["HEAD", "packed-refs"].into_iter().chain(branch.as_deref()) {
        let path = git(here, &["rev-parse", "--git-path", file]);
        paths.extend(path.map(|path| here.join(path)));
    }
    // One that is missing would have cargo run this each time.
    paths.retain(|path| path.exists());
    paths
}

/// What git says, or nothing where there is none, or no repository.
fn git(here: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(args)
        .current_dir(here)
        .env("TZ", "UTC")
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim_end().to_owned())
}
