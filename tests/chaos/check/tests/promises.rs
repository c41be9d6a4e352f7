//! Commands whose words are not true, and all else that is checked beside the jobs themselves: a bad fact is found, and the same
//! fact with its cause is not.

use std::collections::HashSet;

use longshore_client::JobId;

use super::{accepted, facts, found};
use crate::check::*;
use crate::facts::{
    AuditNote, CronEntry, Forgotten, KeyUse, Memory, Mend, Promise, Sets, TakenPost, WrongClock,
};

/// Of one job that was cancelled at 1000, by a command with this promise.
fn cancelled(promise: impl Fn(JobId) -> Promise, effects: &[u64]) -> Facts {
    let job = accepted(Sort::MailHeld, 900);
    let mut facts = facts(job, Some(found(JobState::Cancelled, &[])), effects);
    facts.commands.push(Command {
        name: "cancel",
        reason: "act 1".to_owned(),
        asked_ms: 950,
        at_ms: 1000,
        changed: false,
        of: vec![job.id],
        promises: vec![promise(job.id)],
    });
    facts
}

fn forgot(from_ms: u64, killed_ms: u64) -> Forgotten {
    Forgotten {
        from_ms,
        killed_ms,
        back_ms: killed_ms,
        keeps_accepted: true,
    }
}

#[test]
fn what_is_said_to_be_cancelled_was_not_sent() {
    assert_eq!(check(&cancelled(Promise::NeverSent, &[])).faults.len(), 0);
    for at in [960, 5000] {
        let mut facts = cancelled(Promise::NeverSent, &[at]);
        assert_eq!(check(&facts).count("cancelled:"), 1, "sent at {at}");
        facts.forgotten.push(forgot(900, 990));
        let ledger = check(&facts);
        assert_eq!((ledger.faults.len(), ledger.apart.len()), (0, 1));
    }
    let mut waited = cancelled(Promise::NeverSent, &[200_000]);
    waited.forgotten.push(forgot(2000, 2100));
    assert_eq!(check(&waited).count("cancelled:"), 1, "the cancel was kept");
    waited.forgotten[0] = forgot(940, 1100);
    assert_eq!(check(&waited).count("cancelled:"), 0, "forgotten, then due");
    let ledger = check(&cancelled(Promise::Cancelled, &[960]));
    assert_eq!((ledger.faults.len(), ledger.apart.len()), (0, 1), "forced");
    let mut many = cancelled(Promise::NeverSent, &[5000]);
    many.wrong_clocks.push(wrong(940, 980, 90_000));
    assert_eq!(check(&many).count("cancelled:"), 1, "named one by one");
    many.commands[0].name = "cancel many";
    assert_eq!(check(&many).count("cancelled:"), 0, "of another time");
    many.wrong_clocks[0] = wrong(1001, 1200, 90_000);
    assert_eq!(check(&many).count("cancelled:"), 1, "only later");
}

#[test]
fn what_is_said_to_be_cancelled_is_and_nothing_else_is() {
    let mut facts = cancelled(Promise::NeverSent, &[]);
    let id = facts.accepted[0].id;
    facts.commands[0].name = "edit";
    assert_eq!(check(&facts).count("cancelled:"), 1, "nobody asked");
    let mut facts = cancelled(Promise::NeverSent, &[]);
    let dead = found(JobState::Dead, &["refused"]);
    facts.found.insert(facts.accepted[0].id, dead);
    facts.told.clear();
    assert_eq!(check(&facts).count("cancelled:"), 1, "it is dead");
    facts.forgotten.push(forgot(940, 1100));
    assert_eq!(check(&facts).count("cancelled:"), 0, "Redis forgot it");
    assert!(!facts.found.contains_key(&id));
}

