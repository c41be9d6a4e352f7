//! The house's own rules, read from its source: how long a function and a file may be, and which crate may know which;
//! `circles`: that files use each other in no circle. `keys`: that a settings key stands in one place. `names`: that a type's
//! name means one thing. `papers`: that what is named is there. `patches`: that those of `just prove` still fit. `producers`:
//! what producers have to build. `quotes`: that what is quoted runs. `release`: that what is published is ready for it.

#[path = "house/circles.rs"]
mod circles;
#[path = "house/keys.rs"]
mod keys;
#[path = "house/names.rs"]
mod names;
#[path = "house/papers.rs"]
mod papers;
#[path = "house/patches.rs"]
mod patches;
#[path = "house/producers.rs"]
mod producers;
#[path = "house/quotes.rs"]
mod quotes;
#[path = "house/release.rs"]
mod release;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// So many lines at the most, signature and braces included.
const FUNCTION: usize = 80;
const FILE: usize = 400;

/// Longer ones that stand for now. A name leaves this list when it fits, and no name comes onto it without a reason.
///
/// Tables of a test, one row after the other: dividing them says nothing more.
const LONG_TABLES: &[&str] = &[
    "crates/email/src/error/tests.rs answers_become_outcomes",
    "crates/longshore/tests/cli/garbage.rs spoiled",
    "crates/longshore/tests/config/environment.rs a_mistake_is_named_by_its_variable",
    "crates/longshore/tests/config/rules/cron.rs each_mistake_is_found_with_its_cure",
    "crates/longshore/tests/config/rules/queues.rs queues_and_their_retries",
    "crates/longshore/tests/config/rules/redis.rs urls_and_namespaces",
    "crates/longshore/tests/config/rules/vault.rs what_is_wrong_is_found",
    "crates/payment-reconcile/src/error/tests.rs statuses_decide_before_types",
    "crates/payment-reconcile/src/reconcile/tests/naive.rs differences",
    "crates/payment-reconcile/tests/sandbox/stripe/shapes.rs wrong_parameters_are_named",
    "tests/tests/replay_drip.rs a_drip_stops_itself_and_finishes_without_its_worker_and_its_terminal",
    "tests/tests/vault.rs everything_that_vault_does_not_give_is_found_at_once",
];

/// To be divided by what they are about.
const LONG_FILES: &[&str] = &[
    "crates/longshore/tests/cli/doctor.rs",
    "crates/payment-reconcile/src/error/tests.rs",
    "crates/webhooks/tests/sendgrid.rs",
    "tests/tests/email_fallback.rs",
    "tests/tests/vault.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the workspace")
}

/// Every source file of the workspace: its path from the root, and its text.
fn sources() -> BTreeMap<String, String> {
    sources_in(&["bench", "crates", "examples", "tests"])
}

fn sources_in(dirs: &[&str]) -> BTreeMap<String, String> {
    let (root, mut found) = (root(), BTreeMap::new());
    let mut dirs: Vec<_> = dirs.iter().map(|dir| root.join(dir)).collect();
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    dirs.push(path);
                }
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(&root).expect("inside");
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                found.insert(name.display().to_string(), text);
            }
        }
    }
    found
}

/// What rustfmt has laid out: a function begins at a line with `fn` and a name, and ends at the first `}` as far to the
/// right as it. One without a body, or on one line, is short.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<_> = text.lines().collect();
    let begins = |line: &str| {
        let words = line.split_whitespace();
        let before: Vec<_> = words.take_while(|word| *word != "fn").collect();
        let known = [
            "pub",
            "pub(crate)",
            "pub(super)",
            "const",
            "async",
            "extern",
        ];
        before.len() < line.split_whitespace().count()
            && before.iter().all(|word| known.contains(word))
    };
    let starts = lines.iter().enumerate().filter(|(_, line)| begins(line));
    starts
        .map(|(start, line)| {
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = format!("{indent}}}");
            let rest = lines[start..].iter();
            let no_body = |line: &str| line.starts_with(indent) && line.ends_with(';');
            let length = match line.ends_with(['}', ';']) {
                true => 1,
                false => {
                    let until =
                        |at: &&str| **at == end || (no_body(at) && is_signature(at, indent));
                    rest.take_while(|at| !until(at)).count() + 1
                }
            };
            let name = line.split("fn ").nth(1).unwrap_or_default();
            (name.split(['(', '<']).next().unwrap_or_default(), length)
        })
        .collect()
}

