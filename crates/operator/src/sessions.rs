//! Sessions of a page that operators log in to: one that was ended is ended for every process that serves it.

use std::time::Duration;

use crate::error::OperatorError;
use crate::operator::Operator;

impl Operator {
    /// Notes that a session was ended, for as long as it would have lasted. The id is no secret: it lets nobody in.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn end_session(&self, session: &str, lasts: Duration) -> Result<(), OperatorError> {
        if let Some((_, queue)) = self.queues.first() {
            let (link, keys) = (queue.link(), queue.keys());
            link.end_session(keys.namespace(), session, lasts).await?;
        }
        Ok(())
    }

    /// Whether a session was ended, by whatever process.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn has_session_ended(&self, session: &str) -> Result<bool, OperatorError> {
        let Some((_, queue)) = self.queues.first() else {
            return Ok(false);
        };
        let (link, keys) = (queue.link(), queue.keys());
        Ok(link.has_session_ended(keys.namespace(), session).await?)
    }
}
