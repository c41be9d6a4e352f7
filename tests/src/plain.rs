//! Jobs of producers that use nothing of ours.

use longshore_client::JobId;

use crate::Stage;

impl Stage {
    /// Pushes a job as a plain apalis program does, with whatever payload.
    ///
    /// # Panics
    /// When Redis is away.
    pub async fn push(&self, id: JobId, payload: &[u8]) {
        let keys = self.queue.keys();
        let mut pipe = redis::pipe();
        pipe.cmd("HSET")
            .arg(&keys.data)
            .arg(id.to_string())
            .arg(payload);
        pipe.cmd("HSET")
            .arg(keys.pushed(&id.into()))
            .arg("attempts")
            .arg(0);
        pipe.cmd("RPUSH").arg(&keys.active).arg(id.to_string());
        let link = self.queue.link();
        link.pipeline::<redis::Value>(&pipe).await.expect("pushes");
    }
}
