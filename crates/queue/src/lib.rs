//! Longshore's queue on Redis. The only crate that knows Redis, key names and Lua.
//!
//! One [`Queue`] is one hash slot: `{<namespace>:<queue>}` and the keys under it ([`Keys`]). Everything that must
//! not come apart is one script in `lua/`, each with its keys, arguments and answer at its head. Two of them carry
//! the system:
//!
//! - [`Queue::claim`] takes waiting jobs for a worker, up to its free slots;
//! - [`Queue::settle`] writes what became of them, only while the claim token still owns them.
//!
//! What a run's end *means* is decided in one pure function, `decide`. Around the two stand the lease
//! ([`Queue::join`], [`Queue::beat`], [`Queue::sweep`]), [`Queue::enqueue`], and what operators need: [`Queue::stats`],
//! [`Queue::job`], [`Queue::pause`], [`Queue::dead_groups`], [`Queue::replay`]. Cron entries tick by
//! [`Queue::cron_look`] and [`Queue::cron_move`].
//!
//! Time comes from Redis (`TIME`), never from the caller's clock.

mod answers;
mod audit;
mod away;
mod bulk;
mod bulk_forget;
mod cancel;
mod cancel_many;
mod carry;
mod claim;
mod clock;
mod copies;
mod credentials;
mod cron;
mod dead;
mod decide;
mod delivery;
mod discard_many;
mod discover;
mod due;
mod edit;
mod ended;
mod enqueue;
mod enqueued_by;
mod error;
mod filter;
#[cfg(feature = "forget")]
mod forget;
mod forms;
#[cfg(test)]
mod fuzz;
mod group;
mod header;
mod held;
mod hold;
mod id;
mod inspect;
mod key;
mod keys;
mod lane;
mod lease;
mod link;
mod lost;
mod map;
mod memory;
mod minutes;
mod notices;
mod packed;
mod page;
mod parked;
mod pause;
mod private;
mod prove;
mod provider;
mod record;
mod replay;
mod reschedule;
mod reschedule_many;
mod resend;
mod scan;
mod script;
#[cfg(feature = "seed")]
mod seed;
mod server;
mod settle;
mod shares;
mod spoiled;
mod state;
mod stats;
mod stop;
mod sweep;
mod timeline;
mod trace_context;
mod unlisted;
mod value;
mod wait;
mod wakes;
mod workers;

pub use answers::{CallCounts, LastAnswer};
pub use audit::{AuditEntry, Note, Signed};
pub use away::PrimaryAway;
pub use bulk::BulkState;
pub use bulk_forget::{BulkForget, Forgotten, Seen};
pub use cancel::Cancelled;
pub use cancel_many::BulkCancel;
pub use carry::Carried;
pub use claim::{Claim, ClaimState, Claimed};
pub use copies::ACKNOWLEDGED_WITHIN;
pub use credentials::Credentials;
pub use cron::{CronBook, CronMark, CronMove, CronOrigin, LastTick, TickJob};
pub use dead::{DeadGroup, DeadLetter, Selection};
pub use decide::{
    Decision, Fate, MAX_LOST, MAX_THROTTLE, Policy, decide_lost, decide_stopped,
    decide_unknown_kind, report_of_call, report_of_run,
};
#[cfg(feature = "decide")]
pub use decide::{Door, decide};
pub use delivery::{Delivery, DeliveryResult, DeliveryUpdate, LetterDeliveries, UpdateResult};
pub use discard_many::{BegunDiscard, BulkDiscard};
pub use discover::{KeyScan, ScanFor, Stray};
pub use edit::{Edit, Edited};
pub use enqueue::{Enqueued, KeyTaken, NewJob, RunAt};
pub use enqueued_by::EnqueuedBy;
pub use error::QueueError;
pub use filter::{JobFilter, LetterFilter};
#[cfg(feature = "forget")]
pub use forget::PersonFilter;
pub use forms::SentForm;
pub use group::Growth;
pub use hold::{Hold, HoldCause, LONGEST_HOLD};
pub use id::RawId;
pub use inspect::JobInfo;
pub use key::Key;
pub use keys::{InvalidName, Keys};
pub use lane::{InvalidLabel, Lane, check_labels};
pub use lease::{Beat, Lease, WorkerId};
pub(crate) use link::Open;
pub use link::{Address, Link, LinkOptions, Node, Sentinel, TlsFiles};
pub use longshore_job::{CallReport, NoticeFilter, OnUnknown, Priority, Route};
pub use lost::{LostJob, LostLately};
pub use memory::EarlierRequests;
pub use minutes::{Histogram, Minute};
pub use notices::WaitingNotice;
pub use page::{Letters, WholeLetter};
pub use pause::Paused;
pub use private::WaiterKey;
pub use prove::Caller;
pub use provider::{
    Admission, BreakerSpec, CallSlot, ClaimContext, Fallback, Limit, ProviderPolicy,
};
pub use record::{HistoryEntry, Recorded, RunState};
pub use replay::{
    Begun, BrokenReplay, BulkOperation, Changed, Replay, ReplayState, Replayed, Replaying,
};
pub use reschedule::Rescheduled;
pub use reschedule_many::BulkReschedule;
pub use resend::{Remembered, Resent};
pub use scan::{JobScan, Place};
pub use server::ServerFacts;
pub use settle::{MAX_VERDICTS, Retention, Settled, Verdict};
pub use shares::Shares;
pub use spoiled::Spoiled;
pub use state::JobState;
pub use stats::{Breaker, BreakerState, ParkedKind, Stats};
pub use stop::StopRequest;
pub use sweep::{RescuedJob, Sweep};
pub use timeline::Stamp;
pub use trace_context::trace_id;
pub use wait::Peek;
pub use wakes::{Channel, Heard, Spare, Wakes};
pub use workers::{LivingWorker, WorkerFacts};

