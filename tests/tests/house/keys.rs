//! A settings key stands in one place: where its section declares it. Whoever knows the section takes the path from there; whoever
//! does not names it in words, and then it is one that is declared.

use std::collections::{BTreeMap, BTreeSet};

use super::{root, sources};

/// A text in a source file: what comes before it on its line, and the text.
struct Literal<'a> {
    before: &'a str,
    text: &'a str,
}

/// The texts of a source file. Comments have none, nor do the tests at its end.
fn literals(source: &str) -> Vec<Literal<'_>> {
    let source = source
        .split("#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < source.len() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            at += rest[1..].find('\'').map_or(rest.len(), |end| end + 2);
        } else if let Some(hashes) = raw(rest) {
            let begin = rest.find('"').expect("it begins with one") + 1;
            let end = format!("\"{}", "#".repeat(hashes));
            let length = rest[begin..].find(&end).unwrap_or(rest.len() - begin);
            found.push(literal(source, at, &rest[begin..begin + length]));
            at += begin + length + end.len();
        } else if let Some(inner) = rest.strip_prefix('"') {
            let mut escaped = false;
            let length = inner.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let length = length.unwrap_or(inner.len());
            found.push(literal(source, at, &inner[..length]));
            at += length + 2;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// How many hashes a raw text that begins here has.
fn raw(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn literal<'a>(source: &'a str, at: usize, text: &'a str) -> Literal<'a> {
    let line = source[..at].rfind('\n').map_or(0, |end| end + 1);
    Literal {
        before: &source[line..at],
        text,
    }
}

/// The sections, each with its crate: what stands behind `in` where one is declared.
fn sections(sources: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (file, source) in sources {
        for Literal { before, text } in literals(source) {
            let is_section = before.contains("struct ") && before.ends_with(" in ");
            if is_section && !text.is_empty() {
                found.insert(text.to_owned(), crate_of(file).to_owned());
            }
        }
    }
    found
}

fn crate_of(file: &str) -> &str {
    file.split('/').nth(1).unwrap_or_default()
}

/// The parts of every key there is, as the page of all keys has them: `["QUEUES", "<QUEUE>", "CONCURRENCY"]`.
fn declared() -> BTreeSet<Vec<String>> {
    let page = std::fs::read_to_string(root().join("docs/configuration.md")).expect("is there");
    let variables = page
        .split('`')
        .filter_map(|span| span.strip_prefix("LONGSHORE_"));
    let parts = |name: &str| name.split("__").map(str::to_owned).collect();
    variables.map(parts).collect()
}

/// What a text names that looks like a key: its parts, as a variable has them, and its section.
fn named<'a>(text: &str, sections: &'a BTreeMap<String, String>) -> Vec<(Vec<String>, &'a str)> {
    let is_of_a_word = |c: char| c.is_alphanumeric() || "_.{}<>-".contains(c);
    let mut found = Vec::new();
    for word in text.split(|c| !is_of_a_word(c)) {
        let word = word.trim_end_matches(['.', '-']);
        let path = match word.strip_prefix("LONGSHORE_") {
            Some(variable) => variable.to_lowercase().replace("__", "."),
            None => word.to_owned(),
        };
        let of = sections.keys().filter(|at| {
            let inside = path.strip_prefix(at.as_str());
            inside.is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
        });
        // A host may begin as a section does: `api.stripe.com`.
        if path.ends_with(".com") {
            continue;
        }
        if let Some(at) = of.max_by_key(|at| at.len()) {
            let parts = path
                .split('.')
                .map(|part| part.replace('-', "_").to_uppercase());
            found.push((parts.collect(), at.as_str()));
        }
    }
    found
}

/// Whether a key is of these parts, or begins with them. `{name}` may be any.
fn is_declared(parts: &[String], declared: &BTreeSet<Vec<String>>) -> bool {
    let same = |(one, other): (&String, &String)| {
        one == other || one.contains('{') || other.starts_with('<')
    };
    let mut keys = declared.iter();
    keys.any(|key| key.len() >= parts.len() && parts.iter().zip(key).all(same))
}

/// Clients and handlers stand below the settings of their integration, and may name keys in words alone.
fn knows_the_sections(file: &str) -> bool {
    file.starts_with("crates/app/src/") || file.contains("/src/integration")
}

#[test]
fn a_settings_key_stands_where_its_section_declares_it() {
    let mut sources = sources();
    sources.retain(|file, _| {
        let is_test = file.ends_with("tests.rs") || file.contains("/tests/");
        file.starts_with("crates/") && file.contains("/src/") && !is_test
    });
    let (sections, declared) = (sections(&sources), declared());
    assert!(sections.len() > 15 && declared.len() > 80, "{sections:?}");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (file, source) in &sources {
        for Literal { before, text } in literals(source) {
            if before.ends_with(" in ") {
                continue;
            }
            for (parts, at) in named(text, &sections) {
                seen += 1;
                let key = parts.join(".").to_lowercase();
                if !is_declared(&parts, &declared) {
                    wrong.push(format!("{file}: no section declares {key}"));
                } else if sections[at] == crate_of(file) && knows_the_sections(file) {
                    wrong.push(format!("{file}: take {key} from the section of {at}"));
                }
            }
        }
    }
    assert!(seen > 15, "{seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
