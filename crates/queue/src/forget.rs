//! Finding one person in jobs, and forgetting them: an operation that any process carries on, a step at a time.
//!
//! What stands in Redis of the person meanwhile is a hash. So each step compares hashes of what it finds in jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_job::{Envelope, Found, JobId, Kinds, Person};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bulk::{BulkState, process};
use crate::bulk_forget::{Seen, read};
use crate::held::Held;
use crate::scan::Row;
use crate::value::{Fields, Reply};
use crate::{JobInfo, JobScan, JobState, Place, Queue, QueueError, RawId, Signed, script};

/// At most so many jobs are looked at in one call, and stripped in one: Redis serves nobody else meanwhile.
const STEP: usize = 100;

/// How many jobs are looked at in one step, if the person is in few of them.
const MOST_LOOKED_AT: usize = 10 * STEP;

/// How long running jobs are given before they are looked for again.
const AGAIN: Duration = Duration::from_millis(250);

/// Who is looked for, and in which args of which kinds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonFilter {
    /// Who.
    pub person: Person,
    /// The kinds that are known, each with the paths of those args that name a person of this form.
    kinds: BTreeMap<String, Vec<String>>,
}

impl PersonFilter {
    /// Looks for this person in jobs of these kinds, and in any others.
    #[must_use]
    pub fn new(person: Person, kinds: &Kinds) -> Self {
        let form = person.form();
        let paths = |spec: &longshore_job::KindSpec| {
            let args = spec.person_args.iter().filter(|arg| arg.form == form);
            args.map(|arg| arg.path.to_owned()).collect()
        };
        let kinds = kinds.iter();
        let kinds = kinds.map(|spec| (spec.kind.to_owned(), paths(spec)));
        Self {
            kinds: kinds.collect(),
            person,
        }
    }

    /// Where the person is in a job, if at all. An id counts only in those args of a known kind that are ids of people:
    /// elsewhere it may be anything.
    fn find(&self, row: &Row) -> Option<Found> {
        let job = &row.job;
        let payload = job.payload.as_deref().unwrap_or_default();
        let envelope = Envelope::parse(payload).ok();
        let paths = envelope.as_ref();
        let paths = paths.and_then(|envelope| self.kinds.get(&*envelope.kind));
        if let (Some(paths), Some(envelope)) = (paths, &envelope) {
            let names = |args: &str| {
                let args: Option<Value> = serde_json::from_str(args).ok();
                args.is_some_and(|args| paths.iter().any(|path| self.person.is_at(&args, path)))
            };
            if names(envelope.args.get()) {
                return Some(Found::Named);
            }
            let mut before = job.history.iter();
            if before.any(|before| before.entry.old_args.as_deref().is_some_and(names)) {
                return Some(Found::Mentioned);
            }
            if self.person.form() == longshore_job::PersonForm::Id {
                return None;
            }
        }
        // These two stand behind a letter there.
        let by = job.enqueued_by.as_ref().map(crate::EnqueuedBy::name);
        let labels = [job.lane.tenant.as_deref(), by].into_iter().flatten();
        let texts = labels.map(str::as_bytes).chain(row.texts());
        let mut texts = texts.chain([payload]);
        let found = texts.any(|text| self.person.is_in(text));
        found.then_some(Found::Mentioned)
    }

    /// What is to stand in the place of a job's payload. Its kind stays, if it looks like one.
    fn rest(&self, job: &JobInfo) -> String {
        let is_name = |kind: &String| {
            let fits = |b: u8| b.is_ascii_lowercase() || b == b'_';
            self.kinds.contains_key(kind) || (kind.len() <= 64 && kind.bytes().all(fits))
        };
        let kind = job.kind().filter(is_name);
        kind.map_or_else(String::new, |kind| {
            json!({ "kind": kind, "v": 1, "args": null }).to_string()
        })
    }

    /// What else of a job names the person: `k` its idempotency key, `t` its tenant.
    fn flags(&self, job: &JobInfo) -> String {
        let names = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            self.person.is_in(text.as_bytes())
        };
        let key = names(&job.idempotency_key).then_some('k');
        let tenant = names(&job.lane.tenant).then_some('t');
        key.into_iter().chain(tenant).collect()
    }
}

/// How far an operation has come. What jobs can be put back from is looked through again and again, until the person was found
/// nowhere there, twice in a row: what was put back behind our back once stands still the second time, as a retry waits a minute.
struct Cursor {
    /// The place that is looked through ([`Place::AS_JOBS_GO`]).
    place: usize,
    scan: JobScan,
    /// The person was found this time.
    found: bool,
    /// And not the time before.
    was_quiet: bool,
}

impl Cursor {
    /// Reads `<which place> <what was found> <how far>`.
    fn parse(bytes: &[u8]) -> Self {
        let mut parts = bytes.splitn(3, |byte| *byte == b' ');
        let mut number =
            || -> Option<usize> { std::str::from_utf8(parts.next()?).ok()?.parse().ok() };
        let (place, flags) = (number().unwrap_or(0), number().unwrap_or(0));
        let cursor = parts.next().unwrap_or_default();
        Self::at(place, flags & 1 > 0, flags & 2 > 0, cursor)
    }

    fn at(place: usize, found: bool, was_quiet: bool, cursor: &[u8]) -> Self {
        let of = Place::AS_JOBS_GO.get(place).copied();
        let scan = JobScan::new(of.unwrap_or(Place::Pending));
        Self {
            place,
            scan: scan.earliest_first().going_on(cursor),
            found,
            was_quiet,
        }
    }

    fn is_over(&self) -> bool {
        self.place >= Place::AS_JOBS_GO.len()
    }

