//! Dead letters back to pending: by their ids at once, or many of them by an operation that any process advances.
//!
//! An operation takes its cut-off at the start, so that letters that die again are not replayed again, and has a cursor,
//! so that it comes to an end whatever becomes of them. With a rate it drips; then each job it moves is marked, its first
//! run reports ([`Replayed`]), and the operation stops itself when they fail as before.

mod operation;
mod replayed;

use std::time::Duration;

use longshore_job::{JobId, clip_reason};
use redis::Value;

use crate::bulk::process;
use crate::claim::ids;
use crate::dead::{STEP, seconds};
use crate::value::{Fields, Reply};
use crate::{LetterFilter, Queue, QueueError, RawId, Selection, Signed, script};

pub use operation::{BrokenReplay, BulkOperation, Replay, ReplayState};
pub use replayed::Replayed;

/// How letters are replayed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replaying {
    /// Letters a second; `None` = as fast as it goes.
    pub rate: Option<u32>,
    /// Each letter gets its time again, from when it is moved: it is due then, and expires as long after that as it did at
    /// first.
    pub fresh_expiry: bool,
}

/// At this rate, expiries as they are.
impl From<Option<u32>> for Replaying {
    fn from(rate: Option<u32>) -> Self {
        Self {
            rate,
            fresh_expiry: false,
        }
    }
}

impl Replaying {
    fn fresh(self) -> &'static str {
        if self.fresh_expiry { "fresh" } else { "" }
    }
}

/// What came of beginning an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It has begun.
    New,
    /// Another one of the same letters is running: nothing was changed.
    Running {
        /// Its id.
        id: String,
        /// Its letters a second.
        rate: Option<u32>,
    },
    /// There are no letters.
    Nothing,
}

/// What came of a change to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is so now.
    Yes,
    /// It was so already.
    Same,
    /// It has done all there was to do: there is nothing to change.
    Over,
    /// There is no such operation.
    Unknown,
}

