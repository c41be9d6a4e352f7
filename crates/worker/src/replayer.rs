//! Carries replay operations on, while one is open. Every process does; Redis says how much each step may move.

pub(crate) mod state;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::station::Station;

/// How long until Redis is asked again after it did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The loop. It sleeps until the claimer's look for work, or the keeper's beat, finds an open operation: an idle process
/// asks Redis nothing for it. Ends by being aborted.
pub(crate) async fn run(station: Arc<Station>) {
    let mut failing = false;
    loop {
        station.replayer.0.notified().await;
        while !station.is_stopping() {
            let wait = match station.queue.advance_operations().await {
                Ok(Some(wait)) => {
                    failing = false;
                    wait
                }
                Ok(None) => break,
                Err(error) => {
                    if !failing {
                        tracing::warn!(queue = station.queue.name(), %error, "a replay cannot be carried on: it is tried again each second");
                        failing = true;
                    }
                    ASK_AGAIN
                }
            };
            sleep(wait).await;
        }
    }
}
