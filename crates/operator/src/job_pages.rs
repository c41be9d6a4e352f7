//! Jobs of one queue page by page: each page looks at a bounded number of jobs, whatever there are.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use longshore_job::Person;
use longshore_queue::{JobFilter, JobInfo, JobScan, JobState, PersonFilter, Place, Queue};
use serde::Serialize;

use crate::away::{ANSWERED_WITHIN, why_apart};
use crate::error::OperatorError;
use crate::jobs::{JobRow, held};
use crate::operator::Operator;
use crate::queue_info::QueueInfo;

/// A page has about so many rows.
const ROWS: usize = 50;

/// At most so many jobs are looked at for one page.
const MOST_LOOKED: u64 = 2_500;

/// The same of a search, which looks through all queues.
pub(crate) const MOST_SEARCHED: u64 = 1_000;

/// A person is looked for in whole jobs, so fewer of them are for one page.
const MOST_LOOKED_FOR_PERSON: u64 = 20_000;

/// Some jobs, and where to go on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobPage {
    /// The jobs.
    pub rows: Vec<JobRow>,
    /// How many were looked at.
    pub looked: u64,
    /// Where the next page begins; `None` = all were looked at. It may name an id.
    pub next: Option<String>,
    /// Why some of them cannot be read.
    pub broken: Option<String>,
}

/// Where a walk over several places goes on: `<place>.<cursor in base64>`.
struct PageCursor {
    places: Vec<Place>,
    scan: JobScan,
}

impl PageCursor {
    /// The places of these states, from where an earlier page ended.
    fn new(filter: &JobFilter, after: Option<&str>) -> Option<Self> {
        let mut places: Vec<_> = Place::ALL
            .into_iter()
            .filter(|place| {
                let mut states = JobState::ALL.into_iter();
                states.any(|state| place.has(state) && filter.has_state(state))
            })
            .collect();
        let mut scan = None;
        if let Some((place, cursor)) = after.and_then(|after| after.split_once('.')) {
            let place = Place::named(place)?;
            let at = places.iter().position(|other| *other == place)?;
            places.drain(..at);
            let cursor = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
            scan = Some(JobScan::from_cursor(place, &cursor));
        }
        let scan = scan.or_else(|| places.first().map(|place| JobScan::new(*place)))?;
        Some(Self {
            places,
            scan: scan.to_show(),
        })
    }

    /// To the next place, where this one is through. `false` where that was the last.
    fn go_on(&mut self) -> bool {
        if !self.scan.is_over() {
            return true;
        }
        self.leave_place()
    }

    fn leave_place(&mut self) -> bool {
        self.places.remove(0);
        match self.places.first() {
            Some(place) => {
                self.scan = JobScan::new(*place).to_show();
                true
            }
            None => false,
        }
    }

    fn encode(&self) -> String {
        let cursor = BASE64_URL_SAFE_NO_PAD.encode(self.scan.cursor());
        format!("{}.{cursor}", self.scan.place().as_str())
    }
}

impl Operator {
    /// Jobs of a queue that are meant, as their places have them, from where an earlier page ended: some fifty, of some thousands
    /// that are looked at. A page without rows may have a next one.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn job_page(
        &self,
        queue: &str,
        filter: &JobFilter,
        after: Option<&str>,
    ) -> Result<JobPage, OperatorError> {
        let (info, queue) = self.queue(queue)?;
        page(info, queue, filter, None, after, MOST_LOOKED).await
    }

    /// The jobs of a queue in which a person is, page by page as [`job_page`](Self::job_page) has them.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn person_page(
        &self,
        queue: &str,
        person: &Person,
        after: Option<&str>,
    ) -> Result<JobPage, OperatorError> {
        let (info, queue) = self.queue(queue)?;
        let (all, most) = (JobFilter::default(), MOST_LOOKED_FOR_PERSON);
        page(info, queue, &all, Some(person), after, most).await
    }
}

/// A page for which at most so many jobs are looked at.
pub(crate) async fn page(
    info: &QueueInfo,
    queue: &Queue,
    filter: &JobFilter,
    person: Option<&Person>,
    after: Option<&str>,
    most: u64,
) -> Result<JobPage, OperatorError> {
    let mut page = JobPage {
        rows: Vec::new(),
        looked: 0,
        next: None,
        broken: None,
    };
    // What is no cursor of these places has nothing behind it.
    let Some(mut at) = PageCursor::new(filter, after) else {
        return Ok(page);
    };
    let asking = queue.answer_within(ANSWERED_WITHIN, queue.stats());
    let held = match asking.await {
        Ok(stats) => held(&stats, info.fallback.is_some()),
        Err(error) => {
            page.broken = Some(why_apart(queue, error).await?);
            return Ok(page);
        }
    };
    let person = person.map(|person| PersonFilter::new(person.clone(), &info.kinds));
    let unfiltered = JobFilter {
        states: filter.states.clone(),
        ..JobFilter::default()
    } == *filter;
    let step = if unfiltered { ROWS } else { 4 * ROWS };
    let mut goes_on = true;
    while goes_on && page.rows.len() < ROWS && page.looked < most {
        match some(queue, person.as_ref(), &mut at.scan, step, &mut page.looked).await {
            Ok(jobs) => {
                let meant = jobs.into_iter().filter(|job| filter.means(job));
                for job in meant {
                    let id = job.id.to_string();
                    // What others push meanwhile has some seen twice.
                    if !page.rows.iter().any(|row: &JobRow| row.id == id) {
                        page.rows.push(JobRow::new(info, job, held.as_deref()));
                    }
                }
                goes_on = at.go_on();
            }
            // One place that cannot be read hides no other.
            Err(OperatorError::Queue(error)) => {
                page.broken = Some(why_apart(queue, error).await?);
                goes_on = at.leave_place();
            }
            Err(error) => return Err(error),
        }
    }
    page.next = goes_on.then(|| at.encode());
    Ok(page)
}

async fn some(
    queue: &Queue,
    person: Option<&PersonFilter>,
    scan: &mut JobScan,
    step: usize,
    looked: &mut u64,
) -> Result<Vec<JobInfo>, OperatorError> {
    let Some(person) = person else {
        let jobs = queue.scan_some(scan, step).await?;
        // A step that finds none has looked, too.
        *looked += (jobs.len() as u64).max(1);
        return Ok(jobs);
    };
    let found = queue.scan_for(person, scan, looked).await?;
    *looked += 1;
    Ok(found.into_iter().map(|(job, _)| job).collect())
}