impl Queue {
    /// Dead letters back to pending: attempts reset, history kept. Returns those it moved; what is not dead is left
    /// alone, so this can be repeated.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn replay(
        &self,
        wanted: &[RawId],
        signed: &Signed,
    ) -> Result<Vec<RawId>, QueueError> {
        self.replay_now(wanted, Replaying::default(), signed).await
    }

    /// Dead letters back to pending, as [`replay`](Self::replay) does, each with its time again.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn replay_with_fresh_expiry(
        &self,
        wanted: &[RawId],
        signed: &Signed,
    ) -> Result<Vec<RawId>, QueueError> {
        let how = Replaying {
            rate: None,
            fresh_expiry: true,
        };
        self.replay_now(wanted, how, signed).await
    }

    async fn replay_now(
        &self,
        wanted: &[RawId],
        how: Replaying,
        signed: &Signed,
    ) -> Result<Vec<RawId>, QueueError> {
        let k = &self.keys;
        let keys = [
            &*k.dead, &k.groups, &k.records, &k.data, &k.active, &k.stats, &k.idle, &k.audit,
            &k.lanes, &k.lane, &k.tenants, &k.turns, &k.letters,
        ];
        let mut moved = Vec::new();
        for chunk in wanted.chunks(STEP) {
            let mut call = script::REPLAY.on(&keys).arg(&signed.by);
            call = call.arg(&*clip_reason(&signed.reason));
            call = call.arg(how.fresh());
            for id in chunk {
                call = call.arg(id.as_bytes());
            }
            moved.extend(ids(call.run(&self.link).await?)?);
        }
        Ok(moved)
    }

    /// The same as an operation for named letters, at most 1,000: those of them that are dead.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn begin_replay_of(
        &self,
        id: JobId,
        named: &[RawId],
        how: impl Into<Replaying>,
        signed: &Signed,
    ) -> Result<Begun, QueueError> {
        let how = how.into();
        let all = (LetterFilter::default(), 0);
        self.begin(id, &Selection::All, named, all, how, signed)
            .await
    }

    /// Begins an operation that replays these letters, at a rate or as fast as it goes. From then on any process
    /// that calls [`advance_operations`](Self::advance_operations) carries it on. Can be repeated with the same id.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn begin_replay(
        &self,
        id: JobId,
        selection: &Selection,
        how: impl Into<Replaying>,
        signed: &Signed,
    ) -> Result<Begun, QueueError> {
        let all = (LetterFilter::default(), 0);
        self.begin(id, selection, &[], all, how.into(), signed)
            .await
    }

    /// The same for those of them that are meant, of which there are `total`.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn begin_replay_where(
        &self,
        id: JobId,
        selection: &Selection,
        filter: &LetterFilter,
        total: u64,
        how: impl Into<Replaying>,
        signed: &Signed,
    ) -> Result<Begun, QueueError> {
        let of = (filter.clone(), total);
        self.begin(id, selection, &[], of, how.into(), signed).await
    }

    async fn begin(
        &self,
        id: JobId,
        selection: &Selection,
        named: &[RawId],
        (only, total): (LetterFilter, u64),
        how: Replaying,
        signed: &Signed,
    ) -> Result<Begun, QueueError> {
        let what = match named {
            [] => selection.to_string(),
            _ => "named".to_owned(),
        };
        let k = &self.keys;
        let mut call = script::REPLAY_BEGIN
            .on(&[
                &k.dead,
                &k.replays,
                &k.open_replays,
                &k.operations,
                &k.idle,
                &k.audit,
                &k.letters,
            ])
            .arg(id.to_string())
            .arg(what)
            .arg(how.rate.unwrap_or(0))
            .arg(&signed.by)
            .arg(&*clip_reason(&signed.reason))
            .arg(how.fresh())
            .arg(only.looked_for())
            .arg(selection.words(&only))
            .arg(total)
            .arg(only.most.map(|most| most.to_string()).unwrap_or_default())
            .arg(only.jobs.since_ms.map(seconds).unwrap_or_default());
        for id in named.iter().take(STEP) {
            call = call.arg(id.as_bytes());
        }
        let value: Value = call.run(&self.link).await?;
        let mut answer = Reply::new(value)?;
        Ok(match answer.next::<String>()?.as_str() {
            "begun" => Begun::New,
            "none" => Begun::Nothing,
            _ => Begun::Running {
                id: answer.next()?,
                rate: answer.number()?.filter(|rate| *rate > 0),
            },
        })
    }

    /// One step of all open operations, replays and others: at most 500 letters, and no more than their rates allow, whoever made
    /// the last one. Returns when the next step is of use, or `None` when no operation is open.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn advance_operations(&self) -> Result<Option<Duration>, QueueError> {
        let k = &self.keys;
        let value: Value = script::REPLAY_STEP
            .on(&[
                &k.dead,
                &k.groups,
                &k.records,
                &k.data,
                &k.active,
                &k.stats,
                &k.idle,
                &k.gate,
                &k.open_replays,
                &k.operations,
                &k.audit,
                &k.lanes,
                &k.lane,
                &k.tenants,
                &k.turns,
                &k.letters,
                &k.deliveries,
            ])
            .arg(process())
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let wait: i64 = answer.next()?;
        let mut soonest = u64::try_from(wait).ok().map(Duration::from_millis);
        let mut others = answer.list()?;
        while !others.is_empty() {
            let wait = self.advance_bulk(&others.shown()?).await?;
            soonest = soonest.into_iter().chain(wait).min();
        }
        Ok(soonest)
    }

    /// The operations that are remembered, newest first, and what stands among them and is none.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn operations(&self) -> Result<Vec<Result<BulkOperation, BrokenReplay>>, QueueError> {
        let mut operations = Vec::new();
        for (id, fields) in self.fields_of_operations("").await? {
            let broken = BrokenReplay { id: id.clone() };
            operations.push(BulkOperation::read(id, &fields).ok_or(broken));
        }
        Ok(operations)
    }

    /// What stands of the operations that are remembered, newest first; or of this one.
    pub(crate) async fn fields_of_operations(
        &self,
        id: &str,
    ) -> Result<Vec<(String, Fields)>, QueueError> {
        let value: Value = script::REPLAYS
            .on(&[
                &self.keys.replays,
                &self.keys.operations,
                &self.keys.cancelled_replays,
            ])
            .arg(id)
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let mut found = Vec::new();
        while !answer.is_empty() {
            found.push((answer.shown()?, answer.next()?));
        }
        Ok(found)
    }

    /// The replay operations among them.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn replays(&self) -> Result<Vec<Result<Replay, BrokenReplay>>, QueueError> {
        let operations = self.operations().await?.into_iter();
        let replays = operations.filter_map(|operation| match operation {
            Ok(BulkOperation::Replay(replay)) => Some(Ok(replay)),
            Ok(_) => None,
            Err(broken) => Some(Err(broken)),
        });
        Ok(replays.collect())
    }

    /// One operation; `None` when it is not remembered (any more).
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn find_operation(&self, id: &str) -> Result<Option<BulkOperation>, QueueError> {
        let found = self.fields_of_operations(id).await?.pop();
        Ok(found.and_then(|(id, fields)| BulkOperation::read(id, &fields)))
    }

    /// One replay operation; `None` when it is not remembered (any more), or no replay.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn find_replay(&self, id: &str) -> Result<Option<Replay>, QueueError> {
        Ok(match self.find_operation(id).await? {
            Some(BulkOperation::Replay(replay)) => Some(replay),
            _ => None,
        })
    }

    /// Ends an operation. What it has done stays done.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn cancel_operation(&self, id: &str, signed: &Signed) -> Result<Changed, QueueError> {
        self.change_operation(id, "cancel", signed).await
    }

    /// Lets an operation that was stopped or cancelled go on from where it was.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn resume_operation(&self, id: &str, signed: &Signed) -> Result<Changed, QueueError> {
        self.change_operation(id, "resume", signed).await
    }

    async fn change_operation(
        &self,
        id: &str,
        change: &str,
        signed: &Signed,
    ) -> Result<Changed, QueueError> {
        let k = &self.keys;
        let changed: String = script::REPLAY_CHANGE
            .on(&[&k.operations, &k.open_replays, &k.idle, &k.audit])
            .arg(id)
            .arg(change)
            .arg(&signed.by)
            .arg(&signed.reason)
            .run(&self.link)
            .await?;
        Ok(match changed.as_str() {
            "changed" => Changed::Yes,
            "same" => Changed::Same,
            "over" => Changed::Over,
            _ => Changed::Unknown,
        })
    }
}
