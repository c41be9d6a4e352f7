//! Waiting for work without asking all the time.

use std::time::Duration;

use redis::Value;

use crate::claim::until;
use crate::value::{Reply, read};
use crate::{Queue, QueueError};

/// What an idle look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peek {
    /// Jobs wait, or are due.
    pub work: bool,
    /// How long until the next scheduled job is due.
    pub next_due: Option<Duration>,
    /// How many jobs run in the whole fleet.
    pub running: u64,
    /// A replay operation is to be carried on.
    pub replays: bool,
    /// The application is to be told of jobs ([`Queue::notices`]).
    pub notices: bool,
}

impl Queue {
    /// Looks whether there is work, without a script: this is what an idle process asks each second, since a plain
    /// apalis program gives no signal. One command while nothing is scheduled or running.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn peek(&self, something_scheduled: bool) -> Result<Peek, QueueError> {
        let k = &self.keys;
        if !something_scheduled {
            let found: u8 = self
                .link
                .command(
                    redis::cmd("EXISTS")
                        .arg(&k.active)
                        .arg(&k.lanes)
                        .arg(&k.sought)
                        .arg(&k.scheduled)
                        .arg(&k.inflight)
                        .arg(&k.open_replays)
                        .arg(&k.notices),
                )
                .await?;
            if found == 0 {
                return Ok(Peek {
                    work: false,
                    next_due: None,
                    running: 0,
                    replays: false,
                    notices: false,
                });
            }
        }
        let mut pipeline = redis::pipe();
        pipeline
            .cmd("TIME")
            // Three questions in one command: an open replay is counted twice, and what waits four times.
            .cmd("EXISTS")
            .arg([&k.active[..], &k.lanes, &k.sought].repeat(4))
            .arg([&k.open_replays[..]].repeat(2))
            .arg(&k.notices)
            .cmd("HLEN")
            .arg(&k.inflight)
            .cmd("ZRANGE")
            .arg(&k.scheduled)
            .arg(0)
            .arg(0)
            .arg("WITHSCORES");
        let (time, found, running, head): (Vec<u64>, u8, u64, Value) =
            self.link.pipeline(&pipeline).await?;
        let [secs, micros] = time[..] else {
            return Err(QueueError::unexpected("TIME"));
        };
        let mut head = Reply::new(head)?;
        let next_due = if head.is_empty() {
            None
        } else {
            head.id()?;
            let due: f64 = read(head.next::<Value>()?)?;
            Some(until(due, secs * 1000 + micros / 1000))
        };
        Ok(Peek {
            work: found >= 4 || next_due.is_some_and(|due| due.is_zero()),
            next_due,
            running,
            replays: found & 2 != 0,
            notices: found & 1 != 0,
        })
    }
}
