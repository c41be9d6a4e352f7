//! Going through dead letters from the first to the last, whole, however many there are.

use longshore_job::Cause;
use redis::Value;

use crate::dead::{NO_GROUP, seconds};
use crate::group::Group;
use crate::header::{Header, split};
use crate::inspect::{Moments, from_record, to_ms};
use crate::script;
use crate::value::{Fields, Reply};
use crate::{Delivery, JobInfo, JobState, LetterFilter, Queue, QueueError, RawId, Selection};

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
    pub job: JobInfo,
}

/// Goes through dead letters in the order of their deaths.
#[derive(Debug)]
pub struct Letters<'a> {
    queue: &'a Queue,
    selection: Selection,
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
            selection: selection.clone(),
            cutoff: seconds(cutoff_ms),
            last: None,
        }
    }

    /// Goes through the newest letters that are dead by now, `most` of them, in the order of their deaths.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn newest_letters(
        &self,
        selection: &Selection,
        most: u64,
    ) -> Result<Letters<'_>, QueueError> {
        let mut letters = self.letters(selection, self.now_ms().await?);
        letters.last = match selection {
            Selection::All => self.died_before_the_last(most).await?,
            Selection::Group(group) => self.of_group_before_the_last(group, most).await?,
        };
        Ok(letters)
    }

    /// The letter before the last so many, if there is one.
    async fn died_before_the_last(&self, most: u64) -> Result<Option<(String, RawId)>, QueueError> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(&self.keys.dead).arg(most).arg(most);
        command.arg("REV").arg("WITHSCORES");
        let found: Vec<Vec<u8>> = self.link.command(&command).await?;
        Ok(match found.as_slice() {
            [id, died] => Some((
                String::from_utf8_lossy(died).into_owned(),
                RawId::from(id.clone()),
            )),
            _ => None,
        })
    }

    async fn of_group_before_the_last(
        &self,
        group: &str,
        most: u64,
    ) -> Result<Option<(String, RawId)>, QueueError> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(&self.keys.letters);
        command.arg(format!("({group}!")).arg(format!("[{group} "));
        command
            .arg("BYLEX")
            .arg("REV")
            .arg("LIMIT")
            .arg(most)
            .arg(1);
        let found: Vec<Vec<u8>> = self.link.command(&command).await?;
        // "<group> <time of death in ms, 13 digits> <id>" (part/groups.lua).
        let rest = found
            .first()
            .and_then(|member| member.get(group.len() + 1..));
        let died = rest.and_then(|rest| std::str::from_utf8(rest.get(..13)?).ok());
        let died = died.and_then(|died| died.parse().ok());
        let id = rest.and_then(|rest| rest.get(14..));
        let id = id.map(|id| RawId::from(id.to_vec()));
        Ok(died.map(seconds).zip(id))
    }
}

impl WholeLetter {
    /// Whether it is meant; of how many there are, it knows nothing.
    #[must_use]
    pub fn is_of(&self, filter: &LetterFilter) -> bool {
        filter.means(&self.job, self.kind.as_deref())
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
            .on(&[
                &k.dead,
                &k.groups,
                &k.records,
                &k.data,
                &k.letters,
                &k.deliveries,
            ])
            .arg(died)
            .arg(id)
            .arg(&self.cutoff)
            .arg(PAGE)
            .arg(self.selection.group())
            .run(&self.queue.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let mut page = Vec::new();
        while !answer.is_empty() {
            let (id, died): (RawId, String) = (answer.id()?, answer.next()?);
            let group: Option<Vec<u8>> = answer.next()?;
            let (value, too_large) = answer.value()?;
            let packed: Option<Vec<u8>> = answer.next()?;
            let delivery: Option<Vec<u8>> = answer.next()?;
            let (header, payload) = match value.map(split) {
                Some((header, payload)) => (header, Some(payload)),
                None => (None, None),
            };
            let record = Fields::of_job(header, packed.as_deref());
            self.last = Some((died.clone(), id.clone()));
            let mut letter = whole(id, died, group.as_deref(), payload, &record);
            letter.job.too_large = too_large;
            letter.job.delivery =
                Delivery::read(record.text("msg").map(str::to_owned), delivery.as_deref());
            page.push(letter);
        }
        Ok(page)
    }
}

fn whole(
    id: RawId,
    died: String,
    group: Option<&[u8]>,
    payload: Option<Vec<u8>>,
    record: &Fields,
) -> WholeLetter {
    let group = group.and_then(Group::read);
    let described = group.is_some();
    let (kind, cause) = group.map_or((None, None), |group| (group.kind, Some(group.cause)));
    let text = |name: &str| record.text(name).map(str::to_owned);
    let moments = Moments {
        token: None,
        due: None,
        died: died.parse().ok(),
    };
    let mut job = from_record(id, JobState::Dead, payload, record, moments);
    if job.group.is_some() && !described {
        job.is_broken(NO_GROUP);
    }
    WholeLetter {
        cause,
        kind,
        first_due_ms: text("due")
            .or_else(|| text("at"))
            .and_then(|ms| ms.parse().ok())
            .or_else(|| Some(job.id.job_id()?.timestamp_ms())),
        expires_at_ms: text("exp").and_then(|ms| ms.parse().ok()),
        traceparent: text("traceparent"),
        tracestate: text("tracestate"),
        job,
        died,
    }
}

impl Queue {
    /// A dead letter that was looked up, whole.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn whole(&self, job: JobInfo) -> Result<WholeLetter, QueueError> {
        let of_job = |key: &str| {
            let mut command = redis::cmd("HGET");
            command.arg(key).arg(job.id.as_bytes());
            command
        };
        let value = self.link.command(&of_job(&self.keys.data)).await;
        let value: Option<Vec<u8>> = or_none(value)?;
        let packed = self.link.command(&of_job(&self.keys.records)).await;
        let packed: Option<Vec<u8>> = or_none(packed)?;
        let header = value.and_then(|value| Some(Header::read(&value)?.0));
        let record = Fields::of_job(header, packed.as_deref());
        let group = match &job.group {
            Some(group) => {
                let mut command = redis::cmd("HGET");
                command.arg(&self.keys.groups).arg(group);
                or_none(self.link.command(&command).await)?
            }
            None => None::<Vec<u8>>,
        };
        let died = seconds(job.ended_at_ms.unwrap_or_default());
        let mut letter = whole(job.id, died, group.as_deref(), job.payload, &record);
        letter.job.delivery = job.delivery;
        Ok(letter)
    }
}

/// A key of another type is as good as none.
fn or_none<T: Default>(answer: Result<T, QueueError>) -> Result<T, QueueError> {
    match answer {
        Err(error) if error.is_wrong_type() => Ok(T::default()),
        answer => answer,
    }
}

impl WholeLetter {
    /// When it died, in ms since the epoch.
    #[must_use]
    pub fn died_at_ms(&self) -> u64 {
        self.died.parse().map(to_ms).unwrap_or_default()
    }
}
