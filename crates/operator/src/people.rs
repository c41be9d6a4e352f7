//! One person: in which jobs they are, and forgetting them.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;
use longshore_job::{Found, JobId, Person, PersonForm, SUPPRESSED};
use longshore_queue::{
    JobInfo, JobScan, JobState, Note, PersonFilter, Place, Queue, QueueError, Seen, Signed,
};
use serde::Serialize;

use crate::away::{ANSWERED_WITHIN, why_apart};
use crate::error::OperatorError;
use crate::operations::OperationRow;
use crate::operator::Operator;
use crate::queue_info::QueueInfo;
use crate::redact::is_name;
use crate::suppressed::MessageChannel;

/// The queue, and its map, of which user is which customer at a payment provider.
const MAPPED: (&str, &str) = ("payment-reconcile", "customers");

/// Jobs of one queue, kind and state in which a person is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonRow {
    /// Their queue.
    pub queue: String,
    /// Their kind, if their payloads say.
    pub kind: Option<String>,
    /// Where they are; `None` where their queue cannot be read.
    pub state: Option<JobState>,
    /// What would be done to them: `cancel` (and strip), `stop` (what runs is asked to, and stripped once it has ended), `strip`.
    pub would: &'static str,
    /// How many.
    pub jobs: u64,
    /// How many of them only mention the person, and are perhaps for somebody else.
    pub mentioned: u64,
    /// How many of them may have been sent.
    pub may_have_been_sent: u64,
    /// When the newest of them was enqueued, in ms.
    #[serde(skip)]
    newest_ms: u64,
    /// Why their queue cannot be read, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// What forgetting a person would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonPreview {
    /// Who, by the first digits of a hash.
    pub person: String,
    /// In how many jobs they are.
    pub jobs: u64,
    /// Those, by queue, kind and state.
    pub found: Vec<PersonRow>,
    /// Whether the address or the number is on the list of those that nothing is sent to. It stays there, as a hash, unless it is asked for.
    pub suppressed: bool,
    /// Whether the id is mapped to a customer at a payment provider. That stays, unless it is asked for.
    pub mapped: bool,
}

impl PersonRow {
    fn broken(queue: &str, why: String) -> Self {
        Self {
            queue: queue.to_owned(),
            kind: None,
            state: None,
            would: "nothing",
            jobs: 0,
            mentioned: 0,
            may_have_been_sent: 0,
            newest_ms: 0,
            broken: Some(why),
        }
    }

    fn add(&mut self, job: &JobInfo, found: Found) {
        self.jobs += 1;
        self.mentioned += u64::from(found == Found::Mentioned);
        self.may_have_been_sent += u64::from(job.run.may_have_been_sent);
        self.newest_ms = self.newest_ms.max(job.enqueued_at_ms.unwrap_or_default());
    }

    fn new(queue: &str, kind: Option<String>, state: JobState) -> Self {
        Self {
            queue: queue.to_owned(),
            kind,
            state: Some(state),
            would: match state {
                JobState::Pending | JobState::Scheduled | JobState::Retryable => "cancel",
                JobState::Running => "stop",
                JobState::Completed | JobState::Dead | JobState::Cancelled => "strip",
            },
            jobs: 0,
            mentioned: 0,
            may_have_been_sent: 0,
            newest_ms: 0,
            broken: None,
        }
    }
}

async fn count(
    info: &QueueInfo,
    queue: &Queue,
    person: &Person,
    looked: &mut impl FnMut(u64),
) -> Result<Vec<PersonRow>, OperatorError> {
    let filter = PersonFilter::new(person.clone(), &info.kinds);
    let mut rows = BTreeMap::new();
    // Where they are nowhere, their only job may just have been put back.
    let (all, again) = (Place::AS_JOBS_GO, &Place::AS_JOBS_GO[..Place::PUT_BACK]);
    for (n, place) in all.iter().chain(again).enumerate() {
        if n >= all.len() && !rows.is_empty() {
            break;
        }
        let mut scan = JobScan::new(*place);
        while !scan.is_over() {
            let mut more = 0;
            let jobs = queue.scan_for(&filter, &mut scan, &mut more).await?;
            looked(more);
            for (job, found) in jobs {
                // Another one may be somebody's name.
                let kind = job.kind().filter(|kind| is_name(kind));
                let row = rows
                    .entry((job.state.as_str(), kind.clone()))
                    .or_insert_with(|| PersonRow::new(&info.name, kind, job.state));
                row.add(&job, found);
            }
        }
    }
    Ok(rows.into_values().collect())
}

