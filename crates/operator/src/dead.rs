//! Dead letters as rows, and which of them are meant.

use std::time::Duration;

use longshore_job::Class;
use longshore_queue::{DeadGroup, DeadLetter, DeliveryResult, Growth, LetterFilter};
use serde::Serialize;

use crate::deliveries::DeliveriesRow;
use crate::time::rfc3339;

/// What is shown where there is something that cannot be read.
pub(crate) const UNREADABLE: &str = "(broken)";

/// Dead letters with one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupRow {
    /// Its id: 12 hex digits, the same for the same cause on any day.
    pub group: String,
    /// Its queue.
    pub queue: String,
    /// The kind of its jobs; `None` where payloads do not say.
    pub kind: Option<String>,
    /// The provider that was asked.
    pub provider: Option<String>,
    /// What they died of: never a text that differs from job to job.
    pub reason: String,
    /// The class of that; `None` where it cannot be read.
    #[serde(skip)]
    pub class: Option<Class>,
    /// How many there are.
    pub count: u64,
    /// When the first died, RFC 3339.
    pub first_at: String,
    /// When the last died, RFC 3339.
    pub last_at: String,
    /// When it grew; `None` where that cannot be read.
    pub grew: Option<GrowthRow>,
    /// The version of the worker that made its first letter.
    pub first_version: Option<String>,
    /// What the provider has said of their messages since; `None` where their outcome is known, or cannot be read.
    pub deliveries: Option<DeliveriesRow>,
    /// Why it cannot be read as a whole, if it cannot: somebody else has written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// When a group of dead letters grew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrowthRow {
    /// When it got its last letter, RFC 3339. That one may have been replayed or discarded since.
    pub at: String,
    /// How many letters it got in the last hour, to ten minutes.
    pub last_hour: u64,
    /// How many in the last 24 hours of the clock.
    pub last_day: u64,
    /// How many in each of these, in UTC, the oldest first; the last one is not over.
    pub hours: Vec<u64>,
}

impl From<&Growth> for GrowthRow {
    fn from(growth: &Growth) -> Self {
        Self {
            at: rfc3339(growth.at_ms),
            last_hour: growth.last_hour,
            last_day: growth.last_day(),
            hours: growth.hours.to_vec(),
        }
    }
}

impl GroupRow {
    pub(crate) fn new(queue: &str, group: DeadGroup) -> Self {
        Self {
            group: group.id,
            queue: queue.to_owned(),
            kind: group.kind,
            reason: match &group.cause {
                Some(cause) => cause.to_string(),
                None => UNREADABLE.to_owned(),
            },
            class: group.cause.as_ref().map(|cause| cause.class),
            provider: group
                .cause
                .and_then(|cause| cause.provider)
                .map(std::borrow::Cow::into_owned),
            count: group.count,
            first_at: rfc3339(group.first_at_ms),
            last_at: rfc3339(group.last_at_ms),
            grew: group.growth.as_ref().map(GrowthRow::from),
            first_version: group.growth.and_then(|growth| growth.version),
            deliveries: None,
            broken: group.broken,
        }
    }

    /// The groups of this queue cannot be read at all.
    pub(crate) fn broken(queue: &str, why: String) -> Self {
        Self {
            group: UNREADABLE.to_owned(),
            queue: queue.to_owned(),
            kind: None,
            provider: None,
            reason: UNREADABLE.to_owned(),
            class: None,
            count: 0,
            first_at: rfc3339(0),
            last_at: rfc3339(0),
            grew: None,
            first_version: None,
            deliveries: None,
            broken: Some(why),
        }
    }
}

impl GroupRow {
    /// Requests of its letters may have gone out without an answer.
    #[must_use]
    pub fn is_of_unknown_outcome(&self) -> bool {
        matches!(self.class, Some(Class::OutcomeUnknown | Class::Poison))
    }
}

/// One dead letter, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterRow {
    /// The job.
    pub id: String,
    /// Its queue.
    pub queue: String,
    /// Its kind.
    pub kind: Option<String>,
    /// Its group.
    pub group: Option<String>,
    /// When it died, RFC 3339.
    pub died_at: String,
    /// How many attempts it had.
    pub attempt: u32,
    /// Why the last one failed.
    pub reason: Option<String>,
    /// What the provider has said of its message: `delivered`, `failed` or `accepted`; `None` where it has said nothing.
    pub delivery: Option<DeliveryResult>,
    /// Why it cannot be read as a whole, if it cannot: somebody else has written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl LetterRow {
    pub(crate) fn new(queue: &str, letter: DeadLetter) -> Self {
        let delivery = DeliveryResult::of(letter.job.delivery.as_ref());
        let attempt = letter.job.attempt();
        // An edit is no attempt, nor is a replay.
        let mut attempts = letter.job.history.into_iter();
        let last = attempts.rfind(|last| last.entry.is_attempt());
        Self {
            broken: letter.job.broken,
            id: letter.job.id.to_string(),
            queue: queue.to_owned(),
            kind: letter.kind,
            group: letter.job.group,
            died_at: rfc3339(letter.died_at_ms),
            attempt,
            reason: last.and_then(|last| last.entry.reason),
            delivery: Some(delivery).filter(|known| *known != DeliveryResult::Unknown),
        }
    }

    /// The letters of this queue cannot be read at all.
    pub(crate) fn broken(queue: &str, why: String) -> Self {
        Self {
            id: UNREADABLE.to_owned(),
            queue: queue.to_owned(),
            kind: None,
            group: None,
            died_at: rfc3339(0),
            attempt: 0,
            reason: None,
            delivery: None,
            broken: Some(why),
        }
    }
}

/// Which dead letters are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Only of this queue.
    pub queue: Option<&'a str>,
    /// Only of this group.
    pub group: Option<&'a str>,
    /// Only of this kind.
    pub kind: Option<&'a str>,
    /// Only of this tenant.
    pub tenant: Option<&'a str>,
    /// Only with this tag.
    pub tag: Option<&'a str>,
    /// Only with this idempotency key.
    pub key: Option<&'a str>,
    /// Only those of whose messages the provider has said this.
    pub delivery: Option<DeliveryResult>,
    /// Only those that died so long ago at the most.
    pub since: Option<Duration>,
    /// How many at the most.
    pub limit: usize,
}

/// Which dead letters are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// These jobs, in whatever queue they are.
    Ids(Vec<String>),
    /// One group, in whatever queue it is. In several it is refused.
    Group(String),
    /// One queue.
    Queue(String),
    /// Those of a queue or a group, or of a group in a queue, of which all of this is true.
    Letters {
        /// The queue.
        queue: Option<String>,
        /// The group.
        group: Option<String>,
        /// Which of them.
        filter: LetterFilter,
    },
}

/// What a replay or a discard came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// How many letters were moved.
    pub moved: u64,
    /// Named jobs that were not dead: left alone.
    pub skipped: Vec<String>,
    /// Named dead letters whose person was forgotten: nothing of them can be carried out again.
    pub forgotten: Vec<String>,
    /// Named jobs that no queue knows (any more).
    pub not_found: Vec<String>,
}
