//! What operations on many jobs share: how they stand, who carries one on, and how far one has looked.

use std::sync::LazyLock;
use std::time::Duration;

use longshore_job::{JobId, clip_reason};
use serde::Serialize;

use crate::scan::STEP;
use crate::script::{Script, ScriptCall};
use crate::{JobFilter, JobInfo, JobScan, JobState, Place, Queue, QueueError, RawId, Signed};

/// So many jobs are looked at in one step, if few of them are meant.
const MOST_LOOKED_AT: usize = 4 * STEP;

/// Who carries operations on: others need not do so at the same time.
static PROCESS: LazyLock<String> = LazyLock::new(|| JobId::generate().to_string());

/// Who asks for a step.
pub(crate) fn process() -> &'static str {
    &PROCESS
}

/// How an operation on many jobs stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkState {
    /// It goes on.
    Running,
    /// An operator ended it.
    Cancelled,
    /// All jobs have been looked at.
    Done,
}

impl BulkState {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        let all = [Self::Running, Self::Cancelled, Self::Done];
        all.into_iter().find(|state| state.as_str() == word)
    }
}

/// How far an operation has looked for jobs: in which of its places, and how far in that.
pub(crate) struct Walk {
    places: &'static [Place],
    place: usize,
    scan: JobScan,
}

impl Walk {
    /// Reads `<which place> <how far>`.
    pub(crate) fn parse(places: &'static [Place], bytes: &[u8]) -> Self {
        let (place, rest) = match bytes.iter().position(|byte| *byte == b' ') {
            Some(at) => (&bytes[..at], &bytes[at + 1..]),
            None => (&b"0"[..], &[][..]),
        };
        let place = std::str::from_utf8(place).ok().and_then(|n| n.parse().ok());
        Self::at(places, place.unwrap_or(0), rest)
    }

    fn at(places: &'static [Place], place: usize, cursor: &[u8]) -> Self {
        let of = places.get(place).copied().unwrap_or(Place::Pending);
        Self {
            places,
            place,
            scan: JobScan::new(of).earliest_first().going_on(cursor),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.place.to_string().as_bytes(), b" ", self.scan.cursor()].concat()
    }

    /// All places are through.
    pub(crate) fn is_over(&self) -> bool {
        self.place >= self.places.len()
    }

    /// To the next place, where this one is through.
    fn go_on(&mut self) {
        if self.scan.is_over() {
            *self = Self::at(self.places, self.place + 1, b"");
        }
    }

    /// To the next place in which such jobs may be.
    fn pass_over(&mut self, filter: &JobFilter) {
        while let Some(place) = self.places.get(self.place) {
            let mut states = JobState::ALL.into_iter();
            if states.any(|state| place.has(state) && filter.has_state(state)) {
                return;
            }
            *self = Self::at(self.places, self.place + 1, b"");
        }
    }
}

/// What one look has found.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) ids: Vec<RawId>,
    /// How many jobs were looked at.
    pub(crate) count: usize,
    /// In which place they are.
    pub(crate) place: usize,
}

impl Queue {
    /// Looks on until some jobs are found that are meant, or enough were looked at.
    pub(crate) async fn look_on(
        &self,
        walk: &mut Walk,
        filter: &JobFilter,
        is_meant: impl Fn(&JobInfo) -> bool,
    ) -> Result<Looked, QueueError> {
        let mut looked = Looked {
            place: walk.place,
            ..Looked::default()
        };
        while looked.ids.is_empty() && looked.count < MOST_LOOKED_AT {
            walk.pass_over(filter);
            if walk.is_over() {
                break;
            }
            looked.place = walk.place;
            let jobs = self.scan(&mut walk.scan).await?;
            looked.count += jobs.len().max(1);
            let meant = jobs.into_iter();
            let meant = meant.filter(|job| filter.means(job) && is_meant(job));
            looked.ids.extend(meant.map(|job| job.id));
            walk.go_on();
        }
        Ok(looked)
    }

    /// One step of an operation that is no replay. Returns how long until the next one is of use; `None` when it is over, or
    /// none of ours.
    pub(crate) async fn advance_bulk(&self, id: &str) -> Result<Option<Duration>, QueueError> {
        let fields = self.fields_of_operations(id).await?.pop();
        let fields = fields.map(|(_, fields)| fields).unwrap_or_default();
        match fields.text("act") {
            Some("cancel") => self.advance_cancel(id, &fields).await,
            Some("reschedule") => self.advance_reschedule(id, &fields).await,
            Some("discard") => self.advance_discard(id).await,
            #[cfg(feature = "forget")]
            Some("forget") => self.advance_forget(id, &fields).await,
            _ => self.close_unread(id).await,
        }
    }

    /// What this version cannot read it must not ask for again and again.
    pub(crate) async fn close_unread(&self, id: &str) -> Result<Option<Duration>, QueueError> {
        let mut close = redis::cmd("SREM");
        close.arg(&self.keys.open_replays).arg(id);
        self.link.command::<u64>(&close).await?;
        Ok(None)
    }

    /// A call that notes such an operation, up to what only this act has. `meant` is which jobs, as its steps read it, and `words`
    /// the same for people. All these scripts take this much alike.
    pub(crate) fn begin_on_many(
        &self,
        begin: &'static Script,
        id: JobId,
        meant: &impl Serialize,
        words: String,
        total: u64,
        signed: &Signed,
    ) -> ScriptCall {
        let k = &self.keys;
        let meant = serde_json::to_string(meant)
            .unwrap_or_else(|error| unreachable!("texts and numbers become JSON: {error}"));
        begin
            .on(&[
                &k.operations,
                &k.replays,
                &k.open_replays,
                &k.idle,
                &k.audit,
            ])
            .arg(id.to_string())
            .arg(meant)
            .arg(words)
            .arg(total)
            .arg(&signed.by)
            .arg(&*clip_reason(&signed.reason))
    }
}
