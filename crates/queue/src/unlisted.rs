//! What other programs have written wrongly without an error of Redis: jobs that nothing will ever run.

use std::collections::HashSet;
use std::time::Duration;

use redis::Value;
use tokio::time::Instant;

use crate::claim::ids;
use crate::inspect::NO_TIME;
use crate::value::Reply;
use crate::{Queue, QueueError, RawId, script};

/// So many suspects are remembered, and so many waiting ids are read.
const MOST: usize = 100_000;

/// So many suspects are looked at one by one.
const MOST_CONFIRMED: usize = 100;

/// So many waiting ids are read at once.
const PAGE: usize = 1000;

impl Queue {
    /// How many jobs wait for a time that is no date in unix seconds: one in milliseconds, or infinity. They stay
    /// `scheduled` for ever.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn never_due(&self) -> Result<u64, QueueError> {
        let mut count = redis::cmd("ZCOUNT");
        count.arg(&self.keys.scheduled).arg(NO_TIME).arg("+inf");
        self.link.command(&count).await
    }

    /// Jobs that another program has written into `data` and listed nowhere, at most a hundred. Of a queue with many jobs only
    /// as many are looked at as `budget` allows.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn unlisted(&self, budget: Duration) -> Result<Vec<RawId>, QueueError> {
        let mut suspects = self.unseen(Instant::now() + budget).await?;
        if suspects.is_empty() {
            return Ok(suspects);
        }
        let waiting = self.waiting().await?;
        suspects.retain(|id| !waiting.contains(id));
        let mut unlisted = Vec::new();
        for id in suspects.into_iter().take(MOST_CONFIRMED) {
            // It may have been pushed by now, or claimed.
            if self.job(&id).await?.is_some_and(|job| job.unlisted) {
                unlisted.push(id);
            }
        }
        Ok(unlisted)
    }

    /// The jobs of other programs that no worker has seen.
    async fn unseen(&self, until: Instant) -> Result<Vec<RawId>, QueueError> {
        let (mut cursor, mut unseen) = ("0".to_owned(), Vec::new());
        loop {
            let call = script::UNLISTED.on(&[&self.keys.data]).arg(&cursor);
            let mut answer = Reply::new(call.run::<Value>(&self.link).await?)?;
            cursor = answer.next()?;
            unseen.extend(ids(answer.next()?)?);
            if cursor == "0" || unseen.len() >= MOST || Instant::now() >= until {
                return Ok(unseen);
            }
        }
    }

    /// The ids in the waiting list.
    async fn waiting(&self) -> Result<HashSet<RawId>, QueueError> {
        let mut waiting = HashSet::new();
        for from in (0..MOST).step_by(PAGE) {
            let mut page = redis::cmd("LRANGE");
            page.arg(&self.keys.active).arg(from).arg(from + PAGE - 1);
            let page = ids(self.link.command(&page).await?)?;
            let last = page.len() < PAGE;
            waiting.extend(page);
            if last {
                break;
            }
        }
        Ok(waiting)
    }
}
