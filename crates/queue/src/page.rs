//! Going through dead letters from the first to the last, whole, however many there are.

use std::collections::HashMap;

use longshore_job::Cause;
use redis::Value;

use crate::inspect::{Moments, from_record, to_ms};
use crate::script;
use crate::settle::Group;
use crate::value::Answer;
use crate::{Job, JobState, Queue, QueueError, RawId, Selection};

/// How many letters are read in one call, with payloads and histories; the script stops at a mebibyte, too.
const PAGE: usize = 200;

/// A dead letter with everything that is kept of it.
#[derive(Debug, Clone)]
pub struct WholeLetter {
    /// When it died, as it stands: unix seconds. The same letter, dead for the same time, has the same text.
    pub died: String,
    /// What it died of, if its group is known.
    pub cause: Option<Cause>,
    /// The kind of its group.
    pub kind: Option<String>,
    /// When it was first due, in ms since the epoch: the expiry of its kind counts from then.
    pub first_due_ms: Option<u64>,
    /// When it expires or did, in ms since the epoch, if its producer said so.
    pub expires_at_ms: Option<u64>,
    /// W3C trace context of the producer.
    pub traceparent: Option<String>,
    /// W3C trace state of the producer.
    pub tracestate: Option<String>,
    /// The job, with its payload.
    pub job: Job,
}

/// Goes through dead letters in the order of their deaths.
#[derive(Debug)]
pub struct Letters<'a> {
    queue: &'a Queue,
    letters: String,
    cutoff: String,
    /// Time of death and id of the last one.
    last: Option<(String, RawId)>,
}

impl Queue {
    /// Goes through the letters that are dead by `cutoff_ms`. Others may be taken out meanwhile.
    #[must_use]
    pub fn letters(&self, selection: &Selection, cutoff_ms: u64) -> Letters<'_> {
        Letters {
            queue: self,
            letters: self.selected(selection),
            cutoff: seconds(cutoff_ms),
            last: None,
        }
    }
}

impl Letters<'_> {
    /// The next page; empty when through.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. It can be asked again.
    pub async fn page(&mut self) -> Result<Vec<WholeLetter>, QueueError> {
        let k = &self.queue.keys;
        let (died, id) = match &self.last {
            Some((died, id)) => (died.as_str(), id.as_bytes()),
            None => ("", &[][..]),
        };
        let value: Value = script::DEAD_PAGE
            .on(&[&self.letters, &k.groups, &k.meta, &k.data])
            .arg(died)
            .arg(id)
            .arg(&self.cutoff)
            .arg(PAGE)
            .run(&self.queue.link)
            .await?;
        let mut answer = Answer::new(value)?;
        let mut page = Vec::new();
        while !answer.is_empty() {
            let (id, died): (RawId, String) = (answer.id()?, answer.next()?);
            let group: Option<String> = answer.next()?;
            let (payload, too_large) = answer.payload()?;
            let record: HashMap<String, Vec<u8>> = answer.next()?;
            self.last = Some((died.clone(), id.clone()));
            let mut letter = whole(id, died, group.as_deref(), payload, &record);
            letter.job.too_large = too_large;
            page.push(letter);
        }
        Ok(page)
    }
}

fn whole(
    id: RawId,
    died: String,
    group: Option<&str>,
    payload: Option<Vec<u8>>,
    record: &HashMap<String, Vec<u8>>,
) -> WholeLetter {
    let group: Option<Group> = group.and_then(|json| serde_json::from_str(json).ok());
    let (kind, cause) = group.map_or((None, None), |group| (group.kind, Some(group.cause)));
    let text = |name: &str| String::from_utf8(record.get(name)?.clone()).ok();
    let moments = Moments {
        token: None,
        due: None,
        died: died.parse().ok(),
    };
    WholeLetter {
        cause,
        kind,
        first_due_ms: text("due")
            .or_else(|| text("at"))
            .and_then(|ms| ms.parse().ok())
            .or_else(|| Some(id.job_id()?.timestamp_ms())),
        expires_at_ms: text("exp").and_then(|ms| ms.parse().ok()),
        traceparent: text("traceparent"),
        tracestate: text("tracestate"),
        job: from_record(id, JobState::Dead, payload, record, moments),
        died,
    }
}

impl Queue {
    /// A dead letter that was looked up, whole.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn whole(&self, job: Job) -> Result<WholeLetter, QueueError> {
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.record(&job.id));
        let record: HashMap<String, Vec<u8>> = self.link.command(&command).await?;
        let group = match &job.group {
            Some(group) => {
                let mut command = redis::cmd("HGET");
                command.arg(&self.keys.groups).arg(group);
                self.link.command(&command).await?
            }
            None => None::<String>,
        };
        let died = seconds(job.ended_at_ms.unwrap_or_default());
        Ok(whole(job.id, died, group.as_deref(), job.payload, &record))
    }
}

/// A time of death as it stands in Redis.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

impl WholeLetter {
    /// When it died, in ms since the epoch.
    #[must_use]
    pub fn died_at_ms(&self) -> u64 {
        self.died.parse().map(to_ms).unwrap_or_default()
    }
}
