//! What the fleet remembers for one run: in its queue's Redis.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_job::{Earlier, JobId, Memory, Recalling, Unremembered};
use longshore_queue::{Queue, QueueError};

pub(crate) struct QueueMemory {
    queue: Queue,
    job: JobId,
}

impl QueueMemory {
    pub(crate) fn new(queue: Queue, job: JobId) -> Self {
        Self { queue, job }
    }
}

impl Memory for QueueMemory {
    fn earlier(&self) -> Recalling<'_, Earlier> {
        Box::pin(async {
            let past = self.queue.past(self.job).await.map_err(unremembered)?;
            Ok(Earlier {
                after: time(past.after_ms),
                before: time(past.before_ms),
                now: time(past.now_ms),
                message: past.message,
            })
        })
    }

    fn own<'a>(&'a self, message: &'a str) -> Recalling<'a, bool> {
        let owned = self.queue.own(message, self.job);
        Box::pin(async { owned.await.map_err(unremembered) })
    }

    fn recall<'a>(&'a self, key: &'a str) -> Recalling<'a, Option<Vec<u8>>> {
        let recalled = self.queue.recall(key);
        Box::pin(async { recalled.await.map_err(unremembered) })
    }

    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> Recalling<'a, ()> {
        let kept = self.queue.keep(key, value, time);
        Box::pin(async { kept.await.map_err(unremembered) })
    }
}

fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands in `map_err`, which hands the error over"
)]
fn unremembered(error: QueueError) -> Unremembered {
    Unremembered(error.to_string())
}
