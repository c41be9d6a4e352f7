//! What may have become of each job, given what was done to it. Pure: facts in, a ledger out.

use std::collections::{BTreeMap, HashMap};

use longshore_client::{JobId, JobState};

/// What was enqueued, by what may happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    /// A mail whose queue retries when an outcome is not known: a second one may follow.
    MailRetried,
    /// A mail whose queue holds such jobs.
    MailHeld,
    /// A text message, whose queue verifies.
    Text,
    /// A write at Stripe, under an idempotency key.
    Payment,
    /// A question without an effect.
    Question,
}

/// A job that the client said was accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) id: JobId,
    pub(crate) sort: Sort,
    /// When the client was asked, in ms since the epoch.
    pub(crate) asked_ms: u64,
    /// When it said so.
    pub(crate) at_ms: u64,
}

/// Where a job was found in the end.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) state: JobState,
    /// What each of its runs came to, and by which worker.
    pub(crate) runs: Vec<(String, String)>,
    /// Why it is dead, in the words of its group.
    pub(crate) cause: Option<String>,
}

/// A time whose writes Redis has lost, as far as its way of keeping them says that it may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forgotten {
    /// Nothing written before this may be lost.
    pub(crate) from_ms: u64,
    /// When Redis was killed.
    pub(crate) killed_ms: u64,
    /// When it answered again.
    pub(crate) back_ms: u64,
    /// What was accepted is not among them: replicas had it.
    pub(crate) keeps_accepted: bool,
}

/// What the application was told of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TakenEvent {
    /// `job.completed`, `job.dead`, …
    pub(crate) what: String,
    /// The job's queue.
    pub(crate) queue: String,
}

/// All that is known after a leg.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) found: HashMap<JobId, Found>,
    /// When each job had its effects, in ms since the epoch.
    pub(crate) effects: HashMap<String, Vec<u64>>,
    pub(crate) forgotten: Vec<Forgotten>,
    /// The queues are not all of one server.
    pub(crate) several_nodes: bool,
    /// Jobs of transactions that were rolled back.
    pub(crate) rolled_back: Vec<JobId>,
    /// What the application was told, by job.
    pub(crate) told: HashMap<String, Vec<TakenEvent>>,
    /// When workers were killed, stopped, or frozen for longer than a lease.
    pub(crate) deaths_ms: Vec<u64>,
    /// Names of workers that reach no provider.
    pub(crate) sick: Vec<String>,
    /// Jobs that a queue still counts as under way.
    pub(crate) unsettled: Vec<String>,
}

/// How long a fleet goes on repairing what Redis forgot: a worker that is killed meanwhile takes what it knows along.
const REPAIR_MS: u64 = 20_000;

/// The ledger of one leg.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) accepted: usize,
    pub(crate) completed: usize,
    pub(crate) dead: BTreeMap<String, usize>,
    /// Gone with writes that Redis itself lost.
    pub(crate) gone: usize,
    pub(crate) doubled: BTreeMap<&'static str, usize>,
    /// Ends that the application was told of, and how often more than once.
    pub(crate) told: usize,
    pub(crate) told_again: usize,
    /// Ends of which the event is gone with writes that Redis itself lost: it stood on another node than the job.
    pub(crate) untold_gone: usize,
    /// What must not be, one line each.
    pub(crate) faults: Vec<String>,
}

impl Ledger {
    /// How many faults begin with this word.
    pub(crate) fn count(&self, word: &str) -> usize {
        self.faults.iter().filter(|f| f.starts_with(word)).count()
    }
}

/// Says what became of everything, and what of it must not be.
pub(crate) fn check(facts: &Facts) -> Ledger {
    let mut ledger = Ledger {
        accepted: facts.accepted.len(),
        ..Ledger::default()
    };
    for job in &facts.accepted {
        one(facts, job, &mut ledger);
    }
    for id in &facts.rolled_back {
        let effects = facts.effects.get(&id.to_string());
        if facts.found.contains_key(id) || effects.is_some_and(|effects| !effects.is_empty()) {
            let what = format!("uncommitted: {id} was rolled back, and is there");
            ledger.faults.push(what);
        }
    }
    for (id, told) in &facts.told {
        if told.iter().any(|told| told.queue == "events") {
            let what = format!("echo: {id} is of the queue events, and was told of");
            ledger.faults.push(what);
        }
    }
    let stuck = facts.unsettled.iter().map(|what| format!("stuck: {what}"));
    ledger.faults.extend(stuck);
    ledger
}