use std::sync::Arc;
use std::time::Duration;

use timeline::Timeline;

/// After how long without a heartbeat a worker counts as gone, unless the queue says otherwise.
const LOST_AFTER: Duration = Duration::from_secs(15);

/// How many bytes a queue's records of deliveries may take, unless the queue says otherwise.
const DELIVERY_BYTES: u64 = 64 << 20;

/// How many bytes a queue's cancelled jobs may take, unless the queue says otherwise.
const CANCELLED_BYTES: u64 = 64 << 20;

/// One queue. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub struct Queue {
    link: Link,
    keys: Arc<Keys>,
    provider: Arc<ProviderPolicy>,
    /// How long ended jobs are kept, for those who discard letters and cancel jobs.
    keep: Duration,
    lost_after: Duration,
    delivery_bytes: u64,
    max_waiting: Option<u32>,
    notices: Option<Arc<NoticeFilter>>,
    cancelled_bytes: u64,
    version: Arc<str>,
    timeline: Arc<Timeline>,
}

impl Queue {
    /// The queue `name` in `namespace`, reached over `link`.
    ///
    /// # Errors
    /// When a name has characters that key names cannot hold.
    pub fn new(link: Link, namespace: &str, name: &str) -> Result<Self, InvalidName> {
        Ok(Self {
            link,
            keys: Arc::new(Keys::new(namespace, name)?),
            provider: Arc::default(),
            keep: Key::HOLDS,
            lost_after: LOST_AFTER,
            delivery_bytes: DELIVERY_BYTES,
            max_waiting: None,
            notices: None,
            cancelled_bytes: CANCELLED_BYTES,
            version: Arc::from(""),
            timeline: Arc::default(),
        })
    }

    /// The queue's name, without its namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        self.keys.queue()
    }

    /// The names of its keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The same queue, whose workers count as gone when they have not beaten for so long; 15 s unless told otherwise.
    #[must_use]
    pub fn with_lost_after(mut self, lost_after: Duration) -> Self {
        self.lost_after = lost_after;
        self
    }

    /// The same queue, whose records of deliveries may take so many bytes of Redis's memory; 64 MiB unless told otherwise.
    #[must_use]
    pub fn with_delivery_bytes(mut self, bytes: u64) -> Self {
        self.delivery_bytes = bytes;
        self
    }

    /// The same queue, whose cancelled jobs may take so many bytes of Redis's memory, the oldest going first; 64 MiB unless told
    /// otherwise.
    #[must_use]
    pub fn with_cancelled_bytes(mut self, bytes: u64) -> Self {
        self.cancelled_bytes = bytes;
        self
    }

    /// The same queue, in which no more jobs than this may wait: its workers say so ([`Queue::announce`]), and every producer
    /// is held to it. `None` = any number.
    #[must_use]
    pub fn with_max_waiting(mut self, most: Option<u32>) -> Self {
        self.max_waiting = most;
        self
    }

    /// The same queue, of whose jobs the application is told what this filter wants: its workers say so ([`Queue::announce`]).
    /// `None` = nothing.
    #[must_use]
    pub fn with_notices(mut self, wanted: Option<Arc<NoticeFilter>>) -> Self {
        self.notices = wanted;
        self
    }

    /// What the application is told of its jobs.
    #[must_use]
    pub fn wanted_notices(&self) -> Option<&NoticeFilter> {
        self.notices.as_deref()
    }

    /// The same queue, as a worker of this version has it: a group of dead letters remembers with which one it began. A word
    /// without spaces.
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        self.version = version
            .split_whitespace()
            .collect::<Vec<_>>()
            .join("-")
            .into();
        self
    }

    /// What holds for its provider.
    #[must_use]
    pub fn provider(&self) -> &ProviderPolicy {
        &self.provider
    }

    /// Another queue beside it: the same namespace, over the same connection, without a provider.
    ///
    /// # Errors
    /// When the name has characters that key names cannot hold.
    pub fn sibling(&self, name: &str) -> Result<Self, InvalidName> {
        let sibling = Self::new(self.link.clone(), self.keys.namespace(), name)?;
        Ok(sibling.with_lost_after(self.lost_after))
    }

    /// The connection.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The same queue over another connection: blocking and heartbeats must not wait behind other calls.
    #[must_use]
    pub fn over(&self, link: Link) -> Self {
        Self {
            link,
            keys: Arc::clone(&self.keys),
            provider: Arc::clone(&self.provider),
            keep: self.keep,
            lost_after: self.lost_after,
            delivery_bytes: self.delivery_bytes,
            max_waiting: self.max_waiting,
            notices: self.notices.clone(),
            cancelled_bytes: self.cancelled_bytes,
            version: Arc::clone(&self.version),
            timeline: Arc::clone(&self.timeline),
        }
    }

    /// The same queue, whose completed and cancelled jobs are kept for so long. The key of a discarded letter, or a cancelled
    /// job, that may have been sent holds as long as if it had completed.
    #[must_use]
    pub fn with_retention(self, keep: Duration) -> Self {
        Self { keep, ..self }
    }
}
