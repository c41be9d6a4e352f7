//! Jobs that another program pushes: a payload and an id in the waiting list, and no more, or what it wrote beside them.

use crate::world::{Taken, World};

impl World {
    pub(crate) async fn push(&mut self, with_meta: bool) -> Taken {
        let job = self.new_job(0, false, None);
        let keys = self.queue.keys();
        let id = job.id.to_string();
        let mut push = redis::pipe();
        push.atomic();
        if with_meta {
            let meta = format!("{}:{id}", keys.meta);
            let at = job.id.timestamp_ms();
            let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
            push.hset(&meta, "at", at)
                .hset(&meta, "traceparent", parent);
        }
        push.hset(&keys.data, &id, &job.payload)
            .rpush(&keys.active, &id);
        let pushed = self.link.pipeline::<redis::Value>(&push).await;
        pushed.map_err(|error| error.to_string())?;
        self.model.put(self.jobs.len(), 0, None, None);
        self.args.push(None);
        self.jobs.push(job);
        Ok(())
    }
}
