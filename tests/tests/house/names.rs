//! A public type's name means one thing: no two crates have one each.

use std::collections::{BTreeMap, BTreeSet};

use super::sources_in;

/// Twins: one concept in two crates, so one word for it. No name comes onto this list for another reason.
const TWINS: &[(&str, &[&str], &str)] = &[
    (
        "DeliveryUpdate",
        &["integration", "queue"],
        "as an event says it, and as Redis takes it: there the message is known",
    ),
    (
        "EarlierRequests",
        &["job", "queue"],
        "as handlers read it, and as Redis has it: there times are milliseconds",
    ),
    (
        "SetupError",
        &["email", "geocode", "payment-reconcile", "sms", "storage"],
        "why a provider's client cannot be set up, each in its own crate",
    ),
];

/// The name of a type that is declared `pub` in this line, in a module or in `section!`.
fn declared(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let rest = ["struct ", "enum ", "trait ", "type "]
        .iter()
        .find_map(|word| rest.strip_prefix(word))?;
    rest.split(|c: char| !c.is_ascii_alphanumeric()).next()
}

#[test]
fn a_public_types_name_means_one_thing() {
    let mut crates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in sources_in(&["crates"]) {
        let mut words = file.split('/').skip(1);
        let (Some(of), Some("src")) = (words.next(), words.next()) else {
            continue;
        };
        for name in text.lines().filter_map(declared) {
            let of = of.to_owned();
            crates.entry(name.to_owned()).or_default().insert(of);
        }
    }
    assert!(crates.len() > 400, "{} names", crates.len());
    let shared = crates.into_iter().filter(|(_, of)| of.len() > 1);
    let shared: BTreeMap<_, _> = shared.collect();
    let set = |of: &[&str]| of.iter().map(|&of| of.to_owned()).collect();
    let twins: BTreeMap<String, BTreeSet<String>> = TWINS
        .iter()
        .map(|(name, of, _)| ((*name).to_owned(), set(of)))
        .collect();
    assert_eq!(
        shared, twins,
        "left: public types that several crates have; right: twins. Another concept gets another name"
    );
}
