//! That a form of a page was sent: it acts once, whichever process of the page it reaches.

use longshore_queue::{Link, SentForm};

use crate::error::OperatorError;
use crate::operator::Operator;

impl Operator {
    /// Notes that a form is sent, for a day; unless it was sent before. `what` is told to whoever sends it again.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. Where its answer was lost, the form may be noted.
    pub async fn begin_form(&self, form: &str, what: &str) -> Result<SentForm, OperatorError> {
        match self.namespace() {
            Some((link, namespace)) => Ok(link.begin_form(namespace, form, what).await?),
            None => Ok(SentForm::First),
        }
    }

    /// Notes what a form has done.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn end_form(&self, form: &str, what: &str) -> Result<(), OperatorError> {
        match self.namespace() {
            Some((link, namespace)) => Ok(link.end_form(namespace, form, what).await?),
            None => Ok(()),
        }
    }

    /// Notes that a form has done nothing: it may be sent again.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn drop_form(&self, form: &str) -> Result<(), OperatorError> {
        match self.namespace() {
            Some((link, namespace)) => Ok(link.drop_form(namespace, form).await?),
            None => Ok(()),
        }
    }

    /// Nothing can be done where there is no queue.
    fn namespace(&self) -> Option<(&Link, &str)> {
        let (_, queue) = self.queues.first()?;
        Some((queue.link(), queue.keys().namespace()))
    }
}
