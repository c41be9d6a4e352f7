//! What became of a message after its provider had taken it on.
//!
//! A delivery is a record of its own, by the provider's id of the message: updates of it come for days, in any order and
//! more than once, while the job's own record is pruned an hour after it completed. It is kept for seven days after the
//! last update, and all of a queue's take no more than a budget of bytes: the oldest are forgotten first.

mod letters;
mod result;

use std::time::Duration;

use longshore_job::{JobId, NoticeType, SUPPRESSED, Suppress};
use serde::Deserialize;

use crate::enqueue::millis;
use crate::{Queue, QueueError, script};

pub use letters::LetterDeliveries;
pub use result::DeliveryResult;

/// How long a delivery is remembered after its last update.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// An update of a message, as its provider sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryUpdate {
    /// The provider's id of the message.
    pub message: String,
    /// The job it was sent for, where the update says so.
    pub job: Option<JobId>,
    /// How it stands, in the provider's word.
    pub state: String,
    /// How far along that is: only a higher rank overwrites.
    pub rank: u8,
    /// The provider's code for what went wrong.
    pub code: Option<String>,
    /// An address that nothing is to be sent to any more, or again.
    pub suppress: Option<Suppress>,
}

/// What an update came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateResult {
    /// Written down.
    Noted,
    /// Something later was known already.
    Stale,
    /// The message belongs to no job of this queue.
    Unknown,
}

/// How a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The provider's id of the message.
    pub message: String,
    /// How it stands, in the provider's word; `None` before the first update.
    pub state: Option<String>,
    /// When the last update was written down, in ms since the epoch.
    pub at_ms: Option<u64>,
    /// The provider's code for what went wrong.
    pub code: Option<String>,
}

/// A record, as `lua/part/deliveries.lua` keeps it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    state: Option<String>,
    at: Option<f64>,
    code: Option<String>,
}

impl Delivery {
    /// Reads a record; `None` when the job has no message. One that does not decode says nothing of the message.
    pub(crate) fn read(message: Option<String>, record: Option<&[u8]>) -> Option<Self> {
        let message = message?;
        let record: Record = record
            .and_then(|json| serde_json::from_slice(json).ok())
            .unwrap_or_default();
        Some(Self {
            message,
            state: record.state,
            at_ms: record.at.map(|at| at as u64),
            code: record.code,
        })
    }
}

impl Queue {
    /// Notes that a message was sent for a job. `false` when it belongs to another job: then nothing is noted.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn note_message(&self, message: &str, job: JobId) -> Result<bool, QueueError> {
        let owned: u8 = script::NOTE_MESSAGE
            .on(&[
                &self.keys.deliveries,
                &self.keys.delivery_ages,
                &self.keys.data,
                &self.keys.records,
            ])
            .arg(message)
            .arg(job.to_string())
            .arg(millis(KEPT))
            .arg(self.delivery_bytes)
            .run(&self.link)
            .await?;
        Ok(owned == 1)
    }

    /// The message that is noted for a job, by the provider's id. `None` also when the job is no longer kept.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn message_of(&self, job: JobId) -> Result<Option<String>, QueueError> {
        let record = self.record_of(job).await?;
        Ok(record.text("msg").map(str::to_owned))
    }

    /// Writes an update down.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn update_delivery(
        &self,
        update: &DeliveryUpdate,
    ) -> Result<UpdateResult, QueueError> {
        let mut call = self.update_call(update.suppress.as_ref());
        call = call
            .arg(&update.message)
            .arg(update.job.map(|job| job.to_string()).unwrap_or_default())
            .arg(&update.state)
            .arg(update.rank)
            .arg(update.code.as_deref().unwrap_or_default());
        let noticed_as = NoticeType::delivery(&update.state);
        self.run_update(call, update.suppress.as_ref(), noticed_as.word())
            .await
    }

    /// Puts an address onto the list of those that nothing is sent to, or takes it off, where no message is known that could be
    /// heard of. [`UpdateResult::Unknown`] when that is so already.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn suppress(
        &self,
        suppress: &Suppress,
        job: Option<JobId>,
    ) -> Result<UpdateResult, QueueError> {
        let job_name = job.map(|job| job.to_string()).unwrap_or_default();
        let call = self.update_call(Some(suppress));
        let call = call.arg("").arg(job_name).arg("").arg(0).arg("");
        self.run_update(call, Some(suppress), "").await
    }

    /// Forgets deliveries whose time is over, or that are beyond their budget, at most 1,000. Returns how many: with as
    /// many, there may be more.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn forget_deliveries(&self) -> Result<usize, QueueError> {
        script::FORGET_DELIVERIES
            .on(&[&self.keys.deliveries, &self.keys.delivery_ages])
            .arg(millis(KEPT))
            .arg(self.delivery_bytes)
            .run(&self.link)
            .await
    }

    /// The script on its keys. Where there is nothing to look at, a key has to be in the queue's slot all the same.
    fn update_call(&self, suppress: Option<&Suppress>) -> script::ScriptCall {
        let event = suppress.and_then(|suppress| suppress.event.as_deref());
        script::UPDATE_DELIVERY.on(&[
            &self.keys.deliveries,
            &self.keys.delivery_ages,
            &self.keys.data,
            &self.keys.records,
            &self.keys.map_of(SUPPRESSED),
            &self.keys.event_of(event.unwrap_or_default()),
            &self.keys.timeline,
            &self.keys.notices,
            &self.keys.stats,
        ])
    }

    async fn run_update(
        &self,
        call: script::ScriptCall,
        suppress: Option<&Suppress>,
        noticed_as: &str,
    ) -> Result<UpdateResult, QueueError> {
        let event = suppress.and_then(|suppress| suppress.event.as_deref());
        let heard: String = call
            .arg(millis(KEPT))
            .arg(self.delivery_bytes)
            .arg(suppress.map_or("", |suppress| suppress.address.as_str()))
            .arg(suppress.map_or("", |suppress| suppress.reason.as_str()))
            .arg(event.unwrap_or_default())
            .arg(noticed_as)
            .arg(u8::from(suppress.is_some_and(|suppress| suppress.is_over)))
            .run(&self.link)
            .await?;
        match heard.as_str() {
            "noted" => Ok(UpdateResult::Noted),
            "stale" => Ok(UpdateResult::Stale),
            "unknown" => Ok(UpdateResult::Unknown),
            other => Err(QueueError::unexpected(format!("heard: {other}"))),
        }
    }
}
