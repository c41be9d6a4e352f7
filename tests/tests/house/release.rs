//! What is published is ready for it: each crate's metadata, README and licences, one version, and who is promised what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{cargo_metadata, root};

/// For these crates semver is promised: `docs/upgrading.md` says so, and so does each README, of these and of all others.
const PROMISED: &[&str] = &["app", "client", "integration", "job", "outbox", "testing"];

/// The sentence of their READMEs, and that of all others.
const PROMISE: &str = "Semver is promised for this crate";
const NO_PROMISE: &str = "any release may change its Rust API";

/// Categories that crates.io knows: it refuses others.
const CATEGORIES: &[&str] = &[
    "api-bindings",
    "asynchronous",
    "command-line-interface",
    "command-line-utilities",
    "database",
    "date-and-time",
    "development-tools::testing",
    "email",
    "network-programming",
    "web-programming::http-client",
    "web-programming::http-server",
];

/// The crates of `crates/`, as cargo reads them.
fn published() -> Vec<Value> {
    let metadata = cargo_metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let all: Vec<_> = packages
        .iter()
        .filter(|package| package["publish"].is_null())
        .cloned()
        .collect();
    let folders = std::fs::read_dir(root().join("crates")).expect("is there");
    assert_eq!(all.len(), folders.count(), "all of crates/, and no other");
    all
}

fn text<'a>(package: &'a Value, field: &str) -> &'a str {
    package[field].as_str().unwrap_or_default()
}

fn words<'a>(package: &'a Value, field: &str) -> Vec<&'a str> {
    let list = package[field].as_array().into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

fn folder(package: &Value) -> &Path {
    let manifest = Path::new(text(package, "manifest_path"));
    manifest.parent().expect("a folder")
}

/// `longshore-client` is `client`.
fn short(package: &Value) -> &str {
    let name = text(package, "name");
    name.strip_prefix("longshore-").unwrap_or(name)
}

#[test]
fn each_crate_says_of_itself_what_crates_io_shows() {
    for package in published() {
        let name = text(&package, "name");
        let (keywords, categories) = (words(&package, "keywords"), words(&package, "categories"));
        assert!(text(&package, "description").len() > 20, "{name}");
        assert!((1..=5).contains(&keywords.len()), "{name}: {keywords:?}");
        let plain = |word: &&str| {
            word.len() <= 20
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        assert!(keywords.iter().all(plain), "{name}: {keywords:?}");
        let known = |of: &&str| CATEGORIES.contains(of);
        assert!(!categories.is_empty(), "{name}");
        assert!(categories.iter().all(known), "{name}: {categories:?}");
        assert_eq!(text(&package, "license"), "MIT OR Apache-2.0", "{name}");
        assert_eq!(text(&package, "readme"), "README.md", "{name}");
        assert!(!text(&package, "rust_version").is_empty(), "{name}");
        // The program is not a library: what docs.rs shows of it without them is enough.
        let features = package["features"].as_object().expect("a table");
        let some = features.keys().any(|of| of != "default") && name != "longshore";
        let shown = package["metadata"]["docs"]["rs"].is_object();
        assert_eq!(shown, some, "{name}: which features docs.rs shows");
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let read = |dir: &Path| std::fs::read_to_string(dir.join(licence)).ok();
            assert_eq!(read(folder(&package)), read(&root()), "{name}: {licence}");
        }
    }
}

/// Links of a page, without those that lead into the web or within it.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let links = page
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next());
    links.filter(|link| !link.is_empty() && !link.contains("://"))
}

