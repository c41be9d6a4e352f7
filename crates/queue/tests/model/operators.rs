//! What operators do.

use longshore_queue::RawId;

use crate::model::JobNo;
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
}
