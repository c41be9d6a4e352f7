//! What is found of a server that is not as it should be.

use super::super::finding::Status;
use super::*;
use crate::config::RedisMode;

fn statuses(facts: &ServerFacts) -> Vec<(String, Status)> {
    let settings: HashMap<_, _> = [("appendfsync", "everysec"), ("min-replicas-to-write", "1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut findings = vec![
        version(facts),
        topology::judge(facts, RedisMode::Single),
        eviction(facts, false),
    ];
    findings.extend(persistence(facts, Ok(&settings)));
    findings.extend([replicas(facts, Some(&settings), true, 0), memory(facts)]);
    findings
        .into_iter()
        .filter(|finding| finding.status != Status::Ok)
        .map(|finding| {
            assert!(finding.cure.is_some(), "{finding:?} has no cure");
            (finding.check, finding.status)
        })
        .collect()
}

fn good() -> ServerFacts {
    ServerFacts {
        product: Some("Redis"),
        version: Some("7.0.15".to_owned()),
        behaves_as: Some("7.0.15".to_owned()),
        cluster: Some(false),
        eviction_policy: Some("noeviction".to_owned()),
        evicted: Some(0),
        append_only: Some(true),
        persists: Some(true),
        role: Some("master".to_owned()),
        replicas: Some(1),
        used_memory: Some(1 << 30),
        max_memory: Some(2 << 30),
    }
}

#[test]
fn each_thing_that_is_wrong_is_found_with_its_cure() {
    assert_eq!(statuses(&good()), []);
    let silent: Vec<_> = statuses(&ServerFacts::default());
    assert!(
        silent.len() == 6 && silent.iter().all(|(_, status)| *status == Status::Warning),
        "what it does not say is a finding each: {silent:?}"
    );
    for (change, check, status) in [
        (
            (|f| f.behaves_as = Some("6.2.7".to_owned())) as fn(&mut ServerFacts),
            "version",
            Status::Error,
        ),
        (
            |f| f.role = Some("slave".to_owned()),
            "topology",
            Status::Error,
        ),
        (|f| f.cluster = Some(true), "topology", Status::Warning),
        (
            |f| f.eviction_policy = Some("allkeys-lru".to_owned()),
            "eviction",
            Status::Error,
        ),
        (
            |f| f.append_only = Some(false),
            "persistence",
            Status::Warning,
        ),
        (|f| f.persists = Some(false), "persistence", Status::Error),
        (|f| f.replicas = Some(0), "replicas", Status::Warning),
        (|f| f.used_memory = Some(3 << 29), "memory", Status::Warning),
    ] {
        let mut facts = good();
        change(&mut facts);
        assert_eq!(statuses(&facts), [(check.to_owned(), status)]);
    }
}

#[test]
fn replicas_that_are_waited_for_must_be_there() {
    let facts = good();
    for (waited_for, status) in [(0, Status::Ok), (1, Status::Ok), (2, Status::Error)] {
        let finding = replicas(&facts, None, true, waited_for);
        assert_eq!(finding.status, status, "{finding:?}");
    }
}

#[test]
fn an_unknown_policy_is_a_warning_until_somebody_has_looked() {
    let facts = ServerFacts::default();
    assert_eq!(eviction(&facts, false).status, Status::Warning);
    assert_eq!(eviction(&facts, true).status, Status::Ok);
}