#[test]
fn an_edit_a_forget_and_a_discard_hold() {
    let to = |id| Promise::SentTo(id, "new@example.com".to_owned());
    let mut facts = cancelled(to, &[1200]);
    let id = facts.accepted[0].id;
    let recipient = |to: &str| [(id.to_string(), vec![to.to_owned()])].into();
    facts.recipients = recipient("new@example.com");
    assert_eq!(check(&facts).count("edited:"), 0);
    facts.recipients = recipient("old@example.com");
    assert_eq!(check(&facts).count("edited:"), 1);

    let person = |id| Promise::PersonForgotten(vec![id], "ada@example.com".to_owned());
    assert_eq!(check(&cancelled(person, &[999])).count("forgotten:"), 0);
    assert_eq!(check(&cancelled(person, &[1001])).count("forgotten:"), 1);
    let mut facts = cancelled(person, &[]);
    facts.still_there.insert("ada@example.com".to_owned());
    assert_eq!(check(&facts).count("forgotten:"), 1);

    let facts = cancelled(Promise::Discarded, &[]);
    assert_eq!(check(&facts).count("discarded:"), 1, "it is there");
}

#[test]
fn nothing_begins_in_a_paused_queue_and_a_limited_one_is_slow() {
    let still = |_| Promise::Still("email", 2000, 7000);
    let mut facts = cancelled(still, &[]);
    let id = facts.accepted[0].id;
    let mut ran = |outcome: &str, at_ms, duration_ms| {
        let mut found = found(JobState::Cancelled, &[outcome]);
        (found.runs[0].at_ms, found.runs[0].duration_ms) = (at_ms, duration_ms);
        facts.found.insert(id, found);
        check(&facts).count("paused:")
    };
    assert_eq!(ran("failed", 3000, 500), 1);
    assert_eq!(ran("failed", 3000, 1500), 0, "it began before");
    assert_eq!(ran("failed", 7500, 100), 0, "and after");
    assert_eq!(ran("edited", 3000, 0), 0, "an operator's own act");

    let slow = |_| Promise::Slow("email", 5, 2000, 4000);
    let calls = |count| cancelled(slow, &vec![3000; count]);
    assert_eq!(check(&calls(22)).count("limited:"), 0);
    assert_eq!(check(&calls(23)).count("limited:"), 1);
    let mut stepped = calls(23);
    stepped.wrong_clocks.push(wrong(0, 3000, 90_000));
    assert_eq!(check(&stepped).count("limited:"), 0, "the clock was wrong");
    stepped.wrong_clocks[0] = wrong(5000, 6000, 90_000);
    assert_eq!(check(&stepped).count("limited:"), 1, "only later");
}

#[test]
fn the_audit_has_what_was_done_and_nothing_else() {
    let mut facts = cancelled(Promise::NeverSent, &[]);
    facts.commands[0].changed = true;
    assert_eq!(check(&facts).count("audit:"), 1, "it is missing");
    let note = |reason: &str| AuditNote {
        queue: "email",
        action: "cancel".to_owned(),
        by: "ops".to_owned(),
        reason: reason.to_owned(),
    };
    facts.audit.push(note("act 1"));
    assert_eq!(check(&facts).count("audit:"), 0);
    facts.audit.push(note("act 7"));
    assert_eq!(check(&facts).count("audit:"), 1, "nobody did it");
}

#[test]
fn a_key_stands_for_one_job_and_leads_to_it() {
    let job = accepted(Sort::MailHeld, 1000);
    let other = JobId::generate();
    let of = |answers: &[JobId], holder, has_limit| {
        let completed = found(JobState::Completed, &["completed"]);
        let mut facts = facts(job, Some(completed), &[2]);
        facts.keys.push(KeyUse {
            key: "k".to_owned(),
            answers: answers.iter().map(|id| (*id, 1000)).collect(),
            holder,
            has_limit,
        });
        check(&facts).count("key:")
    };
    assert_eq!(of(&[job.id, job.id], Some(job.id), true), 0);
    assert_eq!(of(&[other, job.id], Some(job.id), true), 1, "two jobs");
    assert_eq!(of(&[job.id], Some(other), true), 1, "another's");
    assert_eq!(of(&[job.id], None, true), 1, "nobody's");
    assert_eq!(of(&[job.id], Some(job.id), false), 1, "for ever");
}

