//! What operators do.

use longshore_email::SendEmail;
use longshore_job::Prepared;
use longshore_queue::{Cancelled, Edit, Edited, JobState, RawId, Rescheduled, RunAt};

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
            Place::Completed => Cancelled::Completed,
            Place::Dead => Cancelled::Dead,
            Place::Cancelled => Cancelled::Already,
            Place::Gone => Cancelled::Unknown,
            _ if known.may_have_been_sent && !force => Cancelled::MayHaveBeenSent,
            Place::Running(_) => Cancelled::Asked,
            Place::Pending | Place::Scheduled(_) | Place::Retryable(_) => Cancelled::Yes,
        };
        agree(came[0], expected, "cancelled")?;
        match expected {
            Cancelled::Yes => self.model.cancel(job),
            Cancelled::Asked => self.model.ask_to_stop(job, force),
            _ => {}
        }
        Ok(())
    }

    pub(crate) async fn reschedule(&mut self, job: usize, later: bool) -> Taken {
        let Some(job) = job.checked_rem(self.jobs.len()) else {
            return Ok(());
        };
        let id = RawId::from(self.jobs[job].id);
        let run_at = match later {
            true => RunAt::In(self.later()),
            false => RunAt::Now,
        };
        let came = self.queue.reschedule(&id, run_at, &kari()).await;
        let expected = match (&self.model.jobs[job].place, later) {
            (Place::Pending, false) => Rescheduled::Same,
            (Place::Pending | Place::Scheduled(_) | Place::Retryable(_), _) => Rescheduled::Yes,
            _ => self.is_elsewhere(job),
        };
        agree(
            came.map_err(|error| error.to_string())?,
            expected,
            "rescheduled",
        )?;
        if expected == Rescheduled::Yes {
            self.model.reschedule(job, later.then(|| self.due()));
        }
        Ok(())
    }

    pub(crate) async fn run_now(&mut self, job: usize) -> Taken {
        let Some(job) = job.checked_rem(self.jobs.len()) else {
            return Ok(());
        };
        let id = RawId::from(self.jobs[job].id);
        let came = self.queue.run_now(&id, &kari()).await;
        let expected = match self.model.jobs[job].place {
            Place::Scheduled(_) | Place::Retryable(_) => Rescheduled::Yes,
            _ => self.is_elsewhere(job),
        };
        agree(came.map_err(|error| error.to_string())?, expected, "run")?;
        if expected == Rescheduled::Yes {
            self.model.reschedule(job, None);
        }
        Ok(())
    }

    fn is_elsewhere(&self, job: JobNo) -> Rescheduled {
        let state = self.model.jobs[job].state();
        state.map_or(Rescheduled::Unknown, Rescheduled::Elsewhere)
    }

    pub(crate) async fn edit(&mut self, job: usize, force: bool) -> Taken {
        let Some(job) = job.checked_rem(self.jobs.len()) else {
            return Ok(());
        };
        self.times += 1;
        let template = format!("edited-{}", self.times);
        let to = Prepared::new(&SendEmail::new(&template, "ada@example.com"));
        let to = to.expect("good").payload;
        let id = RawId::from(self.jobs[job].id);
        let edit = Edit {
            id: &id,
            from: &self.jobs[job].payload,
            to: &to,
            old_args: "{}",
            attempt: 1,
            force,
            only_dead: false,
        };
        let came = self.queue.edit(&edit, &kari()).await;
        let known = &self.model.jobs[job];
        let expected = match known.state() {
            None => Edited::Unknown,
            Some(state @ (JobState::Running | JobState::Completed | JobState::Cancelled)) => {
                Edited::Elsewhere(state)
            }
            Some(_) if known.may_have_been_sent && !force => Edited::OutcomeUnknown,
            Some(_) => Edited::Yes,
        };
        agree(came.map_err(|error| error.to_string())?, expected, "edited")?;
        if expected == Edited::Yes {
            self.jobs[job].payload = to;
        }
        Ok(())
    }
}
