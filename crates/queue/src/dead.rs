//! Dead letters: never dropped, they leave only by replay or by an operator's discard.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use longshore_job::Cause;
use redis::Value;

use crate::claim::ids;
use crate::enqueue::millis;
use crate::group::Group;
use crate::header::Header;
use crate::held::Held;
use crate::inspect::{Moments, from_record, to_ms};
use crate::script::{self, ScriptCall};
use crate::value::{Fields, Reply};
use crate::{Delivery, Growth, JobInfo, JobState, LetterFilter, Queue, QueueError, RawId, Signed};

/// At most so many letters are touched in one call: Redis serves nobody else meanwhile.
pub(crate) const STEP: usize = 1000;

/// How many letters are read in one call, with their histories.
const PAGE: usize = 200;

/// Why a letter is broken whose group is not described.
pub(crate) const NO_GROUP: &str = "what its group died of cannot be read";

/// Dead letters with one cause.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadGroup {
    /// Its id: 12 hex digits, the same for the same cause on any day.
    pub id: String,
    /// The kind of its jobs; `None` where payloads do not say.
    pub kind: Option<String>,
    /// What they died of; `None` where that cannot be read.
    pub cause: Option<Cause>,
    /// How many there are.
    pub count: u64,
    /// When the first died, in ms since the epoch.
    pub first_at_ms: u64,
    /// When the last died, in ms since the epoch.
    pub last_at_ms: u64,
    /// When it grew, and with which version of a worker it began; `None` where that cannot be read.
    pub growth: Option<Growth>,
    /// Why it cannot be read, if it cannot.
    pub broken: Option<String>,
}

/// A dead letter.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// When it died, in ms since the epoch.
    pub died_at_ms: u64,
    /// The kind of its group; `None` where its payload does not say.
    pub kind: Option<String>,
    /// The job, without its payload.
    pub job: JobInfo,
}

impl DeadLetter {
    /// Whether it is meant; of how many there are, it knows nothing.
    #[must_use]
    pub fn is_of(&self, filter: &LetterFilter) -> bool {
        filter.means(&self.job, self.kind.as_deref())
    }
}

/// Which dead letters are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of the queue.
    All,
    /// Those of one group.
    Group(String),
}

/// As operations and the audit have it: `all`, or `group:<group>`.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Group(group) => write!(f, "group:{group}"),
        }
    }
}

impl FromStr for Selection {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.strip_prefix("group:") {
            Some(group) => Ok(Self::Group(group.to_owned())),
            None if text == "all" => Ok(Self::All),
            None => Err(()),
        }
    }
}

