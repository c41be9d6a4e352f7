//! A memory and an outbox for runs, in this process.

mod of_job;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use longshore_job::{EarlierRequests, JobId, Kinds, Unremembered};
#[cfg(doc)]
use longshore_job::{Memory, Outbox};
use serde_json::Value;

use crate::{Recorder, ScriptedGate};
pub use of_job::JobMemory;

/// What a run asks of its memory, or of its outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryRequest {
    /// [`Memory::earlier_requests`].
    EarlierRequests,
    /// [`Memory::note_message`].
    NoteMessage,
    /// [`Memory::recall`].
    Recall,
    /// [`Memory::keep`] and [`Memory::cache`].
    Keep,
    /// [`Memory::keep_first`].
    KeepFirst,
    /// [`Memory::checkpoint`].
    Checkpoint,
    /// [`Memory::save`].
    Save,
    /// [`Memory::find`].
    Find,
    /// [`Memory::assign`].
    Assign,
    /// [`Outbox::enqueue`].
    Enqueue,
}

/// All of them.
const ALL: [MemoryRequest; 10] = [
    MemoryRequest::EarlierRequests,
    MemoryRequest::NoteMessage,
    MemoryRequest::Recall,
    MemoryRequest::Keep,
    MemoryRequest::KeepFirst,
    MemoryRequest::Checkpoint,
    MemoryRequest::Save,
    MemoryRequest::Find,
    MemoryRequest::Assign,
    MemoryRequest::Enqueue,
];

/// What was kept under a key, once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptValue {
    /// The key.
    pub key: String,
    /// What.
    pub value: Vec<u8>,
    /// For how long from then, or, of what is still there, from now.
    pub time: Duration,
}

/// A [`Memory`] and an [`Outbox`] in this process. It begins empty, and forgets no value before its time. Only
/// [`advance`](Self::advance) moves its clock. Clones share one state.
///
/// It invents nothing: set what is known of earlier requests before a run asks for it.
#[derive(Debug, Clone, Default)]
pub struct ScriptedMemory {
    state: Arc<Mutex<State>>,
    outbox: Recorder,
}

#[derive(Debug, Default)]
struct State {
    kinds: Kinds,
    away: BTreeSet<MemoryRequest>,
    never: BTreeMap<MemoryRequest, &'static str>,
    /// How far the clock was turned.
    turned: Duration,
    earlier: Option<EarlierRequests>,
    /// The messages of each job, by who has them; `None` for those of jobs that are not this test's.
    messages: BTreeMap<String, Option<JobId>>,
    owned: Vec<String>,
    kept: BTreeMap<String, (Vec<u8>, Duration)>,
    keeps: Vec<KeptValue>,
    check: Option<Check>,
    checkpoints: BTreeMap<JobId, Value>,
    saved: Vec<Value>,
    saves: Saves,
    maps: BTreeMap<(String, String), String>,
}

/// What looks at each value that is kept.
struct Check(Box<dyn Fn(&KeptValue) + Send + Sync>);

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Check")
    }
}

/// What becomes of checkpoints.
#[derive(Debug, Default)]
enum Saves {
    #[default]
    Taken,
    /// Only so many more, then the job is another run's.
    LostAfter(u64),
    /// Only so many more, then Redis is away.
    AwayAfter(u64),
}

impl ScriptedMemory {
    /// An empty memory. Runs can enqueue no jobs by the name of their kind until [`set_kinds`](Self::set_kinds) is called.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the kinds of jobs that runs may enqueue by name.
    pub fn set_kinds(&self, kinds: Kinds) {
        self.state().kinds = kinds;
    }

    /// Fails this request from now on, as when Redis is away.
    pub fn fail(&self, request: MemoryRequest) {
        self.state().away.insert(request);
    }

    /// Fails every request from now on.
    pub fn fail_all(&self) {
        self.state().away.extend(ALL);
    }

    /// Answers every request again.
    pub fn recover(&self) {
        let mut state = self.state();
        state.away.clear();
        state.saves = Saves::Taken;
    }

    /// Makes this request fail the test. `why` is in the message.
    pub fn forbid(&self, request: MemoryRequest, why: &'static str) {
        self.state().never.insert(request, why);
    }

    /// Checks each value that a run stores: `check` panics if the value is wrong.
    pub fn check_keeps(&self, check: impl Fn(&KeptValue) + Send + Sync + 'static) {
        self.state().check = Some(Check(Box::new(check)));
    }

    /// Stores a value, as if a run had stored it.
    pub fn set_kept(&self, key: &str, value: &[u8], time: Duration) {
        let mut state = self.state();
        let until = state.turned + time;
        state.kept.insert(key.to_owned(), (value.to_vec(), until));
    }

    /// Sets what every job learns of its earlier requests. A run that asks without it fails the test.
    pub fn set_earlier_requests(&self, earlier: EarlierRequests) {
        self.state().earlier = Some(earlier);
    }

