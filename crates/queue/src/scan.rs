//! Going through jobs a step at a time, wherever they are. There is no index: whoever looks reads them all.

use redis::Value;

use crate::header::split;
use crate::inspect::{Moments, from_record};
use crate::value::{Fields, Reply, read, shown};
use crate::{JobInfo, JobState, Key, Queue, QueueError, RawId, script};

/// At most so many jobs are looked at in one call: Redis serves nobody else meanwhile.
pub(crate) const STEP: usize = 250;

/// Where jobs are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The waiting list, the newest first.
    Pending,
    /// What waits and has a priority or a tenant, the last one to be claimed first.
    Lanes,
    /// What is parked, the latest first.
    Parked,
    /// What waits for its time, a retry among it; the latest due time first.
    Scheduled,
    /// What workers have, in no order.
    Running,
    /// What has completed, the newest first.
    Completed,
    /// Dead letters, the newest first.
    Dead,
    /// What was cancelled, the newest first.
    Cancelled,
}

impl Place {
    /// All of them, what is to be carried out first.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Lanes,
        Self::Parked,
        Self::Scheduled,
        Self::Running,
        Self::Dead,
        Self::Cancelled,
        Self::Completed,
    ];

    /// All of them, as jobs go through them. Who looks through one after the other meets what goes on meanwhile; not what is put
    /// back: a retry, a claim that is returned, a replayed letter.
    pub const AS_JOBS_GO: [Self; 8] = [
        Self::Scheduled,
        Self::Parked,
        Self::Lanes,
        Self::Pending,
        Self::Running,
        Self::Dead,
        Self::Completed,
        Self::Cancelled,
    ];

    /// How many of those a job can leave for an earlier one.
    pub const PUT_BACK: usize = 6;

    /// The place of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == name)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Lanes => "lanes",
            Self::Parked => "parked",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether jobs in this state are there.
    #[must_use]
    pub fn has(self, state: JobState) -> bool {
        match self {
            Self::Pending | Self::Lanes | Self::Parked => state == JobState::Pending,
            Self::Scheduled => matches!(state, JobState::Scheduled | JobState::Retryable),
            Self::Running => state == JobState::Running,
            Self::Completed => state == JobState::Completed,
            Self::Dead => state == JobState::Dead,
            Self::Cancelled => state == JobState::Cancelled,
        }
    }
}

/// Goes through the jobs of one place. Jobs come and go meanwhile: what stays where it is during the whole walk is seen, some of
/// it twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobScan {
    place: Place,
    /// Bytes as Redis has them: an id may stand in it.
    cursor: Vec<u8>,
    earliest_first: bool,
    only_looks: bool,
    over: bool,
}

impl JobScan {
    /// From the first one on.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self {
            place,
            cursor: Vec::new(),
            earliest_first: false,
            only_looks: false,
            over: false,
        }
    }

    /// To be shown, not to be acted on: where somebody has written over one of the queue's keys, the jobs of other places
    /// are found all the same. What that key would say of them is then not known.
    #[must_use]
    pub fn to_show(self) -> Self {
        Self {
            only_looks: true,
            ..self
        }
    }

    /// What has a time comes by it, the earliest first.
    pub(crate) fn earliest_first(self) -> Self {
        Self {
            earliest_first: true,
            ..self
        }
    }

    pub(crate) fn going_on(self, cursor: &[u8]) -> Self {
        Self {
            cursor: cursor.to_vec(),
            ..self
        }
    }

    /// How far it has come, for a later walk over the same place ([`from_cursor`](Self::from_cursor)). It may name an id.
    #[must_use]
    pub fn cursor(&self) -> &[u8] {
        &self.cursor
    }

    /// Where it goes.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Goes on from where an earlier walk over this place had come to. What is no cursor begins.
    #[must_use]
    pub fn from_cursor(place: Place, cursor: &[u8]) -> Self {
        Self::new(place).going_on(cursor)
    }

    /// All have been seen.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }
}

impl Queue {
    /// The next step of a walk, at most 250 jobs and some MiB of payloads. It may find none, and not be over.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. It can be asked again.
    pub async fn scan(&self, scan: &mut JobScan) -> Result<Vec<JobInfo>, QueueError> {
        let rows = self.scan_rows(scan, STEP).await?.into_iter();
        Ok(rows.map(|row| row.job).collect())
    }

