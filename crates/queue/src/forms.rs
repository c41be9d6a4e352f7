//! That a form of an operator's page was sent, so that it acts once, whichever process of the page it reaches.

use std::time::Duration;

use crate::enqueue::millis;
use crate::keys::form;
use crate::{Link, QueueError};

/// So long it is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// How a form stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentForm {
    /// It is sent for the first time, and is noted now.
    First,
    /// Somebody began to carry it out, and has not said that it ended: it goes on, or was cut off. What was noted then.
    Begun(String),
    /// It was carried out. What was noted then.
    Done(String),
}

impl Link {
    /// Notes that a form is sent, unless it was before. `what` is told to whoever sends it again.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. Where its answer was lost, the form may be noted.
    pub async fn begin_form(
        &self,
        namespace: &str,
        id: &str,
        what: &str,
    ) -> Result<SentForm, QueueError> {
        let mut command = redis::cmd("SET");
        command
            .arg(form(namespace, id))
            .arg(format!("begun {what}"));
        command.arg("NX").arg("GET");
        command.arg("PX").arg(millis(REMEMBERED));
        let before: Option<String> = self.command(&command).await?;
        Ok(match before {
            None => SentForm::First,
            Some(text) => match text.split_once(' ') {
                Some(("done", what)) => SentForm::Done(what.to_owned()),
                Some((_, what)) => SentForm::Begun(what.to_owned()),
                None => SentForm::Begun(String::new()),
            },
        })
    }

    /// Notes that a form was carried out.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn end_form(&self, namespace: &str, id: &str, what: &str) -> Result<(), QueueError> {
        let mut command = redis::cmd("SET");
        command.arg(form(namespace, id)).arg(format!("done {what}"));
        command.arg("PX").arg(millis(REMEMBERED));
        self.command::<Option<String>>(&command).await.map(drop)
    }

    /// Notes that a form did nothing: it may be sent again.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn drop_form(&self, namespace: &str, id: &str) -> Result<(), QueueError> {
        let mut command = redis::cmd("DEL");
        command.arg(form(namespace, id));
        self.command::<u64>(&command).await.map(drop)
    }
}
