//! Waiting for the end of jobs: whoever settles one tells those who wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{Channel, Heard, Link, Queue, Wakes};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::one_queue::OneQueue;
use crate::{ClientError, JobStatus};

/// How often one looks by oneself: a message may be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The first look while nothing is heard, since the subscription does not stand.
const FIRST_LOOK: Duration = Duration::from_millis(5);

/// The calls of one client that wait. Nothing is opened before the first one.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Option<Subscription>>);

struct Subscription {
    wakes: Arc<Wakes>,
    listening: JoinHandle<()>,
    of_queues: HashMap<String, (Channel, Arc<Jobs>)>,
}

/// The jobs of one queue that somebody waits for, with how many do.
#[derive(Default)]
struct Jobs(Mutex<HashMap<JobId, (usize, Arc<Notify>)>>);

impl Waiting {
    /// Waits until the job has ended, but not longer than until `give_up`. It has been accepted before.
    pub(crate) async fn until_ended(
        &self,
        of: &OneQueue,
        id: JobId,
        give_up: Instant,
    ) -> Result<JobStatus, ClientError> {
        let queue = &*of.queue;
        let (wakes, channel, jobs) = self.subscribed(queue);
        let told = jobs.wait_for(id);
        let mut pause = FIRST_LOOK;
        let (mut asked, mut source) = (false, None);
        loop {
            let looked = timeout_at(give_up, async {
                if !asked {
                    queue.tell_end(id, &channel).await?;
                    asked = true;
                }
                queue.job(&id.into()).await
            });
            // The job is accepted: an outage of Redis is waited out.
            match looked.await {
                Ok(Ok(job)) => {
                    of.answered();
                    let status = job.map(|job| JobStatus::of(id, queue.name(), job));
                    if let Some(status) = status.filter(JobStatus::has_ended) {
                        return Ok(status);
                    }
                    source = None;
                }
                Ok(Err(error)) if error.is_outage() => {
                    // Redis may have forgotten who waits.
                    asked = false;
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
            let stands = wakes.stands() && source.is_none();
            let look = if stands { LOOK_EVERY } else { pause };
            pause = (pause * 2).min(LOOK_EVERY);
            tokio::select! {
                () = told.notify.notified() => {}
                () = sleep(look.min(give_up - now)) => {}
            }
        }
    }

    /// The channel of the queue. What listens ends with the runtime that it was begun in, and is begun anew.
    fn subscribed(&self, queue: &Queue) -> (Arc<Wakes>, Channel, Arc<Jobs>) {
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
        (Arc::clone(wakes), channel.clone(), Arc::clone(jobs))
    }
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

impl Jobs {
    fn wait_for(self: &Arc<Self>, id: JobId) -> Told {
        let mut jobs = lock(&self.0);
        let (waiting, notify) = jobs.entry(id).or_default();
        *waiting += 1;
        Told {
            id,
            notify: Arc::clone(notify),
            jobs: Arc::clone(self),
        }
    }

    fn hear(&self, heard: Heard) {
        let jobs = lock(&self.0);
        match heard {
            Heard::Ended(id) => {
                if let Some((_, notify)) = jobs.get(&id) {
                    notify.notify_waiters();
                    notify.notify_one();
                }
            }
            // It stands, or stands no more: everybody looks.
            Heard::Work | Heard::Broken | Heard::Stop => {
                for (_, notify) in jobs.values() {
                    notify.notify_one();
                }
            }
        }
    }
}

/// One who waits for a job.
struct Told {
    id: JobId,
    notify: Arc<Notify>,
    jobs: Arc<Jobs>,
}

impl Drop for Told {
    fn drop(&mut self) {
        let mut jobs = lock(&self.jobs.0);
        if let Some((waiting, _)) = jobs.get_mut(&self.id) {
            *waiting -= 1;
            if *waiting == 0 {
                jobs.remove(&self.id);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