impl Queue {
    /// The groups of dead letters, in time proportional to their number.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn dead_groups(&self) -> Result<Vec<DeadGroup>, QueueError> {
        let value: Value = script::DEAD_GROUPS
            .on(&[&self.keys.letters, &self.keys.groups])
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let now: u64 = answer.next()?;
        let mut groups = Vec::new();
        while !answer.is_empty() {
            let (id, value): (String, Vec<u8>) = (answer.shown()?, answer.next()?);
            let count: i64 = answer.next()?;
            let (first, last): (Option<f64>, Option<f64>) = (answer.number()?, answer.number()?);
            let group = Group::read(&value);
            let broken = match (&group, u64::try_from(count)) {
                (_, Err(_)) => Some("its letters are of another type"),
                (None, _) => Some("what its letters died of cannot be read"),
                _ => None,
            };
            let (kind, cause) = group.map_or((None, None), |group| (group.kind, Some(group.cause)));
            groups.push(DeadGroup {
                id,
                kind,
                cause,
                count: u64::try_from(count).unwrap_or_default(),
                first_at_ms: first.map(to_ms).unwrap_or_default(),
                last_at_ms: last.map(to_ms).unwrap_or_default(),
                growth: Group::growth(&value, now),
                broken: broken.map(str::to_owned),
            });
        }
        Ok(groups)
    }

    /// Dead letters, newest first, at most `limit`, from the last `since` if given.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn dead_letters(
        &self,
        selection: &Selection,
        since: Option<Duration>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let all = LetterFilter::default();
        self.dead_letters_of(selection, &all, since, limit).await
    }

    /// Those of them that are meant.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn dead_letters_of(
        &self,
        selection: &Selection,
        filter: &LetterFilter,
        since: Option<Duration>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let mut letters = Vec::new();
        let mut looked = 0;
        while letters.len() < limit {
            let want = match filter.looked_for().is_empty() {
                true => PAGE.min(limit - letters.len()),
                false => PAGE,
            };
            let value: Value = script::DEAD_LIST
                .on(&[
                    &self.keys.dead,
                    &self.keys.groups,
                    &self.keys.records,
                    &self.keys.data,
                    &self.keys.letters,
                    &self.keys.deliveries,
                ])
                .arg(
                    since
                        .map(|since| millis(since).to_string())
                        .unwrap_or_default(),
                )
                .arg(looked)
                .arg(want)
                .arg(selection.group())
                .run(&self.link)
                .await?;
            let mut answer = Reply::new(value)?;
            let _now: u64 = answer.next()?;
            let more = answer.next::<u8>()? == 1;
            let before = looked;
            while !answer.is_empty() {
                let id = answer.id()?;
                let died: Option<f64> = answer.number()?;
                let group: Option<Vec<u8>> = answer.next()?;
                let group = group.as_deref().and_then(Group::read);
                let (header, packed): (Option<Vec<u8>>, Option<Vec<u8>>) =
                    (answer.next()?, answer.next()?);
                let delivery: Option<Vec<u8>> = answer.next()?;
                let header = header.and_then(|header| Some(Header::read(&header)?.0));
                let record = Fields::of_job(header, packed.as_deref());
                let moments = Moments {
                    token: None,
                    due: None,
                    died,
                };
                let mut job = from_record(id, JobState::Dead, None, &record, moments);
                job.delivery =
                    Delivery::read(record.text("msg").map(str::to_owned), delivery.as_deref());
                if job.group.is_some() && group.is_none() {
                    job.is_broken(NO_GROUP);
                }
                let letter = DeadLetter {
                    died_at_ms: died.map(to_ms).unwrap_or_default(),
                    kind: group.and_then(|group| group.kind),
                    job,
                };
                looked += 1;
                if letters.len() < limit && letter.is_of(filter) {
                    letters.push(letter);
                }
            }
            if looked - before < want && !more {
                break;
            }
        }
        Ok(letters)
    }

    /// How many dead letters are meant.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn count_dead(&self, selection: &Selection) -> Result<u64, QueueError> {
        let command = match selection {
            Selection::All => redis::cmd("ZCARD").arg(&self.keys.dead).take(),
            Selection::Group(group) => redis::cmd("ZLEXCOUNT")
                .arg(&self.keys.letters)
                .arg(format!("[{group} "))
                .arg(format!("({group}!"))
                .take(),
        };
        self.link.command(&command).await
    }

    /// Removes dead letters for good. Returns those that are gone.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn discard(
        &self,
        wanted: &[RawId],
        signed: &Signed,
    ) -> Result<Vec<RawId>, QueueError> {
        let mut gone = Vec::new();
        for chunk in wanted.chunks(STEP) {
            let deed = Deed {
                act: "",
                target: String::new(),
                signed,
            };
            let which = |mut call: ScriptCall| {
                call = call.arg("ids");
                for id in chunk {
                    call = call.arg(id.as_bytes());
                }
                call
            };
            gone.extend(self.discarding(&deed, which).await?);
        }
        Ok(gone)
    }

    /// Removes dead letters for good, each only if it is the one that died at this time, as
    /// [`WholeLetter::died`](crate::WholeLetter::died) has it. `target` is what the audit calls them. Returns how many are gone.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn discard_same(
        &self,
        wanted: &[(RawId, String)],
        target: &impl fmt::Display,
        act: &str,
        signed: &Signed,
    ) -> Result<usize, QueueError> {
        let mut gone = 0;
        for chunk in wanted.chunks(STEP) {
            let which = |mut call: ScriptCall| {
                call = call.arg("same");
                for (id, died) in chunk {
                    call = call.arg(id.as_bytes()).arg(died);
                }
                call
            };
            let deed = Deed {
                act,
                target: target.to_string(),
                signed,
            };
            gone += self.discarding(&deed, which).await?.len();
        }
        Ok(gone)
    }

    /// Removes what other programs wrote beside the payloads of these jobs, which are gone: of one that never had a payload, or
    /// too large a one, nobody has taken it in.
    pub(crate) async fn forget_pushed(&self, gone: Vec<RawId>) -> Result<Vec<RawId>, QueueError> {
        if !gone.is_empty() {
            let mut command = redis::cmd("UNLINK");
            for id in &gone {
                command.arg(self.keys.pushed(id));
            }
            self.link.command::<u64>(&command).await?;
        }
        Ok(gone)
    }

    /// One call of `discard.lua`, and another with the idempotency keys that it finds to be touched. `which`: adds which
    /// letters are meant.
    async fn discarding(
        &self,
        deed: &Deed<'_>,
        which: impl Fn(ScriptCall) -> ScriptCall,
    ) -> Result<Vec<RawId>, QueueError> {
        let k = &self.keys;
        let of_queue = [
            &*k.dead, &k.letters, &k.groups, &k.records, &k.data, &k.stats, &k.audit, &k.lane,
        ];
        let mut held = Held::default();
        loop {
            let call = held
                .on(k, &script::DISCARD, &of_queue)
                .arg(&deed.signed.by)
                .arg(&deed.signed.reason)
                .arg(deed.act)
                .arg(&deed.target)
                .arg(millis(self.keep));
            let mut answer = Reply::new(which(held.name(call)).run(&self.link).await?)?;
            let word: String = answer.next()?;
            if !held.are_missing(&word, &mut answer)? {
                return self.forget_pushed(ids(answer.next()?)?).await;
            }
        }
    }
}

/// What the audit is told of a discard.
struct Deed<'a> {
    act: &'a str,
    /// Empty: the letters are named.
    target: String,
    signed: &'a Signed,
}

impl Selection {
    /// Those of it that are meant, in words; empty for all of it.
    pub(crate) fn words(&self, only: &LetterFilter) -> String {
        match (only.is_all(), self) {
            (true, _) => String::new(),
            (false, Self::All) => only.to_string(),
            (false, Self::Group(group)) => format!("group {group}, {only}"),
        }
    }

    /// The group as scripts take it: empty for all.
    pub(crate) fn group(&self) -> &str {
        match self {
            Self::All => "",
            Self::Group(group) => group,
        }
    }
}

/// A time of death as it stands in Redis.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