/// Whether a list has it; not as long as its queue cannot be read, which is said of the queue.
async fn known<T>(
    queue: &Queue,
    finding: impl Future<Output = Result<Option<T>, QueueError>>,
) -> Result<bool, OperatorError> {
    match queue.answer_within(ANSWERED_WITHIN, finding).await {
        Ok(found) => Ok(found.is_some()),
        Err(error) => {
            why_apart(queue, error).await?;
            Ok(false)
        }
    }
}

impl Operator {
    /// In which jobs a person is, and what forgetting them would do. All jobs are looked at; `looked` is told how many.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn preview_forget(
        &self,
        person: &Person,
        text: &str,
        mut looked: impl FnMut(u64),
    ) -> Result<PersonPreview, OperatorError> {
        let mut seen = 0;
        let tell = Mutex::new(|more| {
            seen += more;
            looked(seen);
        });
        let each = self.queues.iter().map(async |(info, queue)| {
            let mut tell = |more| tell.lock().unwrap_or_else(PoisonError::into_inner)(more);
            match count(info, queue, person, &mut tell).await {
                Ok(rows) => Ok(rows),
                Err(OperatorError::Queue(error)) => {
                    let why = why_apart(queue, error).await?;
                    Ok(vec![PersonRow::broken(&info.name, why)])
                }
                Err(error) => Err(error),
            }
        });
        let found: Vec<_> = try_join_all(each).await?.into_iter().flatten().collect();
        Ok(PersonPreview {
            person: person.to_string(),
            jobs: found.iter().map(|row| row.jobs).sum(),
            found,
            suppressed: self.is_suppressed(person).await?,
            mapped: self.is_mapped(person, text).await?,
        })
    }

    async fn is_suppressed(&self, person: &Person) -> Result<bool, OperatorError> {
        let Some(channel) = MessageChannel::of(person.form()) else {
            return Ok(false);
        };
        let Ok((_, queue)) = self.queue(channel.as_str()) else {
            return Ok(false);
        };
        known(queue, queue.find(SUPPRESSED, person.hash())).await
    }

    async fn is_mapped(&self, person: &Person, text: &str) -> Result<bool, OperatorError> {
        let Ok((_, queue)) = self.queue(MAPPED.0) else {
            return Ok(false);
        };
        if person.form() != PersonForm::Id {
            return Ok(false);
        }
        known(queue, queue.find(MAPPED.1, text.trim())).await
    }

    /// Begins to forget a person in each queue that has jobs in which they are: operations that any process carries on.
    ///
    /// # Errors
    /// When Redis cannot be reached; what has begun goes on.
    pub async fn begin_forget(
        &self,
        person: &Person,
        found: &PersonPreview,
        signed: &Signed,
    ) -> Result<Vec<OperationRow>, OperatorError> {
        let mut begun = Vec::new();
        for (info, queue) in self.some_or_all(None)? {
            let rows = || found.found.iter().filter(|row| row.queue == info.name);
            let seen = Seen {
                jobs: rows().map(|row| row.jobs).sum(),
                newest_ms: rows().map(|row| row.newest_ms).max().unwrap_or_default(),
            };
            if seen.jobs == 0 {
                continue;
            }
            let filter = PersonFilter::new(person.clone(), &info.kinds);
            let id = JobId::generate();
            queue.begin_forget(id, &filter, seen, signed).await?;
            begun.push(self.operation(&id.to_string()).await?);
        }
        Ok(begun)
    }

    /// Forgets which customer at a payment provider a user is. `false` where it was not known (any more).
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn forget_mapping(
        &self,
        person: &Person,
        text: &str,
        signed: &Signed,
    ) -> Result<bool, OperatorError> {
        let (_, queue) = self.queue(MAPPED.0)?;
        let target = person.to_string();
        let note = Note {
            action: "forget_mapping",
            target: &target,
            ..Note::default()
        };
        let removed = queue.unassign_signed(MAPPED.1, text.trim(), &note, signed);
        Ok(removed.await?)
    }
}
