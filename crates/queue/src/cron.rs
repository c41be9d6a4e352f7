//! What Redis keeps of cron entries: up to when each one's ticks are dealt with.
//!
//! The marks live in the slot of the queue that the entries' jobs go to, so that moving a mark and enqueuing its ticks is
//! one script. There is no leader: every process looks, decides, and asks for its move to be made if nobody has made one
//! since. What a mark belongs to is an entry *with its schedule*: an entry whose expression or time zone was edited is a
//! new one, and begins now; while a fleet is deployed both go on side by side, and a tick that both have is enqueued once.

use std::time::Duration;

use longshore_job::{JobId, Priority};
use redis::Value;

use crate::enqueue::millis;
use crate::value::{Fields, Reply};
use crate::{Lane, Paused, Queue, QueueError, Signed, script};

/// Once in such a time of looking, it is noted which entries there are.
const ROUND: Duration = Duration::from_secs(60);

/// For how many rounds an entry is remembered that nobody has.
const ROUNDS_KEPT: u32 = 5;

/// What is known of a queue's cron entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronBook {
    /// Redis's time, in ms since the epoch.
    pub now_ms: u64,
    rounds: u64,
    fields: Fields,
    paused: Fields,
}

/// Up to when the ticks of an entry are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CronMark {
    /// That time, in ms since the epoch.
    pub until_ms: u64,
    /// It was noted lately that there is such an entry; else it is to be noted again.
    pub fresh: bool,
}

/// The last tick of an entry that was enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastTick {
    /// The tick, in ms since the epoch.
    pub tick_ms: u64,
    /// The job it became.
    pub job: String,
}

/// The job of a tick.
#[derive(Debug, Clone)]
pub struct TickJob {
    /// The tick, in ms since the epoch.
    pub tick_ms: u64,
    /// Its id.
    pub id: JobId,
    /// Its payload, checked.
    pub payload: Vec<u8>,
    /// After how long it is dead as expired instead of being run.
    pub expires_in: Option<Duration>,
    /// How urgent it is.
    pub priority: Priority,
}

/// A move of an entry's mark, with the jobs of the ticks that it passes.
#[derive(Debug, Clone, Copy)]
pub struct CronMove<'a> {
    /// The entry.
    pub entry: &'a str,
    /// Its schedule, with its time zone: the same text in every process that has the same.
    pub schedule: &'a str,
    /// The mark as it was seen; `None` = there was none.
    pub seen_ms: Option<u64>,
    /// Up to when its ticks are dealt with by this move, in ms since the epoch.
    pub until_ms: u64,
    /// The jobs, oldest tick first; at most 100.
    pub jobs: &'a [TickJob],
}

/// What a job was made by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronOrigin {
    /// The cron entry.
    pub entry: String,
    /// The tick, in ms since the epoch; by hand: when it was asked for.
    pub tick_ms: u64,
    /// An operator asked for it.
    pub by_hand: bool,
}

impl CronBook {
    /// One in which nothing is known, at this time.
    #[must_use]
    pub fn empty(now_ms: u64) -> Self {
        Self {
            now_ms,
            rounds: 0,
            fields: Fields::default(),
            paused: Fields::default(),
        }
    }

    /// The mark of an entry with this schedule; `None` when it is new.
    #[must_use]
    pub fn mark(&self, entry: &str, schedule: &str) -> Option<CronMark> {
        let text = self.fields.text(&format!("{entry} {schedule}"))?;
        let (until, rounds) = text.split_once(' ')?;
        Some(CronMark {
            until_ms: until.parse().ok()?,
            fresh: rounds
                .parse()
                .is_ok_and(|rounds: u64| rounds >= self.rounds),
        })
    }

    /// The last tick of an entry, with whichever schedule.
    #[must_use]
    pub fn last_tick(&self, entry: &str) -> Option<LastTick> {
        self.last_ticks(entry).into_iter().next()
    }

    /// The last five ticks of an entry, with whichever schedules, the newest first.
    #[must_use]
    pub fn last_ticks(&self, entry: &str) -> Vec<LastTick> {
        let text = self.fields.text(entry).unwrap_or_default();
        let words: Vec<&str> = text.split(' ').collect();
        let ticks = words.chunks_exact(2);
        // What follows something that cannot be read is no tick.
        ticks
            .map_while(|words| {
                Some(LastTick {
                    tick_ms: words[0].parse().ok()?,
                    job: words[1].to_owned(),
                })
            })
            .collect()
    }

    /// Who has stopped an entry, if somebody has. What cannot be read stops it, too.
    #[must_use]
    pub fn paused(&self, entry: &str) -> Option<Paused> {
        let value = self.paused.get(entry)?;
        let json = value.iter().position(|byte| *byte == b'{');
        let read = json.and_then(|from| serde_json::from_slice(&value[from..]).ok());
        Some(read.unwrap_or_else(Paused::unreadable))
    }

    /// There is something under the entry's name that is no tick.
    #[must_use]
    pub fn is_broken(&self, entry: &str) -> bool {
        self.fields.get(entry).is_some() && self.last_tick(entry).is_none()
    }

    /// When a process noted last that it looks after this queue's entries, in ms since the epoch; once a minute.
    #[must_use]
    pub fn looked_at_ms(&self) -> Option<u64> {
        let (_, at) = self.fields.text("*")?.split_once(' ')?;
        at.parse().ok()
    }
}

