//! Files that use each other in a circle are one thing in several places: none can be read by itself.

use std::collections::{BTreeMap, BTreeSet};

/// The modules of each crate, as paths: `stripe/book`; the root is "".
fn modules(sources: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    let mut crates: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (file, text) in sources {
        let inner = file.strip_prefix("crates/");
        let Some((of, path)) = inner.and_then(|inner| inner.split_once("/src/")) else {
            continue;
        };
        let module = path.strip_suffix(".rs").expect("Rust");
        if module.split('/').any(|part| part == "tests") {
            continue;
        }
        let module = match module {
            "lib" | "main" => "",
            module => module,
        };
        crates.entry(of).or_default().insert(module, text);
    }
    crates
}

/// What follows `crate::` or `super::` there: one path each, lists taken apart.
fn paths(text: &str) -> Vec<Vec<&str>> {
    let word = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (first, rest) = text.split_at(word);
    if let Some(list) = text.strip_prefix('{') {
        let (mut depth, mut start, mut found) = (0, 0, Vec::new());
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                ',' | '}' if depth == 0 => {
                    found.extend(paths(list[start..at].trim_start()));
                    start = at + 1;
                }
                '}' => depth -= 1,
                _ => {}
            }
            if c == '}' && depth == 0 && start == at + 1 {
                break;
            }
        }
        return found;
    }
    if first.is_empty() {
        return Vec::new();
    }
    match rest.strip_prefix("::").map(paths) {
        Some(more) if !more.is_empty() => more
            .into_iter()
            .map(|more| [vec![first], more].concat())
            .collect(),
        _ => vec![vec![first]],
    }
}

/// The modules that a module uses, itself and its kin left out.
fn used<'a>(module: &str, text: &str, all: &BTreeMap<&'a str, &str>) -> BTreeSet<&'a str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| [line, "\n"])
        .collect();
    let above = |steps: usize| {
        let parts: Vec<_> = module.split('/').filter(|part| !part.is_empty()).collect();
        parts[..parts.len().saturating_sub(steps)].join("/")
    };
    let mut found = BTreeSet::new();
    for (start, base) in [("crate::", String::new()), ("super::", above(1))] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let (mut rest, mut base) = (&code[at + start.len()..], base.clone());
            let mut steps = 1;
            while let Some(more) = rest.strip_prefix("super::") {
                steps += 1;
                base = above(steps);
                rest = more;
            }
            for path in paths(rest) {
                let whole = [base.as_str()].into_iter().chain(path);
                let whole: Vec<_> = whole.filter(|part| !part.is_empty()).collect();
                let longest = (0..=whole.len()).rev().find_map(|parts| {
                    let name = whole[..parts].join("/");
                    all.get_key_value(name.as_str()).map(|(name, _)| *name)
                });
                found.extend(longest.filter(|other| !are_kin(module, other)));
            }
        }
    }
    found
}

/// One is in the directory of the other.
fn are_kin(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        outer.is_empty() || inner == outer || inner.starts_with(&format!("{outer}/"))
    };
    within(one, other) || within(other, one)
}

/// All that can be reached from each.
fn reached<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let (mut found, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        for &other in &uses[module] {
            if found.insert(other) {
                next.push(other);
            }
        }
    }
    found
}

#[test]
fn files_use_each_other_in_no_circle() {
    let sources = super::sources();
    let (mut circles, mut all_uses) = (BTreeSet::new(), 0);
    for (of, modules) in modules(&sources) {
        let uses: BTreeMap<_, _> = modules
            .iter()
            .map(|(&module, text)| (module, used(module, text, &modules)))
            .collect();
        all_uses += uses.values().map(BTreeSet::len).sum::<usize>();
        for &module in uses.keys() {
            let there = reached(&uses, module);
            let circle = there.iter().copied();
            let circle: Vec<_> = circle
                .filter(|other| reached(&uses, other).contains(module))
                .collect();
            if there.contains(module) {
                circles.insert((of, circle));
            }
        }
    }
    assert!(all_uses > 700, "{all_uses} uses are read");
    assert!(circles.is_empty(), "open these circles: {circles:#?}");
}
