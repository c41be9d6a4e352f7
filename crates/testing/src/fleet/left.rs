//! What came of a fleet's work, and what is left of it.

use std::fmt::Write as _;

use longshore_job::Job;

/// What is left in one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// The queue.
    pub queue: String,
    /// How many jobs wait for a worker.
    pub pending: u64,
    /// How many jobs run.
    pub running: u64,
    /// How many jobs are scheduled for a later time.
    pub waiting: u64,
    /// Kinds of jobs that wait and have no handler here.
    pub unknown_kinds: Vec<String>,
    /// Whether the fleet has a handler for this queue.
    pub is_worked: bool,
    /// Why the queue is paused, if it is.
    pub paused: Option<String>,
    /// The jobs that have begun and not ended, each in words.
    pub jobs: Vec<String>,
}

/// In words, each beginning on a line of its own.
pub(super) fn listed(left: &[Leftover]) -> String {
    let mut text = String::new();
    for queue in left {
        let counts = [
            (queue.pending, "pending"),
            (queue.running, "running"),
            (queue.waiting, "waiting for their time"),
        ];
        let mut said: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if !queue.is_worked {
            said.push("no handler of this queue was given".to_owned());
        }
        if !queue.unknown_kinds.is_empty() {
            let kinds = queue.unknown_kinds.join(", ");
            said.push(format!("no handler was given for {kinds}"));
        }
        if let Some(reason) = &queue.paused {
            said.push(format!("paused: {reason}"));
        }
        write!(text, "\n  {}: {}", queue.queue, said.join("; ")).expect("a text takes it");
        for job in &queue.jobs {
            write!(text, "\n    {job}").expect("a text takes it");
        }
    }
    text
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadJob {
    /// Its id.
    pub id: String,
    /// Its kind; empty where its payload does not say.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Why its last attempt failed.
    pub reason: String,
}

/// The results of all work since the fleet was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Worked {
    /// How many jobs were completed.
    pub completed: u64,
    /// The dead letters, the newest of each queue first.
    pub dead: Vec<DeadJob>,
}

impl Worked {
    /// Asserts that this many jobs were completed and none died.
    ///
    /// # Panics
    /// When it was otherwise: the message lists the dead letters.
    #[track_caller]
    pub fn assert_completed(&self, jobs: u64) {
        assert!(
            self.dead.is_empty() && self.completed == jobs,
            "{jobs} jobs were to be completed, and none to die\n{}",
            self.in_words()
        );
    }

    /// Asserts that one job of this kind died and no other job did. Returns its letter.
    ///
    /// # Panics
    /// When it was otherwise: the message lists the dead letters.
    #[track_caller]
    pub fn assert_dead<J: Job>(&self) -> &DeadJob {
        match &*self.dead {
            [dead] if dead.kind == J::KIND => dead,
            _ => panic!(
                "one {} was to die, and nothing else\n{}",
                J::KIND,
                self.in_words()
            ),
        }
    }

    fn in_words(&self) -> String {
        let mut text = format!(
            "{} were completed, {} died",
            self.completed,
            self.dead.len()
        );
        for dead in &self.dead {
            let DeadJob {
                id, kind, reason, ..
            } = dead;
            write!(text, "\n  {kind} {id}: {reason}").expect("a text takes it");
        }
        text
    }
}