    /// The next step of a walk, this many jobs at the most and no more than 250.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. It can be asked again.
    pub async fn scan_some(
        &self,
        scan: &mut JobScan,
        most: usize,
    ) -> Result<Vec<JobInfo>, QueueError> {
        let rows = self.scan_rows(scan, most.clamp(1, STEP)).await?.into_iter();
        Ok(rows.map(|row| row.job).collect())
    }

    /// The same, this many jobs at the most, with all that stands of each.
    pub(crate) async fn scan_rows(
        &self,
        scan: &mut JobScan,
        most: usize,
    ) -> Result<Vec<Row>, QueueError> {
        if scan.over {
            return Ok(Vec::new());
        }
        let keys = self.keys.of_waiting();
        let keys: Vec<&str> = keys.into_iter().chain([&*self.keys.completed]).collect();
        let value: Value = script::SCAN
            .on(&keys)
            .arg(scan.place.as_str())
            .arg(&scan.cursor)
            .arg(most)
            .arg(if scan.earliest_first { "lowest" } else { "" })
            .arg(if scan.only_looks { "look" } else { "" })
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let cursor: Vec<u8> = answer.next()?;
        let mut rows = answer.list()?;
        let mut jobs = Vec::new();
        while !rows.is_empty() {
            jobs.push(row(&mut rows)?);
        }
        scan.over = cursor.is_empty();
        scan.cursor = cursor;
        Ok(jobs)
    }

    /// The job that has this idempotency key; `None` while the key is free.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn holder(&self, key: &Key) -> Result<Option<RawId>, QueueError> {
        let mut command = redis::cmd("GET");
        command.arg(self.key_of(key));
        let held: Option<Vec<u8>> = match self.link.command(&command).await {
            Err(error) if error.is_wrong_type() => None,
            answer => answer?,
        };
        let id = held.and_then(|held| held.split(|byte| *byte == b' ').next().map(<[u8]>::to_vec));
        Ok(id.map(RawId::from).filter(|id| id.job_id().is_some()))
    }
}

/// A job, with all that stands of it.
#[cfg_attr(
    not(feature = "forget"),
    expect(dead_code, reason = "only who looks for a person reads all of it")
)]
pub(crate) struct Row {
    pub(crate) job: JobInfo,
    record: Fields,
    /// Of a completed one, how.
    says: Option<Vec<u8>>,
    /// Its record as it stands, where that does not read.
    packed: Option<Vec<u8>>,
    /// What stands in the place of its payload, where it is too large to be read.
    pub(crate) large: Option<Vec<u8>>,
}

impl Row {
    /// What stands of it beside its payload.
    #[cfg(feature = "forget")]
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let whole = [&self.says, &self.packed, &self.large];
        let whole = whole.into_iter().filter_map(Option::as_deref);
        self.record.iter().map(|(_, text)| text).chain(whole)
    }
}

fn row(rows: &mut Reply) -> Result<Row, QueueError> {
    let (id, home) = (rows.id()?, rows.next::<String>()?);
    let packed: Option<Vec<u8>> = rows.next()?;
    let says: Option<Vec<u8>> = read(rows.next()?)?;
    let (value, too_large) = rows.value()?;
    let state = JobState::of_home(&home)?;
    let (header, payload) = match value.map(split) {
        Some((header, payload)) => (header, Some(payload)),
        None => (None, None),
    };
    let record = Fields::of_job(header, packed.as_deref());
    let number = || -> Option<f64> { std::str::from_utf8(says.as_deref()?).ok()?.parse().ok() };
    let of = |states: &[JobState]| states.contains(&state).then(number).flatten();
    let moments = Moments {
        token: says
            .clone()
            .filter(|_| state == JobState::Running)
            .map(shown),
        due: of(&[JobState::Scheduled, JobState::Retryable]),
        died: of(&[JobState::Dead]),
    };
    let mut job = from_record(id, state, payload, &record, moments);
    if state == JobState::Completed {
        job.add_completion(says.as_deref());
    }
    job.too_large = too_large;
    job.parked_since_ms = number()
        .filter(|_| home == "parked")
        .map(|since| since as u64);
    Ok(Row {
        packed: packed.filter(|_| record.is_broken()),
        job,
        record,
        says,
        large: None,
    })
}
