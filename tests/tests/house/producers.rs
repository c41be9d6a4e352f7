//! What a producer has to build, and with which Rust.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::root;

/// A producer builds fewer crates than this, ours included: without TLS and traces, with the args of our kinds.
const CLIENT: usize = 60;

/// The page that says how many crates each feature adds, and which Rust is needed.
const PAGE: &str = "docs/your-first-job.md";

/// The crates that a producer with these features builds: name and version.
fn tree(features: &str) -> BTreeSet<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked"])
        .args(["--package=longshore-client", "--no-default-features"])
        .arg(format!("--features={features}"))
        .args(["--edges=normal", "--prefix=none", "--no-dedupe"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8(tree.stdout).expect("UTF-8");
    let named = tree.lines().filter_map(|line| {
        let (name, rest) = line.split_once(" v")?;
        Some(format!("{name} {}", rest.split(' ').next()?))
    });
    named.collect()
}

#[test]
fn a_producer_builds_fewer_than_60_crates_and_the_page_says_what_features_add() {
    let kinds = tree("kinds");
    let has = |name: &str| kinds.iter().any(|line| line.starts_with(name));
    assert!(has("longshore-sms ") && has("redis "), "{kinds:#?}");
    assert!(kinds.len() < CLIENT, "{}: {kinds:#?}", kinds.len());
    let page = std::fs::read_to_string(root().join(PAGE)).expect(PAGE);
    let without = tree("").len();
    for feature in ["kinds", "tls", "opentelemetry", "cluster"] {
        let adds = tree(feature).len() - without;
        let row = format!("| `{feature}` | {adds} |");
        assert!(page.contains(&row), "{PAGE} does not say `{row}`");
    }
    let says = format!("{without} crates");
    assert!(page.contains(&says), "{PAGE} does not say `{says}`");
}

/// `1.88` and `1.88.0` are the same.
fn version(text: &str) -> [u32; 3] {
    let mut parts = text.split('.').map(|part| part.parse().expect(text));
    [0; 3].map(|_| parts.next().unwrap_or(0))
}

/// Which Rust each crate of the lock file needs: by name and version.
pub(crate) fn needs() -> BTreeMap<String, String> {
    // Of every platform: those of others are fetched by this, where nobody has.
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&metadata.stderr);
    assert!(metadata.status.success(), "{said}");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let text = |field: &str| package[field].as_str().unwrap_or_default();
            let of = format!("{} {}", text("name"), text("version"));
            (of, text("rust_version").to_owned())
        })
        .collect()
}

/// `just msrv` builds it with that Rust.
#[test]
fn a_producer_needs_no_newer_rust_than_a_dependency_of_its_own() {
    let needs = needs();
    let all = tree("kinds,tls,opentelemetry,cluster");
    let (ours, others): (Vec<_>, Vec<_>) =
        all.iter().partition(|name| name.starts_with("longshore-"));
    let needs_of = |name: &&String| needs.get(*name).filter(|of| !of.is_empty());
    let highest = others.iter().filter_map(needs_of).map(|of| version(of));
    let highest = highest.max().expect("some say what they need");
    assert_eq!(ours.len(), 9, "{ours:?}");
    for name in ours {
        assert_eq!(version(&needs[name]), highest, "{name}");
    }
    let page = std::fs::read_to_string(root().join(PAGE)).expect(PAGE);
    let says = format!("Rust {}.{}", highest[0], highest[1]);
    assert!(page.contains(&says), "{PAGE} does not say `{says}`");
    let justfile = std::fs::read_to_string(root().join("justfile")).expect("a justfile");
    let builds = format!("{}.{}.{}", highest[0], highest[1], highest[2]);
    assert!(
        justfile.contains(&format!("cargo +{builds} check")),
        "`just msrv` is not {builds}"
    );
}
