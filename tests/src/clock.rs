//! The clock is moved, so that flows need not wait for what only time brings, nor shorten what is shipped.

use std::time::Duration;

use longshore_client::{JobId, JobState};

use crate::{Stage, eventually};

impl Stage {
    /// Makes scheduled and retryable jobs due now, instead of waiting for their time.
    ///
    /// # Panics
    /// When Redis is away.
    pub async fn back_date(&self) {
        let scheduled = &self.queue.keys().scheduled;
        let mut into = redis::cmd("ZUNIONSTORE");
        // Weight 0: due in 1970.
        into.arg(scheduled).arg(1).arg(scheduled);
        into.arg("WEIGHTS").arg(0);
        let _: u64 = self.queue.link().command(&into).await.expect("back-dates");
    }

    /// Moves the clock for one job that waits or is to run: all its times are this much earlier.
    ///
    /// # Panics
    /// When Redis is away.
    pub async fn back_date_job(&self, id: JobId, by: Duration) {
        let keys = self.queue.keys();
        let link = self.queue.link();
        let moved = self.queue.back_date(&id.into(), by).await;
        moved.expect("back-dates");
        // Only where it waits for its time.
        let mut add = redis::cmd("ZADD");
        add.arg(&keys.scheduled).arg("XX").arg("INCR");
        add.arg(-by.as_secs_f64()).arg(id.to_string());
        let _: redis::Value = link.command(&add).await.expect("back-dates");
    }

    /// Moves the clock for one job to when it is due, if it waits for its time.
    ///
    /// # Panics
    /// When Redis is away.
    pub async fn comes_due(&self, id: JobId) {
        let Some(due) = self.job(id).await.next_run_at_ms else {
            return;
        };
        let now = self.queue.now_ms().await.expect("Redis's time");
        let wait = due.saturating_sub(now);
        if wait > 0 {
            self.back_date_job(id, Duration::from_millis(wait)).await;
        }
    }

    /// Waits until a job is in this state, and moves the clock over each wait of its schedule.
    ///
    /// # Panics
    /// When it does not come to it.
    pub async fn is_in_time(&self, id: JobId, state: JobState) {
        self.are_in_time(&[id], state).await;
    }

    /// Waits until all of these are in this state, and moves the clock over each wait of their schedules.
    ///
    /// # Panics
    /// When they do not come to it.
    pub async fn are_in_time(&self, ids: &[JobId], state: JobState) {
        eventually(
            &format!("{} jobs are {state} in time", ids.len()),
            || async {
                let mut there = true;
                for &id in ids {
                    if self.job(id).await.state != state {
                        self.comes_due(id).await;
                        there = false;
                    }
                }
                there
            },
        )
        .await;
    }

    /// Moves the clock for the breakers of its act's queue: what they hold back may go on.
    ///
    /// # Panics
    /// When Redis is away.
    pub async fn breakers_come_due(&self) {
        let (key, link) = (&self.queue.keys().breakers, self.queue.link());
        let all: Vec<(String, String)> = link
            .command(redis::cmd("HGETALL").arg(key))
            .await
            .expect("looks");
        for (provider, text) in all {
            // "<state> <epoch> <until> <made> <cap> <failures>"
            let mut words: Vec<_> = text.split(' ').map(str::to_owned).collect();
            let until: u64 = words[2].parse().expect("a time");
            let made: u64 = words[3].parse().expect("a time");
            let now = self.queue.now_ms().await.expect("Redis's time");
            let by = until.saturating_sub(now);
            words[2] = (until - by).to_string();
            words[3] = (made - by).to_string();
            let mut set = redis::cmd("HSET");
            set.arg(key).arg(provider).arg(words.join(" "));
            let _: u64 = link.command(&set).await.expect("back-dates");
        }
    }
}
