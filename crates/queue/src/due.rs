//! Jobs that wait for their time, without the waiting.

use crate::{Queue, QueueError, script};

/// How many jobs one call makes due.
const CHUNK: u64 = 500;

impl Queue {
    /// Makes all scheduled and retryable jobs due at once, in the order in which they would have been, 500 at a time: for
    /// tests, in which no time has to pass. When they expire stays as it was. Returns how many there were.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. The call can be repeated.
    pub async fn make_due(&self) -> Result<u64, QueueError> {
        let mut made = 0;
        loop {
            let call = script::DUE.on(&[&self.keys.scheduled, &self.keys.idle]);
            let some: u64 = call.arg(CHUNK).run(&self.link).await?;
            made += some;
            if some < CHUNK {
                return Ok(made);
            }
        }
    }
}