/// The last line of a signature of several lines, without a body: `    ) -> Result<(), Error>;`.
fn is_signature(line: &str, indent: &str) -> bool {
    line[indent.len()..].starts_with(')')
}

/// What is too long and not known to be, and what is known to be and is not.
fn compare(found: &BTreeSet<String>, known: &[&[&str]]) {
    let known: BTreeSet<String> = known.concat().iter().map(|&name| name.to_owned()).collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "too long, divide them: {new:#?}");
    let gone: Vec<_> = known.difference(found).collect();
    assert!(
        gone.is_empty(),
        "they fit, take them from the list: {gone:#?}"
    );
}

#[test]
fn functions_have_at_most_80_lines() {
    let (mut found, mut all) = (BTreeSet::new(), 0);
    for (file, text) in sources() {
        for (name, length) in functions(&text) {
            all += 1;
            if length > FUNCTION {
                found.insert(format!("{file} {name}"));
            }
        }
    }
    assert!(all > 4000, "{all} functions");
    compare(&found, &[LONG_TABLES]);
}

#[test]
fn files_have_at_most_400_lines() {
    let files = sources();
    let long = files.iter().filter(|(_, text)| text.lines().count() > FILE);
    compare(&long.map(|(file, _)| file.clone()).collect(), &[LONG_FILES]);
}

/// Which crates of ours each may know, tests aside: `ARCHITECTURE.md`'s code map. What is not named here may know no other.
const KNOWS: &[(&str, &[&str])] = &[
    ("queue", &["job"]),
    ("cron", &["job"]),
    // Of the integrations their args alone: the test below says so.
    (
        "client",
        &[
            "job",
            "queue",
            "email",
            "export-cleanup",
            "geocode",
            "payment-reconcile",
            "services",
            "sms",
        ],
    ),
    ("worker", &["job", "queue", "cron", "listener"]),
    ("provider", &["job"]),
    ("integration", &["job", "provider"]),
    ("email", &["job", "provider", "integration", "sandbox"]),
    ("sms", &["job", "provider", "integration", "sandbox"]),
    ("geocode", &["job", "provider", "integration", "sandbox"]),
    ("events", &["job", "provider", "integration", "sandbox"]),
    ("services", &["job", "provider", "integration", "sandbox"]),
    (
        "payment-reconcile",
        &["job", "provider", "integration", "sandbox"],
    ),
    ("storage", &["job", "provider", "sandbox"]),
    (
        "export-cleanup",
        &["job", "storage", "provider", "integration", "sandbox"],
    ),
    (
        "webhooks",
        &["job", "queue", "listener", "provider", "integration"],
    ),
    ("operator", &["job", "queue", "cron"]),
    ("console", &["job", "listener", "operator", "queue"]),
    (
        "api",
        &[
            "client",
            "integration",
            "job",
            "listener",
            "operator",
            "provider",
            "queue",
        ],
    ),
    // Producers know what clients know; only the feature `carrier` knows the rest.
    (
        "outbox",
        &["client", "job", "listener", "provider", "queue"],
    ),
    ("testing", &["job", "queue", "client", "sandbox", "worker"]),
    // It knows no integration: a program is made of those that it is given.
    (
        "app",
        &[
            "api",
            "client",
            "console",
            "cron",
            "integration",
            "job",
            "listener",
            "operator",
            "outbox",
            "provider",
            "queue",
            "webhooks",
            "worker",
        ],
    ),
];

/// What surrounds a run, or stands in for a client's Redis. A test takes these from `longshore-testing`.
const SURROUNDINGS: &[&str] = &["Gate", "Memory", "Outbox", "Sink"];

