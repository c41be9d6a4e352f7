//! Sessions that were ended before their time, as all who serve people have to know.

use std::time::Duration;

use crate::enqueue::millis;
use crate::keys::ended_session;
use crate::{Link, QueueError};

impl Link {
    /// Notes that a session was ended, for as long as it would have lasted.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn end_session(
        &self,
        namespace: &str,
        session: &str,
        lasts: Duration,
    ) -> Result<(), QueueError> {
        let mut command = redis::cmd("SET");
        command.arg(ended_session(namespace, session)).arg(1);
        command.arg("PX").arg(millis(lasts).max(1));
        self.command(&command).await
    }

    /// Whether that was noted.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn has_session_ended(
        &self,
        namespace: &str,
        session: &str,
    ) -> Result<bool, QueueError> {
        let mut command = redis::cmd("EXISTS");
        command.arg(ended_session(namespace, session));
        self.command(&command).await
    }
}
