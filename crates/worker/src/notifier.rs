//! Hands notices on: of each that waits in the queue it makes a job in the queue that delivers them.
//!
//! The two are different hash slots. So a notice is removed after its job was enqueued, and the job's id follows from the
//! notice: whoever dies in between leaves a notice whose job is known.

pub(crate) mod state;

use std::sync::Arc;
use std::time::Duration;

use longshore_queue::{EnqueuedBy, Lane, NewJob, Queue, QueueError, RunAt, WaitingNotice};
use tokio::time::sleep;

use crate::station::Station;
use state::NoticeDelivery;

/// At most so many are handed on in one step.
const STEP: usize = 250;

/// How long until it is tried again after Redis refused, or too many jobs waited to be delivered.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The loop. It sleeps until an outcome of this process was written that is noticed, or until the claimer's look for work, or the
/// keeper's beat, finds a notice: an idle process asks Redis nothing for it. Ends by being aborted.
pub(crate) async fn run(station: Arc<Station>) {
    let mut failing = false;
    loop {
        station.notifier.0.notified().await;
        let Some((delivery, to)) = &station.notices else {
            continue;
        };
        loop {
            match hand_on(&station.queue, *delivery, to).await {
                Ok(0) => break,
                Ok(_) => failing = false,
                Err(error) => {
                    if !failing {
                        tracing::warn!(queue = station.queue.name(), to = to.name(), %error, "notices wait to be handed on: it is tried again each second");
                        failing = true;
                    }
                    sleep(TRY_AGAIN).await;
                }
            }
        }
    }
}

/// One step. Returns how many notices there were.
async fn hand_on(queue: &Queue, delivery: NoticeDelivery, to: &Queue) -> Result<usize, QueueError> {
    let waiting = queue.notices(STEP).await?;
    let job = |waiting: &WaitingNotice| {
        let notice = waiting.notice.as_ref()?;
        // What was noted by others, or for a configuration of before, may not be wanted.
        let wanted = queue.wanted_notices().is_some_and(|wanted| {
            wanted.wants(&notice.notice_type) && wanted.wants_kind(notice.kind.as_deref())
        });
        wanted.then(|| NewJob {
            id: waiting.delivery_id(),
            payload: (delivery.payload)(notice),
            run_at: RunAt::Now,
            key: None,
            expires_in: None,
            traceparent: None,
            tracestate: None,
            lane: Lane::default(),
            tags: Vec::new(),
            by: Some(EnqueuedBy::Job(notice.job.clone())),
        })
    };
    let jobs: Vec<NewJob> = waiting.iter().filter_map(job).collect();
    if !jobs.is_empty() {
        to.carry(&jobs).await?;
    }
    queue.remove_notices(&waiting).await?;
    Ok(waiting.len())
}
