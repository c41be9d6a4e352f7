//! What is a fault, and what is not.

mod promises;

use longshore_client::JobId;

use super::*;
use crate::facts::{Forgotten, Found, TakenEvent};

fn accepted(sort: Sort, at_ms: u64) -> Accepted {
    Accepted {
        id: JobId::generate(),
        sort,
        kind: "send_email",
        number: 0,
        asked_ms: at_ms,
        at_ms,
    }
}

fn found(state: JobState, outcomes: &[&str]) -> Found {
    let runs = outcomes.iter();
    Found {
        state,
        queue: "email",
        runs: runs
            .map(|outcome| JobRun {
                outcome: (*outcome).to_owned(),
                worker: "host-7".to_owned(),
                ..JobRun::default()
            })
            .collect(),
        cause: Some("failed".to_owned()),
        ended_ms: None,
        tick: None,
        delivery: None,
        put_back: None,
    }
}

fn told_of(state: JobState, queue: &str) -> TakenEvent {
    TakenEvent {
        what: format!("job.{state}"),
        queue: queue.to_owned(),
    }
}

/// Of a job whose end was told.
fn facts(job: Accepted, found: Option<Found>, effects: &[u64]) -> Facts {
    let told = found.iter().map(|found| told_of(found.state, "email"));
    Facts {
        accepted: vec![job],
        told: [(job.id.to_string(), told.collect())].into(),
        found: found.map(|found| (job.id, found)).into_iter().collect(),
        effects: [(job.id.to_string(), effects.to_vec())].into(),
        ..Facts::default()
    }
}

#[test]
fn a_job_that_is_nowhere_is_lost_unless_redis_lost_its_enqueue() {
    let mut facts = facts(accepted(Sort::Text, 5000), None, &[]);
    assert_eq!(check(&facts).count("lost"), 1);
    facts.forgotten.push(Forgotten {
        from_ms: 4000,
        killed_ms: 6000,
        back_ms: 7000,
        keeps_accepted: false,
    });
    let ledger = check(&facts);
    assert_eq!((ledger.gone, ledger.faults.len()), (1, 0));
    facts.forgotten[0].keeps_accepted = true;
    assert_eq!(check(&facts).count("lost"), 1, "replicas had it");
    facts.forgotten[0].keeps_accepted = false;
    facts.forgotten[0].from_ms = 5500;
    assert_eq!(check(&facts).count("lost"), 1, "it was on the disk");
}

#[test]
fn completed_means_that_it_happened() {
    let completed = || Some(found(JobState::Completed, &["completed"]));
    let mail = accepted(Sort::MailHeld, 1);
    assert_eq!(check(&facts(mail, completed(), &[])).count("lost"), 1);
    assert_eq!(check(&facts(mail, completed(), &[2])).faults.len(), 0);
    let question = accepted(Sort::Question, 1);
    assert_eq!(check(&facts(question, completed(), &[])).faults.len(), 0);
}

#[test]
fn a_double_needs_a_cause_that_its_queue_allows() {
    let twice = |sort, outcomes: &[&str]| {
        let job = accepted(sort, 1);
        check(&facts(
            job,
            Some(found(JobState::Completed, outcomes)),
            &[2, 3],
        ))
    };
    let ledger = twice(Sort::MailRetried, &["lost", "completed"]);
    assert_eq!((ledger.faults.len(), ledger.doubled.len()), (0, 1));
    let ledger = twice(Sort::MailRetried, &["outcome_unknown", "completed"]);
    assert_eq!((ledger.faults.len(), ledger.doubled.len()), (0, 1));
    assert_eq!(twice(Sort::MailRetried, &["completed"]).count("doubled"), 1);
    use Sort::{KeyedCall, MailHeld, Payment, PlainCall, Text};
    for sort in [MailHeld, Text, Payment, KeyedCall, PlainCall] {
        let ledger = twice(sort, &["lost", "completed"]);
        assert_eq!(ledger.count("doubled"), 1, "{sort:?}");
    }
}

