//! Discarding many dead letters: an operation that any process carries on, a step at a time. A step finds the next letters by itself, as a
//! replay's does, so its cursor is (time of death, id), and it ends whatever becomes of the letters.

use std::time::Duration;

use longshore_job::{JobId, clip_reason};
use redis::Value;

use crate::bulk::{BulkState, process};
use crate::claim::ids;
use crate::dead::seconds;
use crate::enqueue::millis;
use crate::held::Held;
use crate::value::{Fields, Reply};
use crate::{LetterFilter, Queue, QueueError, Selection, Signed, script};

/// An operation that discards dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkDiscard {
    /// Its id.
    pub id: String,
    /// The letters it is of. What died after it began is not meant.
    pub selection: Selection,
    /// Which of those, in words; empty = all of them.
    pub filter: String,
    /// How it stands.
    pub state: BulkState,
    /// Who asked for it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// How many letters there were when it began.
    pub total: u64,
    /// How many are gone.
    pub done: u64,
    /// When it began, in ms since the epoch.
    pub begun_at_ms: u64,
    /// When it ended, in ms since the epoch.
    pub ended_at_ms: Option<u64>,
}

/// What came of beginning one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BegunDiscard {
    /// It has begun, now or before.
    New,
    /// Another one of the same letters is running, of this id: nothing was changed.
    Running(String),
    /// There are no letters.
    Nothing,
}

/// What does not read is none of ours.
pub(crate) fn read(id: String, fields: &Fields) -> Option<BulkDiscard> {
    let text = |name: &str| fields.text(name).map(str::to_owned);
    Some(BulkDiscard {
        id,
        selection: text("what")?.parse().ok()?,
        filter: text("words").unwrap_or_default(),
        state: BulkState::parse(fields.text("state")?)?,
        by: text("by").unwrap_or_default(),
        reason: text("why").unwrap_or_default(),
        total: fields.number("total")?,
        done: fields.number("done")?,
        begun_at_ms: fields.number("begun")?,
        ended_at_ms: fields.number("ended"),
    })
}

impl BulkDiscard {
    /// It goes on by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == BulkState::Running
    }
}

impl Queue {
    /// Begins to discard these letters for good: the fleet does, whoever calls [`advance_operations`](Self::advance_operations). `total` is
    /// how many there are, where a filter means not all of them. Can be repeated with the same id.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn begin_discard(
        &self,
        id: JobId,
        selection: &Selection,
        only: &LetterFilter,
        total: u64,
        signed: &Signed,
    ) -> Result<BegunDiscard, QueueError> {
        let k = &self.keys;
        let value: Value = script::DISCARD_BEGIN
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
            .arg(selection.to_string())
            .arg(&signed.by)
            .arg(&*clip_reason(&signed.reason))
            .arg(only.looked_for())
            .arg(selection.words(only))
            .arg(total)
            .arg(only.most.map(|most| most.to_string()).unwrap_or_default())
            .arg(only.jobs.since_ms.map(seconds).unwrap_or_default())
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        Ok(match answer.next::<String>()?.as_str() {
            "begun" => BegunDiscard::New,
            "none" => BegunDiscard::Nothing,
            _ => BegunDiscard::Running(answer.next()?),
        })
    }

    /// One step of it. Returns how long until the next one is of use; `None` when it is over.
    pub(crate) async fn advance_discard(&self, id: &str) -> Result<Option<Duration>, QueueError> {
        let k = &self.keys;
        let of_queue = [
            &*k.dead,
            &k.letters,
            &k.groups,
            &k.records,
            &k.data,
            &k.stats,
            &k.audit,
            &k.lane,
            &k.operations,
            &k.open_replays,
            &k.deliveries,
        ];
        let mut held = Held::default();
        loop {
            let call = held
                .on(k, &script::DISCARD_STEP, &of_queue)
                .arg(id)
                .arg(process())
                .arg(millis(self.keep));
            let mut answer = Reply::new(held.name(call).run(&self.link).await?)?;
            let word: String = answer.next()?;
            if held.are_missing(&word, &mut answer)? {
                continue;
            }
            self.forget_pushed(ids(answer.next()?)?).await?;
            return Ok((word == "more").then_some(Duration::ZERO));
        }
    }
}
