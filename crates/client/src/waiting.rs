//! Waiting for the end of jobs: whoever settles one tells those who wait for it.

mod awaited;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{Channel, Link, Queue, Wakes};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::one_queue::OneQueue;
use crate::{ClientError, JobStatus};
use awaited::{Jobs, Told};

/// How often one looks by oneself: a message may be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The first look while nothing is heard, since the subscription does not stand.
const FIRST_LOOK: Duration = Duration::from_millis(5);

/// How long an enqueue waits for the subscription to stand, so that nothing is told before somebody listens.
const LISTEN_FIRST: Duration = Duration::from_secs(1);

/// How long is listened for what was told before the end, where the end was seen before it was heard.
const LISTEN_ON: Duration = Duration::from_millis(100);

/// The calls of one client that wait. Nothing is opened before the first one.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Option<Subscription>>);

struct Subscription {
    wakes: Arc<Wakes>,
    listening: JoinHandle<()>,
    of_queues: HashMap<String, (Channel, Arc<Jobs>)>,
}

/// A call that waits for a job.
pub(crate) struct Listening {
    channel: Channel,
    told: Told,
    /// The key that Redis was told with the channel; `None` before that.
    noted: Option<Option<String>>,
}

impl Listening {
    /// Notes in Redis who is to be told, where it does not know.
    async fn note(&mut self, queue: &Queue) -> Result<(), longshore_queue::QueueError> {
        let key = self.told.key();
        if self.noted.as_ref() != Some(&key) {
            let id = self.told.id;
            queue.tell_end(id, &self.channel, key.as_deref()).await?;
            self.noted = Some(key);
        }
        Ok(())
    }
}

impl Waiting {
    /// Listens for a job that is about to be enqueued: what its run tells those who wait is told once. Where that is not to be
    /// had, the end is waited for all the same.
    pub(crate) async fn listen(&self, of: &OneQueue, id: JobId, give_up: Instant) -> Listening {
        let mut listening = self.listening(&of.queue, id);
        let until = give_up.min(Instant::now() + LISTEN_FIRST);
        // The enqueue says whether Redis is away.
        let noted = timeout_at(until, of.once(listening.note(&of.queue))).await;
        if matches!(noted, Ok(Ok(()))) {
            listening.told.stands(until).await;
        }
        listening
    }

    fn listening(&self, queue: &Queue, id: JobId) -> Listening {
        let (channel, jobs) = self.subscribed(queue);
        Listening {
            channel,
            told: jobs.wait_for(id),
            noted: None,
        }
    }

    /// Waits until the job has ended, but not longer than until `give_up`. It has been accepted before. `listening`: since before
    /// that.
    pub(crate) async fn until_ended(
        &self,
        of: &OneQueue,
        id: JobId,
        give_up: Instant,
        listening: Option<Listening>,
    ) -> Result<JobStatus, ClientError> {
        let queue = &*of.queue;
        let mut listening = listening.unwrap_or_else(|| self.listening(queue, id));
        let mut pause = FIRST_LOOK;
        let mut source = None;
        loop {
            let looked = timeout_at(give_up, async {
                listening.note(queue).await?;
                queue.job(&id.into()).await
            });
            // The job is accepted: an outage of Redis is waited out.
            match looked.await {
                Ok(Ok(job)) => {
                    of.answered();
                    let status = job.map(|job| JobStatus::of(id, queue.name(), job));
                    if let Some(status) = status.filter(JobStatus::has_ended) {
                        return Ok(with_private_result(status, &listening.told).await);
                    }
                    source = None;
                }
                Ok(Err(error)) if error.is_outage() => {
                    // Redis may have forgotten who waits.
                    listening.noted = None;
                    source = Some(error);
                }
                Ok(Err(error)) => {
                    let source = Some(error);
                    return Err(ClientError::StillRunning { id, source });
                }
                Err(_) => {}
            }
            let now = Instant::now();
            if now >= give_up {
                return Err(ClientError::StillRunning { id, source });
            }
            let stands = listening.told.stands_now() && source.is_none();
            let look = if stands { LOOK_EVERY } else { pause };
            pause = (pause * 2).min(LOOK_EVERY);
            tokio::select! {
                () = listening.told.news() => {}
                () = sleep(look.min(give_up - now)) => {}
            }
        }
    }

    /// The channel of the queue. What listens ends with the runtime that it was begun in, and is begun anew.
    fn subscribed(&self, queue: &Queue) -> (Channel, Arc<Jobs>) {
        let mut subscription = lock(&self.0);
        let ended = |of: &Subscription| of.listening.is_finished();
        if subscription.as_ref().is_none_or(ended) {
            *subscription = Some(Subscription::begin(queue.link()));
        }
        let subscription = subscription.get_or_insert_with(|| Subscription::begin(queue.link()));
        let wakes = &subscription.wakes;
        let of_queue = subscription.of_queues.entry(queue.name().to_owned());
        let (channel, jobs) = of_queue.or_insert_with(|| {
            let jobs = Arc::new(Jobs::default());
            let told = Arc::clone(&jobs);
            let channel = wakes.channel(queue, move |heard| told.hear(heard));
            (channel, jobs)
        });
        (channel.clone(), Arc::clone(jobs))
    }
}

/// A completed job with what its run told those who wait. That was told before the end, on the same channel; who has seen the end
/// and not heard of it listens on for a moment.
async fn with_private_result(mut status: JobStatus, told: &Told) -> JobStatus {
    let until = Instant::now() + LISTEN_ON;
    while told.stands_now() && !told.heard_end() {
        if timeout_at(until, told.news()).await.is_err() {
            break;
        }
    }
    if status.state == longshore_queue::JobState::Completed {
        status.private_result = told.private_result();
    }
    status
}

impl Subscription {
    fn begin(link: &Link) -> Self {
        let wakes = Arc::new(Wakes::new(link));
        let listening = Arc::clone(&wakes);
        Self {
            wakes,
            // Where Redis does not let us listen, one looks by oneself.
            listening: tokio::spawn(async move { listening.run(|_| ()).await }),
            of_queues: HashMap::new(),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