#[test]
fn each_crate_has_a_readme_that_says_what_is_promised() {
    let page = std::fs::read_to_string(root().join("docs/upgrading.md")).expect("is there");
    let listed = PROMISED
        .iter()
        .filter(|of| page.contains(&format!("| `longshore-{of}` |")));
    assert_eq!(listed.count(), PROMISED.len(), "docs/upgrading.md");
    for package in published() {
        let name = text(&package, "name");
        let readme = std::fs::read_to_string(folder(&package).join("README.md")).expect(name);
        assert!(readme.starts_with(&format!("# {name}\n")), "{name}");
        let promised = PROMISED.contains(&short(&package));
        assert_eq!(readme.contains(PROMISE), promised, "{name}");
        assert_eq!(readme.contains(NO_PROMISE), !promised, "{name}");
        let missing: Vec<_> = links(&readme)
            .filter(|link| !folder(&package).join(link).exists())
            .collect();
        assert!(missing.is_empty(), "{name}: they are not there {missing:?}");
        // Its example is compiled.
        let library = std::fs::read_to_string(folder(&package).join("src/lib.rs")).expect(name);
        let compiled = library.contains("include_str!(\"../README.md\")");
        assert_eq!(compiled, readme.contains("```rust"), "{name}");
    }
}

/// A package that names another of ours for its tests could be published only after that one, which may need it.
#[test]
fn all_crates_have_one_version_and_tests_bring_none_of_ours_into_a_package() {
    let all = published();
    let names: BTreeSet<_> = all.iter().map(|package| text(package, "name")).collect();
    let version = text(&all[0], "version");
    for package in &all {
        let name = text(package, "name");
        assert_eq!(text(package, "version"), version, "{name}");
        let needs = package["dependencies"].as_array().expect("a list");
        for need in needs
            .iter()
            .filter(|need| names.contains(text(need, "name")))
        {
            let wanted = match text(need, "kind") {
                "dev" => "*".to_owned(),
                _ => format!("^{version}"),
            };
            assert_eq!(text(need, "req"), wanted, "{name}: {}", text(need, "name"));
        }
    }
}

/// The highest Rust that a dependency of others needs, of what a crate builds with these features.
fn needed(package: &str, features: &[&str], all: &BTreeMap<String, String>) -> [u32; 2] {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges=normal,build"])
        .args(["--prefix=none", "--format={p}"])
        .arg(format!("--package={package}"))
        .args(features)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8(tree.stdout).expect("UTF-8");
    let built: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    assert!(built.len() > 10, "{package}: {built:?}");
    let versions = built.iter().filter_map(|(name, version)| {
        let needs = all.get(&format!("{name} {version}"))?;
        (!name.starts_with("longshore") && !needs.is_empty()).then(|| major_minor(needs))
    });
    versions.max().expect("some say what they need")
}

fn major_minor(text: &str) -> [u32; 2] {
    let mut parts = text.split('.').map(|part| part.parse().expect(text));
    [0; 2].map(|_| parts.next().unwrap_or(0))
}

/// With these features a crate builds on the Rust that it names; others of theirs need what its README says.
#[test]
fn a_crate_that_users_add_names_a_rust_that_its_dependencies_have() {
    let justfile = std::fs::read_to_string(root().join("justfile")).expect("a justfile");
    let all = crate::producers::needs();
    for (of, features) in [
        ("client", &["--all-features"][..]),
        ("job", &["--all-features"]),
        ("integration", &[]),
        ("app", &[]),
        ("testing", &["--features=fuzz,logs"]),
        ("outbox", &["--features=carrier"]),
    ] {
        let name = format!("longshore-{of}");
        let own = std::fs::read_to_string(root().join(format!("crates/{of}/Cargo.toml")));
        let own = own.expect("is there");
        let own = own
            .split("\nrust-version = \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let own = own.expect("names it itself");
        let needs = needed(&name, features, &all);
        assert!(major_minor(own) >= needs, "{name}: {own}, needs {needs:?}");
        // `just msrv` builds it with that one.
        let built = justfile
            .lines()
            .any(|line| line.contains(&format!("+{own}.0 check")) && line.contains(&name));
        assert!(built, "`just msrv` does not build {name} with {own}");
    }
}
