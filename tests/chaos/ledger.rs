//! What a leg came to.

use std::collections::BTreeMap;

/// The ledger of one leg.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) accepted: usize,
    pub(crate) completed: usize,
    pub(crate) cancelled: usize,
    pub(crate) discarded: usize,
    pub(crate) dead: BTreeMap<String, usize>,
    /// How many jobs of each kind were accepted, and how many of them completed.
    pub(crate) kinds: BTreeMap<&'static str, (usize, usize)>,
    /// Gone with writes that Redis itself lost.
    pub(crate) gone: usize,
    pub(crate) doubled: BTreeMap<&'static str, usize>,
    /// What is allowed for a cause, and is counted apart.
    pub(crate) apart: BTreeMap<&'static str, usize>,
    /// Ends that the application was told of, and how often more than once.
    pub(crate) told: usize,
    pub(crate) told_again: usize,
    /// Ends of which the event is gone with writes that Redis itself lost: it stood on another node than the job.
    pub(crate) untold_gone: usize,
    /// How long it took until a queue completed a job again, in ms, by the sort of fault that was over.
    pub(crate) recovery: BTreeMap<&'static str, Vec<u64>>,
    /// What must not be, one line each.
    pub(crate) faults: Vec<String>,
}

impl Ledger {
    /// How many faults begin with this word.
    pub(crate) fn count(&self, word: &str) -> usize {
        self.faults.iter().filter(|f| f.starts_with(word)).count()
    }

    pub(crate) fn fault(&mut self, what: String) {
        self.faults.push(what);
    }

    /// A fault, or the cause for which it is none.
    pub(crate) fn unless(&mut self, cause: Option<&'static str>, what: String) {
        match cause {
            Some(cause) => *self.apart.entry(cause).or_default() += 1,
            None => self.fault(what),
        }
    }
}
