//! What roles tell of themselves at `/metrics`: files that say it, and the page that is made of them.
//!
//! A role's own test fills its registry, and compares what it tells with a file beside it. docs/metrics.md is made of these
//! files. With `LONGSHORE_WRITE_METRICS` set the tests write what they would else compare: that is what `just reference` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// Set, files are written instead of compared.
const WRITE: &str = "LONGSHORE_WRITE_METRICS";

/// Compares a text with a file, or writes it.
///
/// # Panics
/// When they differ, or the file cannot be used.
pub fn is_as_in(text: &str, file: &Path) {
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, text).expect("it can be written");
    }
    let known = std::fs::read_to_string(file).unwrap_or_default();
    let file = file.display();
    assert_eq!(text, known, "{file} is not current: run `just reference`");
}

/// Compares the names, types, labels and help of an exposition with a file, or writes it.
///
/// # Panics
/// When they differ, or the file cannot be used.
pub fn names_are_as_in(exposition: &str, file: &Path) {
    let lines: BTreeSet<_> = exposition.lines().map(without_values).collect();
    let mut text = lines.into_iter().collect::<Vec<_>>().join("\n");
    text.push('\n');
    is_as_in(&text, file);
}

/// A sample's name and the names of its labels; any other line as it is.
fn without_values(line: &str) -> String {
    if line.starts_with('#') {
        return line.to_owned();
    }
    // Every other part is a value: no value here holds a quote that is not escaped.
    let line = line.replace("\\\"", "");
    let (sample, _) = line.rsplit_once(' ').expect("a sample has a value");
    let parts: Vec<_> = sample.split('"').step_by(2).collect();
    parts.join("\"\"")
}

#[derive(Debug, Default)]
struct Metric {
    roles: BTreeSet<String>,
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

/// What the end of a name says.
const UNITS: &[(&str, &str)] = &[
    ("_timestamp_seconds", "s since 1970"),
    ("_seconds", "s"),
    ("_bytes", "bytes"),
    ("_ratio", "0 to 1"),
];

/// The page of all metrics, by what each role's file says.
///
/// # Panics
/// When a line is none of an exposition's.
#[must_use]
pub fn page(roles: &[(&str, String)]) -> String {
    let mut all: BTreeMap<String, Metric> = BTreeMap::new();
    for (role, names) in roles {
        for line in names.lines().filter(|line| *line != "# EOF") {
            note(&mut all, role, line);
        }
    }
    let mut page = String::from(HEAD);
    for (family, metric) in &all {
        let (name, shown) = match metric.kind.as_str() {
            "counter" => (format!("{family}_total"), "counter"),
            "info" => (format!("{family}_info"), "info, always 1"),
            "histogram" => (family.clone(), "histogram"),
            kind => (family.clone(), kind),
        };
        let unit = UNITS.iter().find(|(end, _)| family.ends_with(end));
        let unit = unit.map_or("", |(_, unit)| *unit);
        let join = |names: &BTreeSet<String>| {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let (roles, labels) = (join(&metric.roles), join(&metric.labels));
        let help = metric.help.trim_end_matches('.');
        let _ = writeln!(
            page,
            "| `{name}` | {shown} | {unit} | {labels} | {roles} | {help} |"
        );
    }
    page
}

fn note(all: &mut BTreeMap<String, Metric>, role: &str, line: &str) {
    if let Some(described) = line.strip_prefix("# ") {
        let mut words = described.splitn(3, ' ');
        let (what, name) = (words.next(), words.next().expect("a name"));
        let metric = all.entry(name.to_owned()).or_default();
        metric.roles.insert(role.to_owned());
        let rest = words.next().unwrap_or_default().to_owned();
        match what {
            Some("HELP") => metric.help = rest,
            Some("TYPE") => metric.kind = rest,
            what => panic!("{what:?} in {line}"),
        }
        return;
    }
    let (name, labels) = line.split_once('{').unwrap_or((line, ""));
    let ends = ["", "_total", "_info", "_bucket", "_count", "_sum"];
    let metric = ends.iter().find_map(|end| {
        let family = name.strip_suffix(end)?;
        all.contains_key(family).then(|| family.to_owned())
    });
    let family = metric.unwrap_or_else(|| panic!("{line} has no description"));
    let labels = labels
        .split([',', '}'])
        .filter_map(|pair| pair.split_once('='));
    // A bucket's bound is no label of ours.
    let names = labels
        .map(|(name, _)| name.to_owned())
        .filter(|name| name != "le");
    all.entry(family).or_default().labels.extend(names);
}

const HEAD: &str = "# Metrics

Written by `just reference` from what the roles themselves tell at `/metrics`; do not edit it. The text is OpenMetrics, and holds no
person and no id of a job. `work` tells what it counted itself, and what Redis says of all queues: any one process of it is enough for the
latter. What has not happened yet is not there. A histogram has `_bucket`, `_count` and `_sum`. [deploying.md](deploying.md) says on which
port each role tells this; [deploy/prometheus](../deploy/prometheus) and [deploy/grafana](../deploy/grafana) use it.

| metric | type | unit | labels | role | what it says |
|---|---|---|---|---|---|
";