impl CronOrigin {
    /// Reads `<entry> <tick>` or `<entry> <tick> by hand`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        Some(Self {
            entry: words.next()?.to_owned(),
            tick_ms: words.next()?.parse().ok()?,
            by_hand: words.next().is_some(),
        })
    }
}

impl Queue {
    /// Looks at what is known of this queue's entries, as a process that looks after them.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn cron_look(&self) -> Result<CronBook, QueueError> {
        let value: Value = script::CRON_LOOK
            .on(&[
                &self.keys.cron,
                &self.keys.cron_ticks,
                &self.keys.cron_paused,
            ])
            .arg(millis(ROUND))
            .arg(ROUNDS_KEPT)
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        Ok(CronBook {
            now_ms: answer.next()?,
            rounds: answer.next()?,
            fields: answer.next()?,
            paused: answer.next()?,
        })
    }

    /// The same, without leaving a trace: for those who only want to know.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn cron_book(&self) -> Result<CronBook, QueueError> {
        let mut ask = redis::pipe();
        for key in [&self.keys.cron, &self.keys.cron_paused] {
            ask.cmd("HGETALL").arg(key);
        }
        // Where that cannot be read nothing ticks (`lua/cron_tick.lua`): then it is an error here, too.
        ask.cmd("HLEN").arg(&self.keys.cron_ticks).ignore();
        let (fields, paused): (Fields, Fields) = self.link.pipeline(&ask).await?;
        let rounds = fields.text("*").and_then(|round| round.split_once(' '));
        Ok(CronBook {
            now_ms: self.now_ms().await?,
            rounds: rounds
                .and_then(|(rounds, _)| rounds.parse().ok())
                .unwrap_or_default(),
            fields,
            paused,
        })
    }

    /// Moves an entry's mark and enqueues the jobs of the ticks that it passes, in one step. `None` when the mark is not
    /// as it was seen: then nothing was done, and somebody else has made the move, or this call's own answer was lost.
    /// Else the ids of those that were enqueued.
    ///
    /// # Errors
    /// [`QueueError::Full`] when too many jobs wait: nothing was done, and the ticks are still to come. When Redis cannot be reached or refuses.
    pub async fn cron_move(
        &self,
        book: &CronBook,
        to: CronMove<'_>,
    ) -> Result<Option<Vec<String>>, QueueError> {
        let k = &self.keys;
        let seen = to.seen_ms.map(|ms| ms.to_string()).unwrap_or_default();
        let mut call = script::CRON_TICK
            .on(&[
                &k.cron,
                &k.data,
                &k.active,
                &k.idle,
                &k.stats,
                &k.cron_ticks,
                &k.lanes,
                &k.lane,
                &k.tenants,
                &k.turns,
                &k.timeline,
                &k.scheduled,
                &k.cron_paused,
            ])
            .arg(to.entry)
            .arg(to.schedule)
            .arg(seen)
            .arg(to.until_ms)
            .arg(book.rounds);
        for job in to.jobs {
            let expires = job.expires_in.map(|life| millis(life).to_string());
            call = call
                .arg(job.tick_ms)
                .arg(job.id.to_string())
                .arg(&job.payload)
                .arg(expires.unwrap_or_default())
                .arg(Lane::of(job.priority).encode().unwrap_or_default());
        }
        let value: Value = call.run(&self.link).await?;
        let mut answer = Reply::new(value)?;
        let moved: u8 = answer.next()?;
        let ids: Vec<String> = answer.next()?;
        self.is_full(&mut answer)?;
        if !ids.is_empty() {
            self.register().await;
        }
        Ok((moved == 1).then_some(ids))
    }

    /// Stops an entry for the whole fleet: its ticks make no jobs, and are not made up for. Returns whether that changed
    /// anything: an earlier pause stays as it is. It is forgotten when no process has had such an entry for five minutes.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn cron_pause(&self, entry: &str, signed: &Signed) -> Result<bool, QueueError> {
        self.cron_gate("pause", entry, signed).await
    }

    /// Lets an entry tick again, from now on. Returns whether it was paused.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn cron_resume(&self, entry: &str, signed: &Signed) -> Result<bool, QueueError> {
        self.cron_gate("resume", entry, signed).await
    }

    async fn cron_gate(&self, act: &str, entry: &str, signed: &Signed) -> Result<bool, QueueError> {
        let k = &self.keys;
        let changed: u8 = script::CRON_PAUSE
            .on(&[&k.cron, &k.cron_paused, &k.audit])
            .arg(act)
            .arg(entry)
            .arg(&signed.by)
            .arg(&signed.reason)
            .run(&self.link)
            .await?;
        Ok(changed == 1)
    }

    /// Enqueues a job of an entry by hand. Its mark stays where it is. Repeating the call changes nothing. Waits for
    /// replicas as [`enqueue`](Self::enqueue) does. What ticks by itself need not: a Redis that forgets the job of a tick
    /// forgets with it that the tick was made.
    ///
    /// # Errors
    /// [`QueueError::NotCopied`] when it is in Redis and too few replicas have it; or when Redis cannot be reached or refuses.
    pub async fn cron_run(&self, entry: &str, job: &TickJob) -> Result<(), QueueError> {
        let nothing_known = CronBook::empty(job.tick_ms);
        let by_hand = CronMove {
            entry,
            schedule: "",
            seen_ms: None,
            until_ms: job.tick_ms,
            jobs: std::slice::from_ref(job),
        };
        self.cron_move(&nothing_known, by_hand).await?;
        self.job_is_copied(job.id).await
    }
}
