//! Cancelling many jobs: an operation that any process carries on, a step at a time.
//!
//! A step is two calls: one looks at some jobs, and one cancels those of them that are meant and moves the operation's cursor, if
//! nobody else has moved it. So what is meant is decided here, where payloads are read, and two processes do no harm.

use std::sync::LazyLock;
use std::time::Duration;

use longshore_job::{JobId, clip_reason};

use crate::held::Held;
use crate::scan::STEP;
use crate::value::{Fields, Reply};
use crate::{JobFilter, JobScan, JobState, Place, Queue, QueueError, RawId, Signed, script};

/// Where jobs are looked for that wait, or run. They move from one place to the next; a retry moves back, so the first is looked
/// at once more.
const PLACES: [Place; 6] = [
    Place::Scheduled,
    Place::Parked,
    Place::Lanes,
    Place::Pending,
    Place::Running,
    Place::Scheduled,
];

/// So many jobs are looked at in one step, if few of them are meant.
const MOST_LOOKED_AT: usize = 4 * STEP;

/// Who carries operations on: others need not do so at the same time.
static PROCESS: LazyLock<String> = LazyLock::new(|| JobId::generate().to_string());

/// Who asks for a step.
pub(crate) fn process() -> &'static str {
    &PROCESS
}

/// An operation that cancels many jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkCancel {
    /// Its id.
    pub id: String,
    /// Which jobs. What was enqueued after it began is not meant.
    pub filter: JobFilter,
    /// Also what may have been sent.
    pub force: bool,
    /// How it stands.
    pub state: BulkState,
    /// Who asked for it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// How many jobs were meant when it began.
    pub total: u64,
    /// How many it has cancelled.
    pub done: u64,
    /// How many run, and are asked to stop.
    pub asked: u64,
    /// How many it could not cancel: they may have been sent.
    pub failed: u64,
    /// When it began, in ms since the epoch.
    pub begun_at_ms: u64,
    /// When it ended, in ms since the epoch.
    pub ended_at_ms: Option<u64>,
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

/// What does not read is none of ours.
pub(crate) fn read(id: String, fields: &Fields) -> Option<BulkCancel> {
    let text = |name: &str| fields.text(name).map(str::to_owned);
    Some(BulkCancel {
        id,
        filter: serde_json::from_str(fields.text("filter")?).ok()?,
        force: fields.text("force") == Some("force"),
        state: BulkState::parse(fields.text("state")?)?,
        by: text("by").unwrap_or_default(),
        reason: text("why").unwrap_or_default(),
        total: fields.number("total")?,
        done: fields.number("done")?,
        asked: fields.number("asked").unwrap_or_default(),
        failed: fields.number("failed").unwrap_or_default(),
        begun_at_ms: fields.number("begun")?,
        ended_at_ms: fields.number("ended"),
    })
}

/// How far one has come: in which place, and how far in that.
struct Cursor {
    place: usize,
    scan: JobScan,
}

impl Cursor {
    fn parse(bytes: &[u8]) -> Self {
        let (place, rest) = match bytes.iter().position(|byte| *byte == b' ') {
            Some(at) => (&bytes[..at], &bytes[at + 1..]),
            None => (&b"0"[..], &[][..]),
        };
        let place = std::str::from_utf8(place).ok().and_then(|n| n.parse().ok());
        let place = place.unwrap_or(0);
        Self::at(place, rest)
    }

    fn at(place: usize, cursor: &[u8]) -> Self {
        let of = PLACES.get(place).copied().unwrap_or(Place::Pending);
        Self {
            place,
            scan: JobScan::new(of).earliest_first().going_on(cursor),
        }
    }

    fn is_over(&self) -> bool {
        self.place >= PLACES.len()
    }

    /// To the next place, where this one is through.
    fn go_on(&mut self) {
        if self.scan.is_over() {
            *self = Self::at(self.place + 1, b"");
        }
    }

    fn encode(&self) -> Vec<u8> {
        [self.place.to_string().as_bytes(), b" ", self.scan.cursor()].concat()
    }
}

