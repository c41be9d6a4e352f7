//! What the pages name is there: commands with their options, and metrics.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use longshore_app::clap::Command;

/// What begins as metrics do and is none: a function of the outbox's SQL, and what a payment at Stripe is marked with.
const NO_METRICS: [&str; 2] = ["longshore_outbox_tell", "longshore_key"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every page that users read, with its name.
fn pages() -> Vec<(String, String)> {
    let crates = std::fs::read_dir(root().join("crates")).expect("is there");
    let crates = crates.map(|entry| entry.expect("reads").path());
    let dirs = [root(), root().join("docs"), root().join("examples")];
    let mut pages = Vec::new();
    for dir in dirs.into_iter().chain(crates).filter(|dir| dir.is_dir()) {
        for entry in std::fs::read_dir(dir).expect("reads") {
            let path = entry.expect("reads").path();
            // What was renamed stands in the changelog under both names.
            let is_page =
                path.extension().is_some_and(|end| end == "md") && !path.ends_with("CHANGELOG.md");
            if is_page {
                let text = std::fs::read_to_string(&path).expect("is UTF-8");
                pages.push((path.display().to_string(), text));
            }
        }
    }
    pages
}

/// The calls of `longshore` that a page shows, in code spans and in blocks of code.
fn calls(page: &str) -> Vec<String> {
    let spans = page.split('`').skip(1).step_by(2);
    let spans = spans.filter(|span| span.starts_with("longshore ") && !span.contains("\n\n"));
    let lines = page.replace("\\\n", " ");
    let lines = lines
        .lines()
        .map(str::trim)
        .map(|line| line.trim_start_matches("$ "));
    let lines = lines.filter(|line| line.starts_with("longshore "));
    // A table's first line, or prose that begins with the name, shows no call.
    let lines = lines.map(str::to_owned).filter(|line| !line.ends_with('.'));
    spans.map(str::to_owned).chain(lines).collect()
}

/// The commands of a table that leaves out the name of the program, as that of docs/commands.md does.
fn rows(page: &str) -> Vec<String> {
    let tables = page.split("\n| command |").skip(1);
    let tables = tables.filter_map(|table| table.split("\n\n").next());
    let rows = tables
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("| `"));
    let firsts = rows.filter_map(|row| row.split(" |").next());
    let spans = firsts.flat_map(|cell| {
        cell.split('`')
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    let commands = spans.filter(|span| span.starts_with(|c: char| c.is_ascii_lowercase()));
    commands.map(|span| format!("longshore {span}")).collect()
}

/// The words up to a comment, a pipe, or what else a shell makes of it.
fn words(call: &str) -> Vec<&str> {
    let until = ["#", "|", ">", "<", "&&", "&", ";", "…"];
    let words = call.split_whitespace().skip(1);
    words.take_while(|word| !until.contains(word)).collect()
}

/// What of a call the command line does not know.
fn unknown(line: &Command, call: &str) -> Option<String> {
    let mut chain = vec![line];
    for word in words(call) {
        let word = word.trim_matches(['[', ']', '(', ')', ',', '\'', '"']);
        let here = *chain.last().expect("one at least");
        if let Some(option) = word.strip_prefix("--") {
            let option = option.split('=').next().unwrap_or_default();
            let known = |command: &&Command| {
                command
                    .get_arguments()
                    .any(|arg| arg.get_long() == Some(option))
            };
            let is_builtin = ["", "help", "version"].contains(&option);
            if !is_builtin && !chain.iter().any(known) {
                return Some(format!("--{option}"));
            }
        } else if let Some(inner) = here.find_subcommand(word) {
            chain.push(inner);
        } else if chain.len() == 1 && is_name(word) && word != "help" && !takes_value(call, word) {
            return Some(word.to_owned());
        }
    }
    None
}

fn is_name(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// Whether it is the value of an option, as `local` is in `--profile local`.
fn takes_value(call: &str, word: &str) -> bool {
    let words = words(call);
    let at = words.iter().position(|other| *other == word);
    at.and_then(|at| at.checked_sub(1))
        .is_some_and(|before| words[before].starts_with("--"))
}

#[test]
fn every_command_that_a_page_names_is_there() {
    let line = longshore::program().command_line();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (page, text) in pages() {
        let in_table = page.ends_with("docs/commands.md").then(|| rows(&text));
        for call in calls(&text)
            .into_iter()
            .chain(in_table.into_iter().flatten())
        {
            seen += 1;
            wrong.extend(unknown(&line, &call).map(|what| format!("{page}: {what} in: {call}")));
        }
    }
    assert!(seen > 200, "{seen} calls");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (call, what) in [
        ("longshore quezes", "quezes"),
        ("longshore dead list --limt 3", "--limt"),
        ("longshore --profile local jbs", "jbs"),
    ] {
        assert_eq!(unknown(&line, call).as_deref(), Some(what));
    }
}

#[test]
fn every_metric_that_a_page_names_is_there() {
    let listed = std::fs::read_to_string(root().join("docs/metrics.md")).expect("is there");
    let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let names = |text: &str| -> BTreeSet<String> {
        let starts = text.match_indices("longshore_").map(|(at, _)| at);
        let starts =
            starts.filter(|at| !text[..*at].ends_with(|c: char| name(c) || c == '/' || c == '.'));
        let found = starts.map(|at| text[at..].chars().take_while(|c| name(*c)).collect());
        found.collect()
    };
    let known = names(&listed);
    assert!(known.len() > 50, "{} metrics", known.len());
    let of_histogram = ["_bucket", "_sum", "_count"];
    let is_known = |metric: &str| {
        known.contains(metric)
            || of_histogram.iter().any(|end| {
                metric
                    .strip_suffix(end)
                    .is_some_and(|of| known.contains(of))
            })
    };
    let crates: BTreeSet<String> = std::fs::read_dir(root().join("crates"))
        .expect("is there")
        .map(|entry| {
            format!(
                "longshore_{}",
                entry
                    .expect("reads")
                    .file_name()
                    .to_string_lossy()
                    .replace('-', "_")
            )
        })
        .collect();
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        let unknown = names(&text).into_iter().filter(|metric| {
            !is_known(metric) && !crates.contains(metric) && !NO_METRICS.contains(&metric.as_str())
        });
        wrong.extend(unknown.map(|metric| format!("{page}: {metric}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
