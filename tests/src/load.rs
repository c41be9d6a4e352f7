use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_client::{Client, ClientError, JobId};
use longshore_queue::Queue;
use tokio::task::JoinHandle;

use crate::{Stage, email, eventually};

/// A producer that keeps a few jobs ahead of the workers, whatever happens to Redis.
#[derive(Debug)]
#[must_use = "ended when it is dropped, and nobody knows then what was accepted"]
pub struct Load {
    over: Arc<AtomicBool>,
    producing: JoinHandle<Vec<JobId>>,
}

impl Load {
    /// Begins to produce.
    pub fn on(stage: &Stage) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let producing = produce(stage.client.clone(), stage.queue.clone(), Arc::clone(&over));
        Self {
            over,
            producing: tokio::spawn(producing),
        }
    }

    /// Lets no more jobs be produced.
    pub fn stop(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Ends it; returns the ids that were accepted.
    ///
    /// # Panics
    /// When a job was refused for another reason than Redis.
    pub async fn end(mut self) -> Vec<JobId> {
        self.stop();
        (&mut self.producing).await.expect("it does not panic")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.producing.abort();
    }
}

async fn produce(client: Client, queue: Queue, over: Arc<AtomicBool>) -> Vec<JobId> {
    let mut accepted = Vec::new();
    while !over.load(Ordering::Acquire) {
        match client.enqueue_all((0..50).map(email)).await {
            Ok(ids) => accepted.extend(ids),
            // Redis went away in the middle of the call: those in doubt may run, and are not counted as accepted.
            Err(ClientError::Interrupted { accepted: told, .. }) => {
                accepted.extend(told.into_iter().map(|(_, job)| job.id));
            }
            // Redis is away for longer than the client tries, or it refuses: these are not accepted.
            Err(ClientError::Queue(_) | ClientError::Away { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        eventually("the workers keep up", || async {
            let stats = queue.stats().await;
            over.load(Ordering::Acquire) || stats.is_ok_and(|stats| stats.pending < 100)
        })
        .await;
    }
    accepted
}