impl Queue {
    /// Begins to cancel all jobs that wait and are meant, and to ask those to stop that run: the fleet does, whoever calls
    /// [`advance_operations`](Self::advance_operations). `total` is how many there are. With `force` also what may have been sent. Can be
    /// repeated with the same id.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn begin_cancel(
        &self,
        id: JobId,
        filter: &JobFilter,
        total: u64,
        force: bool,
        signed: &Signed,
    ) -> Result<(), QueueError> {
        let k = &self.keys;
        let json = serde_json::to_string(filter)
            .unwrap_or_else(|error| unreachable!("texts and numbers become JSON: {error}"));
        script::CANCEL_BEGIN
            .on(&[
                &k.operations,
                &k.replays,
                &k.open_replays,
                &k.idle,
                &k.audit,
            ])
            .arg(id.to_string())
            .arg(json)
            .arg(filter.to_string())
            .arg(total)
            .arg(&signed.by)
            .arg(&*clip_reason(&signed.reason))
            .arg(if force { "force" } else { "" })
            .run::<String>(&self.link)
            .await
            .map(drop)
    }

    /// One step of an operation that is no replay. Returns how long until the next one is of use; `None` when it is over, or
    /// none of ours.
    pub(crate) async fn advance_bulk(&self, id: &str) -> Result<Option<Duration>, QueueError> {
        let fields = self.fields_of_operations(id).await?.pop();
        let fields = fields.map(|(_, fields)| fields).unwrap_or_default();
        #[cfg(feature = "forget")]
        if fields.text("act") == Some("forget") {
            return self.advance_forget(id, &fields).await;
        }
        let found = read(id.to_owned(), &fields).filter(|_| fields.text("act") == Some("cancel"));
        let Some(operation) = found else {
            return self.close_unread(id).await;
        };
        if operation.state != BulkState::Running {
            return Ok(None);
        }
        let from = fields.get("cursor").unwrap_or_default();
        let mut cursor = Cursor::parse(from);
        let (mut ids, mut looked, mut place) = (Vec::new(), 0, cursor.place);
        while ids.is_empty() && looked < MOST_LOOKED_AT && !cursor.is_over() {
            if !operation.looks_in(PLACES[cursor.place]) {
                cursor = Cursor::at(cursor.place + 1, b"");
                continue;
            }
            place = cursor.place;
            let jobs = self.scan(&mut cursor.scan).await?;
            looked += jobs.len().max(1);
            let meant = jobs.into_iter().filter(|job| {
                let before = |at| at <= operation.begun_at_ms;
                job.enqueued_at_ms.is_none_or(before) && operation.filter.means(job)
            });
            ids.extend(meant.map(|job| job.id));
            cursor.go_on();
        }
        let made = self.step_cancel(id, from, &cursor, place, looked, &ids);
        let made = made.await?;
        Ok((made && !cursor.is_over()).then_some(Duration::ZERO))
    }

    /// What this version cannot read it must not ask for again and again.
    pub(crate) async fn close_unread(&self, id: &str) -> Result<Option<Duration>, QueueError> {
        let mut close = redis::cmd("SREM");
        close.arg(&self.keys.open_replays).arg(id);
        self.link.command::<u64>(&close).await?;
        Ok(None)
    }

    /// Cancels what was found in a place. Returns whether the operation goes on.
    async fn step_cancel(
        &self,
        id: &str,
        from: &[u8],
        cursor: &Cursor,
        place: usize,
        looked: usize,
        ids: &[RawId],
    ) -> Result<bool, QueueError> {
        let k = &self.keys;
        let keys = k.of_waiting().into_iter();
        let keys: Vec<&str> = keys.chain([&*k.operations, &*k.open_replays]).collect();
        let mut held = Held::default();
        let marks = match (place + 1 == PLACES.len(), cursor.is_over()) {
            (true, true) => "again over",
            (true, false) => "again",
            (false, true) => "over",
            (false, false) => "",
        };
        loop {
            let call = held
                .on(k, &script::CANCEL_STEP, &keys)
                .arg(id)
                .arg(from)
                .arg(cursor.encode())
                .arg(looked)
                .arg(marks)
                .arg(process());
            let mut call = held.name(self.ended(call));
            for id in ids {
                call = call.arg(id.as_bytes());
            }
            let mut answer = Reply::new(call.run(&self.link).await?)?;
            let made: String = answer.next()?;
            if held.are_missing(&made, &mut answer)? {
                continue;
            }
            let words: Vec<String> = answer.next()?;
            if made == "made" {
                self.cancelled(ids, &words).await?;
            }
            return Ok(made != "closed");
        }
    }
}

impl BulkCancel {
    /// It goes on by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == BulkState::Running
    }

    fn looks_in(&self, place: Place) -> bool {
        let states = JobState::ALL.into_iter();
        states
            .filter(|state| place.has(*state))
            .any(|state| self.filter.has_state(state))
    }
}
