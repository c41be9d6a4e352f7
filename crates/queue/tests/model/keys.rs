//! For how long a key is somebody's.

use crate::model::Place;
use crate::step::KEYS;
use crate::world::{Taken, World};

impl World {
    /// A key has no end while its job has none, and holds for hours after that.
    pub(crate) async fn compare_keys(&self) -> Taken {
        for key in 0..KEYS {
            let prefix = &self.queue.keys().idempotency;
            let mut ask = redis::cmd("PTTL");
            ask.arg(format!("{prefix}:send_email:k{key}"));
            let left = self.link.command::<i64>(&ask).await;
            let left = left.map_err(|error| error.to_string())?;
            let Some((job, _)) = self.model.holder(key) else {
                match left == -2 || self.model.any_order {
                    true => continue,
                    false => return Err(format!("key {key} is nobody's, and has {left} ms left")),
                }
            };
            let place = &self.model.jobs[job].place;
            let has_ended = matches!(place, Place::Completed | Place::Cancelled | Place::Gone);
            let holds = match has_ended {
                true => left > 20 * 3_600_000,
                false => left == -1,
            };
            if !holds {
                return Err(format!(
                    "key {key} of job {job}, {place:?}, has {left} ms left"
                ));
            }
        }
        Ok(())
    }
}