fn one(facts: &Facts, job: &Accepted, ledger: &mut Ledger) {
    let id = job.id;
    let none = Vec::new();
    let effects = facts.effects.get(&id.to_string()).unwrap_or(&none);
    let Some(found) = facts.found.get(&id) else {
        let with_redis = facts
            .forgotten
            .iter()
            .filter(|f| !f.keeps_accepted)
            .any(|f| job.asked_ms <= f.killed_ms && job.at_ms >= f.from_ms);
        match with_redis {
            true => ledger.gone += 1,
            false => ledger
                .faults
                .push(format!("lost: {id} ({:?}) is nowhere", job.sort)),
        }
        doubled(facts, job, &[], effects, ledger);
        return;
    };
    match found.state {
        JobState::Completed => {
            ledger.completed += 1;
            if effects.is_empty() && job.sort != Sort::Question {
                let what = format!("lost: {id} ({:?}) completed without an effect", job.sort);
                ledger.faults.push(what);
            }
        }
        JobState::Dead => {
            let cause = found.cause.clone().unwrap_or_default();
            *ledger.dead.entry(cause).or_default() += 1;
        }
        state => ledger.faults.push(format!("stuck: {id} is {state}")),
    }
    told(facts, job, found.state, ledger);
    for (outcome, worker) in &found.runs {
        if outcome == "failed" && facts.sick.iter().any(|sick| worker.contains(sick)) {
            let what = format!("burnt: {id} lost an attempt to the sick worker {worker}");
            ledger.faults.push(what);
        }
    }
    doubled(facts, job, &found.runs, effects, ledger);
}

/// Whether the application was told how a job ended.
fn told(facts: &Facts, job: &Accepted, state: JobState, ledger: &mut Ledger) {
    let id = job.id;
    let what = format!("job.{state}");
    let told = facts.told.get(&id.to_string());
    match told.map(|told| told.iter().filter(|told| told.what == what).count()) {
        Some(times @ 1..) => {
            ledger.told += 1;
            ledger.told_again += times - 1;
        }
        _ if lost_since(facts, job) => ledger.untold_gone += 1,
        _ => ledger.faults.push(format!("untold: {id} is {state}")),
    }
}

/// Whether a node of a cluster has lost what it accepted since the job was: an event of it may have been there. One server
/// forgets a job's end with its event, and the end comes again.
fn lost_since(facts: &Facts, job: &Accepted) -> bool {
    let mut forgotten = facts.forgotten.iter();
    facts.several_nodes && forgotten.any(|f| !f.keeps_accepted && f.killed_ms >= job.asked_ms)
}

/// Effects beyond the first, and whether there is a cause that allows them.
fn doubled(
    facts: &Facts,
    job: &Accepted,
    runs: &[(String, String)],
    effects: &[u64],
    ledger: &mut Ledger,
) {
    if effects.len() <= 1 {
        return;
    }
    let count = |outcome: &str| runs.iter().filter(|(o, _)| o == outcome).count();
    let (lost, unknown) = (count("lost"), count("outcome_unknown"));
    let extra = effects.len() - 1;
    let cause = if job.sort == Sort::MailRetried && lost + unknown >= extra {
        match lost >= unknown {
            true => Some("worker lost while its request was out; the queue retries"),
            false => Some("answer lost; the queue retries"),
        }
    } else if job.sort != Sort::Payment && forgot(facts, effects) {
        Some("Redis forgot the run, and the worker that knew of it was gone as well")
    } else {
        None
    };
    match cause {
        Some(cause) => *ledger.doubled.entry(cause).or_default() += extra,
        None => ledger.faults.push(format!(
            "doubled: {} ({:?}) had {} effects and no cause for it: {runs:?}",
            job.id,
            job.sort,
            effects.len()
        )),
    }
}

/// An effect falls into a time that Redis forgot, and a worker that may have known of it was gone before all was repaired.
fn forgot(facts: &Facts, effects: &[u64]) -> bool {
    facts.forgotten.iter().any(|f| {
        let during = |at: &u64| (f.from_ms.saturating_sub(REPAIR_MS)..=f.killed_ms).contains(at);
        let gone = |at: &u64| (f.from_ms..=f.back_ms + REPAIR_MS).contains(at);
        effects.iter().any(during) && facts.deaths_ms.iter().any(gone)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(sort: Sort, at_ms: u64) -> Accepted {
        Accepted {
            id: JobId::generate(),
            sort,
            asked_ms: at_ms,
            at_ms,
        }
    }

    fn found(state: JobState, outcomes: &[&str]) -> Found {
        let runs = outcomes.iter();
        Found {
            state,
            runs: runs
                .map(|o| ((*o).to_owned(), "host-7".to_owned()))
                .collect(),
            cause: Some("failed".to_owned()),
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
        for sort in [Sort::MailHeld, Sort::Text, Sort::Payment] {
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
}