    /// Sets that the earlier requests of every job went out between `from` and `to` before now.
    pub fn set_requests_out(&self, from: Duration, to: Duration) {
        let now = SystemTime::now();
        self.set_earlier_requests(EarlierRequests {
            after: now - from,
            before: now - to,
            now,
            message: None,
        });
    }

    /// Sets the message that every job's earlier request is known to have sent.
    ///
    /// # Panics
    /// Before [`set_requests_out`](Self::set_requests_out) or [`set_earlier_requests`](Self::set_earlier_requests).
    pub fn set_earlier_message(&self, message: &str) {
        let mut state = self.state();
        let earlier = state.earlier.as_mut();
        let earlier = earlier.expect("say first when the requests were out");
        earlier.message = Some(message.to_owned());
    }

    /// Gives this message to a job that does not belong to this test.
    pub fn give_to_another_job(&self, message: &str) {
        self.state().messages.insert(message.to_owned(), None);
    }

    /// The messages that runs noted as theirs, in order.
    #[must_use]
    pub fn owned(&self) -> Vec<String> {
        self.state().owned.clone()
    }

    /// Moves the clock forward. Values whose time is over are forgotten.
    pub fn advance(&self, time: Duration) {
        let mut state = self.state();
        state.turned += time;
        let now = state.turned;
        state.kept.retain(|_, (_, until)| *until > now);
    }

    /// The stored values by key, each with the time it has left.
    #[must_use]
    pub fn kept(&self) -> Vec<KeptValue> {
        let state = self.state();
        let kept = state.kept.iter().map(|(key, (value, until))| KeptValue {
            key: key.clone(),
            value: value.clone(),
            time: *until - state.turned,
        });
        kept.collect()
    }

    /// Each call that stored a value, in order.
    #[must_use]
    pub fn all_keeps(&self) -> Vec<KeptValue> {
        self.state().keeps.clone()
    }

    /// Replaces every stored value.
    pub fn overwrite_kept(&self, value: &[u8]) {
        for (kept, _) in self.state().kept.values_mut() {
            *kept = value.to_vec();
        }
    }

    /// The last checkpoint of a job.
    #[must_use]
    pub fn checkpoint(&self, job: JobId) -> Option<Value> {
        self.state().checkpoints.get(&job).cloned()
    }

    /// The checkpoints of all jobs, in order.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<Value> {
        self.state().saved.clone()
    }

    /// Saves this many checkpoints more. After that every job belongs to another run, and nothing is saved.
    pub fn lose_job_after_saves(&self, saves: u64) {
        self.state().saves = Saves::LostAfter(saves);
    }

    /// Saves this many checkpoints more. After that each save fails, as when Redis is away.
    pub fn fail_saves_after(&self, saves: u64) {
        self.state().saves = Saves::AwayAfter(saves);
    }

    /// The value of a key in a map.
    #[must_use]
    pub fn in_map(&self, map: &str, key: &str) -> Option<String> {
        let place = (map.to_owned(), key.to_owned());
        self.state().maps.get(&place).cloned()
    }

    /// The entries of a map, by key.
    #[must_use]
    pub fn map(&self, map: &str) -> Vec<(String, String)> {
        let state = self.state();
        let entries = state.maps.iter().filter(|((of, _), _)| of == map);
        entries
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Sets the value of a key in a map, whatever it was.
    pub fn set_in_map(&self, map: &str, key: &str, value: &str) {
        let place = (map.to_owned(), key.to_owned());
        self.state().maps.insert(place, value.to_owned());
    }

    /// The jobs that runs enqueued.
    #[must_use]
    pub fn outbox(&self) -> &Recorder {
        &self.outbox
    }

    /// The memory and the outbox of the runs of one job.
    #[must_use]
    pub fn of_job(&self, job: JobId) -> Arc<JobMemory> {
        Arc::new(JobMemory {
            memory: self.clone(),
            job,
            gate: None,
        })
    }

    /// The same of one run, whose gate is told of what it keeps.
    pub(crate) fn of_run(&self, job: JobId, gate: &Arc<ScriptedGate>) -> Arc<JobMemory> {
        Arc::new(JobMemory {
            memory: self.clone(),
            job,
            gate: Some(Arc::clone(gate)),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it is held is a failed test, whose other runs may go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self, request: MemoryRequest) -> Result<MutexGuard<'_, State>, Unremembered> {
        let state = self.state();
        if let Some(why) = state.never.get(&request) {
            panic!("{request:?}: {why}");
        }
        match state.away.contains(&request) {
            true => Err(Unremembered("connection refused".to_owned())),
            false => Ok(state),
        }
    }
}

impl State {
    fn keep(&mut self, key: &str, value: &[u8], time: Duration) {
        let kept = KeptValue {
            key: key.to_owned(),
            value: value.to_vec(),
            time,
        };
        if let Some(Check(check)) = &self.check {
            check(&kept);
        }
        let until = self.turned + time;
        self.kept.insert(key.to_owned(), (value.to_vec(), until));
        self.keeps.push(kept);
    }
}