/// Who implements one of them, and why.
const SURROUND: &[(&str, &str)] = &[
    (
        "crates/job/src/missing.rs",
        "fails where a run was given no memory or outbox",
    ),
    (
        "crates/job/src/standalone.rs",
        "surrounds a run outside a fleet: smoke",
    ),
    ("crates/testing/src/gate.rs", "the gate of tests"),
    (
        "crates/testing/src/memory/of_job.rs",
        "the memory and the outbox of tests",
    ),
    (
        "crates/testing/src/recorder.rs",
        "records the jobs of a client in tests",
    ),
    ("crates/worker/src/gate.rs", "the gate of workers"),
    (
        "crates/worker/src/memory.rs",
        "the memory and the outbox of workers",
    ),
];

#[test]
fn tests_take_what_surrounds_a_run_from_the_testing_crate() {
    // `impl<T> longshore_job::Gate for T {`: the last part of the name before `for`.
    let implements = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "for");
        let named = at.and_then(|at| words.get(at.checked_sub(1)?));
        let named = named.map(|name| name.rsplit("::").next().unwrap_or(name));
        line.starts_with("impl") && named.is_some_and(|name| SURROUNDINGS.contains(&name))
    };
    let sources = sources_in(&["bench", "crates", "examples", "outside", "tests"]).into_iter();
    let found: BTreeSet<_> = sources
        .filter(|(_, text)| text.lines().map(str::trim).any(implements))
        .map(|(file, _)| file)
        .collect();
    let known: BTreeSet<_> = SURROUND
        .iter()
        .map(|(file, _)| (*file).to_owned())
        .collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(
        new.is_empty(),
        "fakes of their own, use longshore-testing: {new:#?}"
    );
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "take them from the list: {gone:#?}");
}

/// They stand above all others.
const ABOVE: &[&str] = &["longshore", "examples", "tests"];

/// The workspace, as cargo reads it.
fn cargo_metadata() -> Value {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    serde_json::from_slice(&metadata.stdout).expect("JSON")
}

#[test]
fn crates_know_whom_the_code_map_lets_them_know() {
    let metadata = cargo_metadata();
    let ours = |name: &Value| {
        let name = name.as_str()?;
        (name == "longshore")
            .then_some("longshore")
            .or(name.strip_prefix("longshore-"))
            .map(str::to_owned)
    };
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 15, "{} crates", packages.len());
    for package in packages {
        let Some(name) = ours(&package["name"]) else {
            continue;
        };
        if ABOVE.contains(&&*name) {
            continue;
        }
        let dependencies = package["dependencies"].as_array().expect("a list");
        // The one arrow up: producers get args, without what carries the jobs out.
        for dependency in dependencies.iter().filter(|_| name == "client") {
            let optional = dependency["optional"] == Value::Bool(true);
            let light = dependency["uses_default_features"] == Value::Bool(false);
            let known = ["job", "queue"].map(str::to_owned);
            let ours = ours(&dependency["name"]).filter(|of| !known.contains(of));
            if let (Some(ours), true) = (ours, dependency["kind"].is_null()) {
                assert!(optional && light, "client needs the args of {ours} only");
            }
        }
        // Stand-ins are for development, and whoever tests one attempt builds no workers for it.
        for dependency in dependencies.iter().filter(|of| of["kind"].is_null()) {
            let optional = dependency["optional"] == Value::Bool(true);
            let heavy = match ours(&dependency["name"]).as_deref() {
                Some("sandbox") => true,
                Some("worker") => name == "testing",
                _ => false,
            };
            let of = &dependency["name"];
            assert!(optional || !heavy, "{name} needs {of} by a feature only");
        }
        let knows: BTreeSet<_> = dependencies
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| ours(&dependency["name"]))
            .collect();
        let may = KNOWS.iter().find(|(crate_, _)| *crate_ == name);
        let may: BTreeSet<_> = may
            .map_or(&[][..], |(_, may)| may)
            .iter()
            .map(|&may| may.to_owned())
            .collect();
        let more: Vec<_> = knows.difference(&may).collect();
        assert!(more.is_empty(), "{name} may not know {more:?}");
    }
}
