//! What became of every mail, and how long nothing went on.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longshore_queue::{JobState, Link};
use longshore_tests::{Stage, outcomes, within};

use crate::cases::{Case, Servers};
use crate::producers::Request;

/// How long the rest may take to be sent.
const ENDED_WITHIN: Duration = Duration::from_secs(120);

pub(crate) const HEAD: &str = "\
case                      accepted  refused  lost  doubled  no mail accepted  no mail sent  longest call  connections";

pub(crate) const FOOT: &str = "
lost: accepted, and Redis does not know it. doubled: sent twice. The two times are the longest without an accepted mail
and without a sent one, in seconds. connections: the most of one worker, and of one producer, to one server while all was well.";

/// What a case came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    name: &'static str,
    accepted: usize,
    refused: BTreeMap<&'static str, usize>,
    lost: usize,
    /// Accepted, known, and not sent.
    unsent: usize,
    /// By what the history says of it.
    doubled: BTreeMap<String, usize>,
    not_accepting: Duration,
    not_sending: Duration,
    longest: Duration,
    ended: usize,
    /// What did not happen as it was to.
    pub(crate) wrong: Vec<String>,
    /// How many second mails had their first one sent by a worker that could not know any more that the job was its own.
    unfenced: usize,
    /// The most connections of one process to one server while all was well: of workers, and of producers.
    pub(crate) connections: (usize, usize),
}

/// Waits until all that is known has ended, and looks every accepted job up.
pub(crate) async fn look(
    case: &Case,
    stage: &Stage,
    requests: Vec<Request>,
    began: Instant,
    ended: usize,
) -> Outcome {
    within(ENDED_WITHIN, "every job ends", || async {
        let Ok(stats) = stage.queue.stats().await else {
            return false;
        };
        stats.pending + stats.running + stats.scheduled + stats.retryable == 0
    })
    .await;
    let mut outcome = Outcome {
        name: case.name,
        accepted: 0,
        refused: BTreeMap::new(),
        lost: 0,
        unsent: 0,
        doubled: BTreeMap::new(),
        not_accepting: Duration::ZERO,
        not_sending: Duration::ZERO,
        longest: requests.iter().map(|of| of.took).max().unwrap_or_default(),
        ended,
        wrong: Vec::new(),
        unfenced: 0,
        connections: (0, 0),
    };
    let mut accepted_at = Vec::new();
    let effects: HashMap<_, _> = stage.ledger().count_by_job();
    for Request {
        answered, answer, ..
    } in requests
    {
        let id = match answer {
            Ok(id) => id,
            Err(code) => {
                *outcome.refused.entry(code).or_default() += 1;
                continue;
            }
        };
        outcome.accepted += 1;
        accepted_at.push(answered);
        let sent = effects.get(&id.to_string()).copied().unwrap_or(0);
        let job = stage.queue.job(&id.into()).await.expect("Redis answers");
        match &job {
            None => outcome.lost += 1,
            Some(job) if sent == 0 && job.state == JobState::Completed => outcome.unsent += 1,
            Some(_) => {}
        }
        if sent > 1 {
            let runs = job.as_ref().map(|job| outcomes(job).join(", "));
            let runs = runs.unwrap_or_else(|| "forgotten".to_owned());
            *outcome.doubled.entry(runs).or_default() += 1;
        }
    }
    outcome.not_accepting = longest_gap(accepted_at);
    let start = since_epoch(began);
    let sent = stage.ledger().accepted().into_iter();
    let sent = sent.map(|effect| Duration::from_millis(effect.at_ms).saturating_sub(start));
    outcome.not_sending = longest_gap(sent.collect());
    outcome
}