#[test]
fn attempts_are_used_by_calls_alone() {
    let of = |change: fn(&mut Vec<JobRun>)| {
        let mut found = found(JobState::Dead, &["failed", "failed"]);
        for (run, attempt) in found.runs.iter_mut().zip(1..) {
            run.attempt = attempt;
        }
        change(&mut found.runs);
        check(&facts(accepted(Sort::Text, 1), Some(found), &[])).count("burnt:")
    };
    assert_eq!(of(|_| {}), 0);
    assert_eq!(of(|runs| runs[1].attempt = 3), 1, "one is missing");
    assert_eq!(of(|runs| runs[0].outcome = "replayed".to_owned()), 0);
    let open = |runs: &mut Vec<JobRun>| runs[0].reason = Some("its breaker is open".to_owned());
    assert_eq!(of(open), 1);
    let said = |runs: &mut Vec<JobRun>| {
        runs[0].reason = Some("503: our Redis is away".to_owned());
        runs[0].answer = Some("503".to_owned());
    };
    assert_eq!(of(said), 0, "its provider's own words");
}

/// An entry that ticks every two seconds.
fn often(from_ms: u64, until_ms: u64) -> CronEntry {
    CronEntry {
        name: "often",
        every_ms: 2000,
        from_ms,
        until_ms,
    }
}

#[test]
fn each_tick_is_one_job() {
    let of = |ticks: &[u64], promise: Option<Promise>| {
        let mut facts = match promise {
            Some(promise) => cancelled(|_| promise.clone(), &[]),
            None => Facts::default(),
        };
        for tick in ticks {
            let mut found = found(JobState::Completed, &["completed"]);
            found.tick = Some(("often".to_owned(), *tick));
            facts.found.insert(JobId::generate(), found);
        }
        facts.cron.push(often(100_500, 118_000));
        check(&facts)
    };
    let all = [102_000, 104_000, 106_000];
    assert_eq!(of(&all, None).count("cron:"), 0);
    assert_eq!(of(&all[1..], None).count("cron:"), 1, "one is missing");
    let twice = [&all[..], &all[..1]].concat();
    assert_eq!(of(&twice, None).count("cron:"), 1, "one is twice");
    let paused = Promise::MayNotTick("often", 101_000, 103_000);
    assert_eq!(of(&all[1..], Some(paused)).count("cron:"), 0);
    let paused = Promise::NoTick("often", 101_000, 103_000);
    assert_eq!(of(&all, Some(paused)).count("paused:"), 1);
}

#[test]
fn an_entry_whose_resume_was_forgotten_stays_paused() {
    let missing = |forgot_ms| {
        let paused = |_| Promise::MayNotTick("often", 101_000, 103_000);
        let mut facts = cancelled(paused, &[]);
        facts.cron.push(often(140_000, 154_000));
        facts.forgotten.push(forgot(forgot_ms - 1000, forgot_ms));
        check(&facts).count("cron:")
    };
    assert_eq!(missing(103_500), 0);
    assert_eq!(missing(100_500), 2, "before it was paused");
}

#[test]
fn a_tick_bears_the_time_of_redis() {
    let of = |from_ms, until_ms, off_ms| {
        let mut facts = cancelled(|_| Promise::NoTick("often", 101_000, 103_000), &[]);
        let mut found = found(JobState::Completed, &["completed"]);
        found.tick = Some(("often".to_owned(), 102_000));
        facts.found.insert(JobId::generate(), found);
        facts.wrong_clocks.push(wrong(from_ms, until_ms, off_ms));
        check(&facts).count("paused:")
    };
    assert_eq!(of(10_000, 13_000, 90_000), 0, "made before the pause");
    assert_eq!(of(10_000, 13_000, 20_000), 1, "of other ticks");
    assert_eq!(of(141_000, 143_000, -40_000), 0, "made after it");
    assert_eq!(of(10_000, 13_000, 1_800_000), 1, "of half an hour later");
    let ago = -1_800_000;
    assert_eq!(
        of(104_000, 107_000, ago),
        0,
        "made up for, once it is right"
    );
    assert_eq!(of(164_000, 167_000, ago), 1, "too late for that");
}

fn wrong(from_ms: u64, until_ms: u64, off_ms: i64) -> WrongClock {
    WrongClock {
        from_ms,
        until_ms,
        off_ms,
    }
}