#[test]
fn what_redis_forgot_may_double_only_where_nobody_was_left_who_knew() {
    let job = accepted(Sort::MailHeld, 1000);
    let completed = Some(found(JobState::Completed, &["completed"]));
    let mut facts = facts(job, completed, &[5000, 9000]);
    facts.forgotten.push(Forgotten {
        from_ms: 4000,
        killed_ms: 6000,
        back_ms: 7000,
        keeps_accepted: false,
    });
    assert_eq!(check(&facts).count("doubled"), 1, "its worker lived on");
    facts.deaths_ms.push(5500);
    assert_eq!(check(&facts).faults.len(), 0);
    facts.deaths_ms[0] = 3000;
    assert_eq!(check(&facts).count("doubled"), 1, "it died before");
}

#[test]
fn what_was_rolled_back_neither_is_there_nor_happened() {
    let job = accepted(Sort::MailRetried, 1);
    let completed = || Some(found(JobState::Completed, &["completed"]));
    let rolled_back = |found, effects: &[u64]| Facts {
        accepted: Vec::new(),
        rolled_back: vec![job.id],
        ..facts(job, found, effects)
    };
    let count = |facts: &Facts| check(facts).count("uncommitted");
    assert_eq!(count(&rolled_back(None, &[])), 0);
    assert_eq!(count(&rolled_back(completed(), &[])), 1, "it is there");
    assert_eq!(count(&rolled_back(None, &[2])), 1, "it happened");
}

#[test]
fn every_end_is_told_at_least_once_as_what_it_is() {
    let job = accepted(Sort::MailHeld, 1);
    let id = job.id.to_string();
    let of = |told: Vec<TakenEvent>| {
        let completed = Some(found(JobState::Completed, &["completed"]));
        let mut facts = facts(job, completed, &[2]);
        facts.told = [(id.clone(), told)].into();
        check(&facts)
    };
    let right = || told_of(JobState::Completed, "email");
    let other = || told_of(JobState::Dead, "email");
    assert_eq!(of(vec![]).count("untold"), 1);
    let away = |several_nodes, killed_ms, keeps_accepted| {
        let completed = Some(found(JobState::Completed, &["completed"]));
        let mut facts = facts(job, completed, &[2]);
        facts.told.clear();
        facts.several_nodes = several_nodes;
        facts.forgotten.push(Forgotten {
            from_ms: 0,
            killed_ms,
            back_ms: killed_ms,
            keeps_accepted,
        });
        let ledger = check(&facts);
        (ledger.untold_gone, ledger.count("untold"))
    };
    assert_eq!(away(true, 5, false), (1, 0), "its event was on the other");
    assert_eq!(away(true, 0, false), (0, 1), "nothing was lost since");
    assert_eq!(away(true, 5, true), (0, 1), "replicas had it");
    assert_eq!(away(false, 5, false), (0, 1), "its end is lost as well");
    assert_eq!(of(vec![other()]).count("untold"), 1, "another end");
    let ledger = of(vec![other(), right(), right()]);
    assert_eq!(
        (ledger.faults.len(), ledger.told, ledger.told_again),
        (0, 1, 1)
    );
    let ledger = of(vec![right(), told_of(JobState::Completed, "events")]);
    assert_eq!(ledger.count("echo"), 1, "of itself");
}

#[test]
fn a_sick_worker_burns_no_attempt_and_nothing_stays_under_way() {
    let job = accepted(Sort::Text, 1);
    let mut facts = facts(
        job,
        Some(found(JobState::Completed, &["failed", "completed"])),
        &[2],
    );
    assert_eq!(check(&facts).faults.len(), 0);
    facts.sick.push("host-7".to_owned());
    assert_eq!(check(&facts).count("burnt"), 1);
    facts.found.insert(job.id, found(JobState::Running, &[]));
    assert_eq!(check(&facts).count("stuck"), 1);
}
