//! What operators do.

use longshore_queue::{Cancelled, RawId};

use crate::model::{JobNo, Place};
use crate::support::kari;
use crate::world::{Taken, World, agree};

impl World {
    pub(crate) async fn pause(&mut self) -> Taken {
        let changed = self
            .queue
            .pause(&kari())
            .await
            .map_err(|error| error.to_string())?;
        let was = std::mem::replace(&mut self.model.paused, true);
        agree(changed, !was, "paused")
    }

    pub(crate) async fn resume(&mut self) -> Taken {
        let changed = self
            .queue
            .resume(&kari())
            .await
            .map_err(|error| error.to_string())?;
        let was = std::mem::replace(&mut self.model.paused, false);
        agree(changed, was, "resumed")
    }

    pub(crate) async fn replay(&mut self, letters: usize) -> Taken {
        let wanted: Vec<JobNo> = self.model.dead().into_iter().take(letters).collect();
        let ids: Vec<RawId> = wanted.iter().map(|job| self.jobs[*job].id.into()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let moved = self.queue.replay(&ids, &kari()).await;
        agree(
            moved.map_err(|error| error.to_string())?.len(),
            ids.len(),
            "replayed",
        )?;
        for job in wanted {
            self.model.replay(job);
        }
        Ok(())
    }

    pub(crate) async fn discard(&mut self, letter: usize) -> Taken {
        let dead = self.model.dead();
        let Some(place) = letter.checked_rem(dead.len()) else {
            return Ok(());
        };
        let id = RawId::from(self.jobs[dead[place]].id);
        let gone = self.queue.discard(&[id], &kari()).await;
        agree(
            gone.map_err(|error| error.to_string())?.len(),
            1,
            "discarded",
        )?;
        self.model.discard(dead[place]);
        Ok(())
    }

    pub(crate) async fn cancel(&mut self, job: usize, force: bool) -> Taken {
        let Some(job) = job.checked_rem(self.jobs.len()) else {
            return Ok(());
        };
        let id = RawId::from(self.jobs[job].id);
        let came = self.queue.cancel(&[id], force, &kari()).await;
        let came = came.map_err(|error| error.to_string())?;
        let known = &self.model.jobs[job];
        let expected = match known.place {
            Place::Pending | Place::Scheduled(_) | Place::Retryable(_) => {
                match known.may_have_been_sent && !force {
                    true => Cancelled::MayHaveBeenSent,
                    false => Cancelled::Yes,
                }
            }
            Place::Running(_) => Cancelled::Running,
            Place::Completed => Cancelled::Completed,
            Place::Dead => Cancelled::Dead,
            Place::Cancelled => Cancelled::Already,
            Place::Gone => Cancelled::Unknown,
        };
        agree(came[0], expected, "cancelled")?;
        if expected == Cancelled::Yes {
            self.model.cancel(job);
        }
        Ok(())
    }
}
