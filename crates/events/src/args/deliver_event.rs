//! `deliver_event`: what the application is told of one job.

use std::fmt;

use longshore_job::{InvalidArgs, Job, PersonArg};
use serde::{Deserialize, Serialize};

/// Tells the application what became of a job. The args are the body of the request, as they are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with type, timestamp and data"
)]
pub struct DeliverEvent {
    /// What happened: `job.completed`, `job.dead`, `job.cancelled`, or `delivery.` and the provider's word for how far the
    /// message has come.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened, RFC 3339.
    pub timestamp: String,
    /// To which job.
    pub data: EventData,
}

/// The job that something happened to. It has none of the job's args.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with id, sequence and queue"
)]
pub struct EventData {
    /// Its id.
    pub id: String,
    /// Of two events of one job, the one with the larger sequence is later.
    pub sequence: u64,
    /// Its queue.
    pub queue: String,
    /// Its kind, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The key that it was enqueued with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Why it is dead, a word such as `rejected` or `expired`; or that a cancelled one `may_have_been_sent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The provider's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How far its message has come, in the provider's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
}

impl Job for DeliverEvent {
    const KIND: &'static str = "deliver_event";
    const QUEUE: &'static str = "events";
    const PUBLIC_ARGS: &'static [&'static str] = &["type", "timestamp"];
    // Applications put addresses and ids of people into keys, tenants and tags.
    const PERSON_ARGS: &'static [PersonArg] = &[
        PersonArg::email("data.key"),
        PersonArg::email("data.tenant"),
        PersonArg::email("data.tags"),
        PersonArg::phone("data.key"),
        PersonArg::phone("data.tenant"),
        PersonArg::phone("data.tags"),
        PersonArg::id("data.key"),
        PersonArg::id("data.tenant"),
        PersonArg::id("data.tags"),
    ];
    const MADE_BY_FLEET: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

/// Keys, tags and tenants may be personal.
impl fmt::Debug for DeliverEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliverEvent")
            .field("type", &self.event_type)
            .field("timestamp", &self.timestamp)
            .field("data", &self.data)
            .finish()
    }
}

/// Shows which job, and nothing that its producer said of it.
impl fmt::Debug for EventData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventData")
            .field("id", &self.id)
            .field("sequence", &self.sequence)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
