//! Waiting for heartbeats.

use longshore_queue::QueueError;
use longshore_tests::eventually;

use super::Bench;

impl Bench {
    /// Waits until the worker has beaten twice from now.
    pub async fn beats_twice(&self) {
        let mut look = redis::cmd("ZRANGE");
        let workers = &self.queue.keys().workers;
        look.arg(workers).arg(0).arg(0).arg("WITHSCORES");
        let last_beat = async || -> Result<Vec<(String, f64)>, QueueError> {
            self.queue.link().command(&look).await
        };
        for _ in 0..2 {
            let before = last_beat().await.expect("looks");
            let is_newer = |last: Result<Vec<_>, _>| last.is_ok_and(|last| last != before);
            eventually("it beats", || async { is_newer(last_beat().await) }).await;
        }
    }
}