    /// To the next place, where this one is through. Returns whether what runs is to be given time.
    fn go_on(&mut self) -> bool {
        if !self.scan.is_over() {
            return false;
        }
        let through = self.place + 1 == Place::PUT_BACK;
        let again = through && self.found;
        *self = match through && (self.found || !self.was_quiet) {
            true => Self::at(0, false, !self.found, b""),
            false => Self::at(self.place + 1, self.found, self.was_quiet, b""),
        };
        again
    }

    fn encode(&self) -> Vec<u8> {
        let flags = u8::from(self.found) + 2 * u8::from(self.was_quiet);
        let place = format!("{} {flags} ", self.place);
        [place.as_bytes(), self.scan.cursor()].concat()
    }
}

/// Whether a job, in which the person was found, is to be forgotten: it was enqueued up to then, and is not stripped yet.
fn is_meant(job: &JobInfo, until_ms: u64) -> bool {
    let ended = [JobState::Completed, JobState::Dead, JobState::Cancelled];
    let is_stripped = job.forgotten.is_some() && ended.contains(&job.state);
    !is_stripped && job.enqueued_at_ms.is_none_or(|at| at <= until_ms)
}

impl Queue {
    /// The next step of a walk that looks for one person: the jobs in which they are. It may find none, and not be over.
    /// `looked` is told at how many jobs.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. It can be asked again.
    pub async fn scan_for(
        &self,
        filter: &PersonFilter,
        scan: &mut JobScan,
        looked: &mut u64,
    ) -> Result<Vec<(JobInfo, Found)>, QueueError> {
        let mut found = Vec::new();
        for mut row in self.scan_rows(scan, STEP).await? {
            *looked += 1;
            if row.job.too_large.is_some() {
                let mut whole = redis::cmd("HGET");
                whole.arg(&self.keys.data).arg(row.job.id.as_bytes());
                row.large = self.link.command(&whole).await?;
            }
            let place = filter.find(&row);
            found.extend(place.map(|place| (row.job, place)));
        }
        Ok(found)
    }

    /// Begins to forget one person: the fleet does, whoever calls [`advance_operations`](Self::advance_operations). What waits is
    /// cancelled, what runs is asked to stop, and what stands of the person in any of it, and in what has ended, is removed. Jobs that
    /// are enqueued later are not meant. `seen` is what the caller has found. Can be repeated with the same id.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn begin_forget(
        &self,
        id: JobId,
        filter: &PersonFilter,
        seen: Seen,
        signed: &Signed,
    ) -> Result<(), QueueError> {
        self.begin_on_many(
            &script::FORGET_BEGIN,
            id,
            filter,
            filter.person.to_string(),
            seen.jobs,
            signed,
        )
        .arg(seen.newest_ms)
        .run::<String>(&self.link)
        .await
        .map(drop)
    }

    /// One step. Returns how long until the next one is of use; `None` when it is over, or cannot be read.
    pub(crate) async fn advance_forget(
        &self,
        id: &str,
        fields: &Fields,
    ) -> Result<Option<Duration>, QueueError> {
        let filter = fields.text("person").map(serde_json::from_str);
        let operation = read(id.to_owned(), fields);
        let (Some(operation), Some(Ok(filter))) = (operation, filter) else {
            return self.close_unread(id).await;
        };
        let filter: PersonFilter = filter;
        if operation.state != BulkState::Running {
            return Ok(None);
        }
        let from = fields.get("cursor").unwrap_or_default();
        let mut cursor = Cursor::parse(from);
        let (mut meant, mut looked, mut again) = (Vec::new(), 0, false);
        while meant.is_empty() && looked < MOST_LOOKED_AT as u64 && !cursor.is_over() && !again {
            let jobs = self
                .scan_for(&filter, &mut cursor.scan, &mut looked)
                .await?;
            let jobs = jobs.into_iter().map(|(job, _)| job);
            meant.extend(jobs.filter(|job| is_meant(job, operation.until_ms)));
            looked += 1;
            cursor.found |= !meant.is_empty();
            again = cursor.go_on();
        }
        let made = self.step_forget(id, from, &cursor, looked, &filter, &meant);
        let wait = if again { AGAIN } else { Duration::ZERO };
        Ok((made.await? && !cursor.is_over()).then_some(wait))
    }

    /// Cancels or strips what was found. Returns whether the operation goes on.
    async fn step_forget(
        &self,
        id: &str,
        from: &[u8],
        cursor: &Cursor,
        looked: u64,
        filter: &PersonFilter,
        meant: &[JobInfo],
    ) -> Result<bool, QueueError> {
        let k = &self.keys;
        let more = [
            &*k.operations,
            &*k.open_replays,
            &*k.deliveries,
            &*k.delivery_ages,
        ];
        let keys: Vec<&str> = k.of_waiting().into_iter().chain(more).collect();
        let mut held = Held::default();
        loop {
            let call = held
                .on(k, &script::FORGET_STEP, &keys)
                .arg(id)
                .arg(from)
                .arg(cursor.encode())
                .arg(looked)
                .arg(if cursor.is_over() { "over" } else { "" })
                .arg(process());
            let mut call = held.name(self.ended(call));
            for job in meant {
                call = call.arg(job.id.as_bytes());
                call = call.arg(filter.rest(job)).arg(filter.flags(job));
            }
            let mut answer = Reply::new(call.run(&self.link).await?)?;
            let made: String = answer.next()?;
            if held.are_missing(&made, &mut answer)? {
                continue;
            }
            let pushed: Vec<Vec<u8>> = answer.next()?;
            let pushed: Vec<RawId> = pushed.into_iter().map(RawId::from).collect();
            self.forget_pushed(pushed).await?;
            return Ok(made != "closed");
        }
    }
}
