//! What operators see and do: the library behind the command line. It never sees a provider crate.
//!
//! [`Operator`] holds the queues of one namespace. What it returns are views ([`QueueRow`], [`JobView`], [`GroupRow`],
//! [`LetterRow`], [`CronRow`]) whose serde form is the JSON that the contract promises: times in RFC 3339, the seven state
//! words, and args redacted unless somebody signs for seeing them.
//!
//! Whatever it changes, shows or hands out is [`Signed`], and written down in the queue's audit with it.

mod attention;
mod audit;
mod audit_pages;
mod away;
mod cron;
mod dead;
mod deliveries;
mod discards;
mod edit;
mod error;
mod export;
mod fleet;
mod forms;
mod groups;
mod hour;
mod job;
mod job_pages;
mod jobs;
mod letters;
mod lost;
mod lost_lately;
mod mappings;
mod meant;
mod moves;
mod operations;
mod operator;
mod overview;
mod people;
mod producer;
mod program;
mod providers;
mod queue_info;
mod queues;
mod redact;
mod rehearsal;
mod rehearse;
mod replays;
mod reschedule;
mod search;
mod sessions;
mod shares;
mod suppressed;
mod suppressions;
mod time;
mod timeline;
mod waiting;
mod workers;

pub use attention::{
    AttentionFacts, AttentionRow, Concern, ConfiguredFleet, KindsDiffer, NextStep, Urgency,
    attention,
};
pub use audit::AuditRow;
pub use audit_pages::{AuditPage, AuditQuery};
pub use away::AwayRow;
pub use cron::{CronRow, TickRow};
pub use dead::{Filter, GroupRow, GrowthRow, LetterRow, Moved, Target};
pub use deliveries::DeliveriesRow;
pub use edit::EditRehearsal;
pub use error::OperatorError;
pub use export::Exported;
pub use fleet::{FleetOverview, QueueOverview};
pub use job::{CronJobRow, DeliveryRow, EnqueuedByRow, HistoryRow, JobView, PutBackRow, StopRow};
pub use job_pages::JobPage;
pub use jobs::{JobQuery, JobRow};
pub use longshore_queue::{DeliveryResult, JobFilter, LetterFilter, RunAt, SentForm, Signed};
pub use lost::LostJobRow;
pub use lost_lately::LostRow;
pub use mappings::{Imported, Mapping, MappingCount};
pub use operations::{BecameRow, OperationRow};
pub use operator::Operator;
pub use people::{PersonPreview, PersonRow};
pub use producer::LastRun;
pub use program::ThisProgram;
pub use providers::{AnswerRow, ProviderRow, percent};
pub use queue_info::{ConfigRefusal, QueueInfo, RepeatByArgs, RepeatEffect, WhyRefused};
pub use queues::{BreakerRow, FallbackRow, HoldRow, ParkedRow, PauseRow, PerMinute, QueueRow};
pub use redact::redact_args;
pub use rehearsal::{RefusedRow, Rehearsal, RehearsedQueue, Sample};
pub use replays::ReplayRow;
pub use reschedule::ReschedulePreview;
pub use search::SearchFound;
pub use shares::{SharesRow, TenantShare};
pub use suppressed::{InvalidMessageChannel, InvalidSuppressed, MessageChannel, Suppressed};
pub use suppressions::SuppressionRow;
pub use timeline::{JobStory, StoryKind, StoryRow};
pub use waiting::{CancelPreview, CancelRow};
pub use workers::WorkerRow;
