//! Putting jobs into the queue that wait elsewhere, such as in a table of the app's database: whoever carries them may die
//! between here and there, and bring the same job again.

use std::collections::BTreeMap;

use longshore_job::JobId;

use crate::enqueue::{Pushed, chunk_len};
use crate::{Enqueued, KeyTaken, NewJob, Queue, QueueError};

/// What became of a job that a carrier brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// It is in the queue, or was brought before.
    Enqueued(Enqueued),
    /// Its key stands for a job with other args: it was not enqueued.
    KeyTaken(KeyTaken),
}

impl Queue {
    /// Enqueues jobs as [`Queue::enqueue`] does, but each id once only: an id that was carried is known for 25 hours, also when
    /// its job has ended and is forgotten. A job whose key stands for other args hinders no other.
    ///
    /// # Errors
    /// [`QueueError::Full`] when more jobs would wait than may; [`QueueError::NotCopied`] when too few replicas have them;
    /// or when Redis cannot be reached or refuses. Some may be enqueued by then: carrying all of them again is safe.
    pub async fn carry(&self, jobs: &[NewJob]) -> Result<Vec<Carried>, QueueError> {
        self.check_layout().await?;
        let mut came = BTreeMap::new();
        for hour in by_hour(jobs) {
            let mut rest = &hour[..];
            while !rest.is_empty() {
                let own: Vec<NewJob> = rest.iter().map(|place| jobs[*place].clone()).collect();
                let (now, later) = rest.split_at(chunk_len(&own));
                came.extend(self.carry_chunk(jobs, now).await?);
                rest = later;
            }
        }
        self.register().await;
        Ok(came.into_values().collect())
    }

    /// Carries the jobs at these places, all of one hour.
    async fn carry_chunk(
        &self,
        jobs: &[NewJob],
        places: &[usize],
    ) -> Result<Vec<(usize, Carried)>, QueueError> {
        let mut came = Vec::with_capacity(places.len());
        let mut places = places.to_vec();
        while !places.is_empty() {
            let chunk: Vec<NewJob> = places.iter().map(|place| jobs[*place].clone()).collect();
            match self.enqueue_chunk(&chunk, Pushed::Carried).await {
                Ok(enqueued) => {
                    self.carried_is_copied(&chunk).await?;
                    let enqueued = enqueued.into_iter().map(Carried::Enqueued);
                    came.extend(places.into_iter().zip(enqueued));
                    break;
                }
                // Nothing of the call was enqueued: the others are, without these.
                Err(QueueError::KeyTaken(taken)) => {
                    let before = places.len();
                    for mut key in taken.into_iter().rev() {
                        if key.place < places.len() {
                            key.place = places.remove(key.place);
                            came.push((key.place, Carried::KeyTaken(key)));
                        }
                    }
                    if places.len() == before {
                        return Err(QueueError::unexpected("a key was taken that no job has"));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(came)
    }
}

/// Their places, by the hour in which their ids were made.
fn by_hour(jobs: &[NewJob]) -> impl Iterator<Item = Vec<usize>> {
    let mut hours: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (place, job) in jobs.iter().enumerate() {
        hours.entry(hour_of(job.id)).or_default().push(place);
    }
    hours.into_values()
}

/// The hour since the epoch in which an id was made. An id always has the same.
pub(crate) fn hour_of(id: JobId) -> u64 {
    id.timestamp_ms() / 3_600_000
}