#[test]
fn a_tick_shortly_after_redis_forgot_is_counted_apart() {
    let missing = |killed_ms| {
        let mut facts = Facts::default();
        facts.cron.push(often(101_000, 113_000));
        facts.forgotten.push(forgot(killed_ms - 1000, killed_ms));
        check(&facts).count("cron:")
    };
    assert_eq!(missing(90_000), 0);
    assert_eq!(missing(80_000), 1, "long before");
}

#[test]
fn sets_agree_with_what_jobs_are() {
    let of = |state, members: &[(&'static str, &str)]| {
        let mut sets = Sets {
            queue: "email",
            jobs: [("a".to_owned(), state)].into(),
            ..Sets::default()
        };
        for (name, id) in members {
            let of_name = sets.members.entry(name).or_default();
            of_name.insert((*id).to_owned());
        }
        let facts = Facts {
            sets: vec![sets],
            ..Facts::default()
        };
        check(&facts).count("sets:")
    };
    let dead = [("dead", "a"), ("letters", "a")];
    assert_eq!(of(JobState::Dead, &dead), 0);
    assert_eq!(of(JobState::Dead, &dead[..1]), 1, "in no group");
    let completed = [("completed", "a"), ("completions", "a")];
    assert_eq!(of(JobState::Completed, &completed), 0);
    let also = [&completed[..], &dead[..1]].concat();
    assert_eq!(of(JobState::Completed, &also), 1, "in two sets");
    let nowhere = [&completed[..], &[("cancelled", "b")]].concat();
    assert_eq!(of(JobState::Completed, &nowhere), 1, "no such job");
    let waits = [&completed[..], &[("active", "a")]].concat();
    assert_eq!(of(JobState::Completed, &waits), 0, "an old entry");
    assert_eq!(of(JobState::Pending, &[("active", "a")]), 1);
    let runs = [&completed[..], &[("inflight", "a")]].concat();
    assert_eq!(of(JobState::Completed, &runs), 1, "still claimed");
}

#[test]
fn what_providers_told_came_to_something() {
    let job = accepted(Sort::MailHeld, 1);
    let completed = found(JobState::Completed, &["completed"]);
    let mut facts = facts(job, Some(completed), &[2]);
    let delivered = TakenPost::Delivery(job.id, "delivered".to_owned());
    facts.taken = vec![
        delivered,
        TakenPost::Payment("evt_1".to_owned(), "pi_1".to_owned()),
    ];
    assert_eq!(check(&facts).count("untaken:"), 2);
    let mut gone = cancelled(|_| Promise::Replayed, &[]);
    gone.commands[0].name = "forget";
    gone.found
        .values_mut()
        .for_each(|job| job.state = JobState::Completed);
    gone.taken = vec![TakenPost::Delivery(gone.accepted[0].id, String::new())];
    assert_eq!(
        check(&gone).count("untaken:"),
        0,
        "their person was forgotten"
    );
    let of_job = facts.found.get_mut(&job.id).expect("is there");
    of_job.delivery = Some("delivered".to_owned());
    facts.refunded = HashSet::from(["pi_2".to_owned()]);
    assert_eq!(check(&facts).count("untaken:"), 1);
    facts.refunded = HashSet::from(["pi_1".to_owned()]);
    assert_eq!(check(&facts).count("untaken:"), 0, "given back since");
    facts.refunded.clear();
    facts.applied = HashSet::from(["evt_1".to_owned()]);
    assert_eq!(check(&facts).count("untaken:"), 0);
}

#[test]
fn a_process_that_grows_is_found_and_recovery_is_told() {
    let job = accepted(Sort::MailHeld, 1);
    let mut completed = found(JobState::Completed, &["completed"]);
    completed.ended_ms = Some(5400);
    let mut facts = facts(job, Some(completed), &[2]);
    facts.memory.push(Memory {
        role: "work",
        early_bytes: 50 << 20,
        late_bytes: 90 << 20,
    });
    facts.mends.push(Mend {
        fault: "Redis killed",
        queue: None,
        at_ms: 5000,
    });
    let ledger = check(&facts);
    assert_eq!(ledger.count("memory:"), 0);
    assert_eq!(ledger.recovery["Redis killed"], [400]);
    facts.memory[0].late_bytes = 190 << 20;
    assert_eq!(check(&facts).count("memory:"), 1);
}