/// The most connections that a worker, and a producer, has to one server.
pub(crate) async fn most_connections(link: &Link) -> (usize, usize) {
    let mut most = (0, 0);
    let mut list = redis::cmd("CLIENT");
    list.arg("LIST");
    for node in link.nodes().await.unwrap_or_default() {
        // A user that may not ask is not told.
        let said = link
            .command_at::<String>(&node, &list)
            .await
            .unwrap_or_default();
        let names = said
            .split(' ')
            .filter_map(|field| field.strip_prefix("name="));
        let mut of: BTreeMap<String, usize> = BTreeMap::new();
        for name in names {
            // What it is for follows.
            let process: Vec<_> = name.split(':').take(3).collect();
            *of.entry(process.join(":")).or_default() += 1;
        }
        let of = |role: &str| {
            let theirs = of.iter().filter(|(name, _)| name.starts_with(role));
            theirs.map(|(_, count)| *count).max().unwrap_or_default()
        };
        most.0 = most.0.max(of("longshore:work:"));
        most.1 = most.1.max(of("longshore:client:"));
    }
    most
}

/// When that was, by the clock of the provider's ledger.
fn since_epoch(began: Instant) -> Duration {
    let epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    epoch.unwrap_or_default().saturating_sub(began.elapsed())
}

fn longest_gap(mut at: Vec<Duration>) -> Duration {
    at.sort_unstable();
    let gaps = at.windows(2).map(|two| two[1] - two[0]);
    gaps.max().unwrap_or_default()
}

impl Outcome {
    /// Counts mails that were sent twice, the first time later than this: whoever was cut off by then had to ask Redis first.
    pub(crate) fn after_the_fence(&mut self, stage: &Stage, began: Instant, fence: Duration) {
        let start = since_epoch(began);
        let mut first: HashMap<String, (Duration, usize)> = HashMap::new();
        for effect in stage.ledger().accepted() {
            let at = Duration::from_millis(effect.at_ms).saturating_sub(start);
            if let Some(job) = effect.job {
                let (earliest, count) = first.entry(job).or_insert((at, 0));
                *earliest = at.min(*earliest);
                *count += 1;
            }
        }
        let late = first
            .values()
            .filter(|(at, count)| *count > 1 && *at > fence);
        self.unfenced = late.count();
    }

    /// What must not be.
    pub(crate) fn problems(&self, case: &Case) -> Vec<String> {
        let mut problems = self.wrong.clone();
        if self.unfenced > 0 {
            let fence = "after its worker had lost sight of Redis for 10 s";
            problems.push(format!("{} doubled, sent first {fence}", self.unfenced));
        }
        // One server loses nothing of what it has answered: it has it on its disk.
        if case.servers == Servers::One && self.lost > 0 {
            problems.push(format!("{} lost", self.lost));
        }
        if case.wait > 0 && self.lost > 0 {
            problems.push(format!("{} lost, though a replica had them", self.lost));
        }
        if self.unsent > 0 {
            problems.push(format!("{} completed, and never sent", self.unsent));
        }
        for (runs, count) in &self.doubled {
            // Its outcome was not known, or its worker was: the rule for mails is to send again.
            if !runs.contains("outcome_unknown") && !runs.contains("lost") {
                problems.push(format!("{count} doubled without a cause: {runs}"));
            }
        }
        if self.ended > 0 {
            problems.push(format!("{} workers ended", self.ended));
        }
        problems
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused: usize = self.refused.values().sum();
        let doubled: usize = self.doubled.values().sum();
        write!(
            f,
            "{:<24}  {:>8}  {:>7}  {:>4}  {:>7}  {:>14.1} s  {:>10.1} s  {:>10.1} s  {:>6} {:>3}",
            self.name,
            self.accepted,
            refused,
            self.lost,
            doubled,
            self.not_accepting.as_secs_f64(),
            self.not_sending.as_secs_f64(),
            self.longest.as_secs_f64(),
            self.connections.0,
            self.connections.1,
        )?;
        for (code, count) in &self.refused {
            write!(f, "\n    {count} refused: {code}")?;
        }
        for (runs, count) in &self.doubled {
            write!(f, "\n    {count} doubled: {runs}")?;
        }
        Ok(())
    }
}
