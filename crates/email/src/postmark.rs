//! Postmark, which stands in for SendGrid: by its REST API, or by SMTP where only that is left.

mod config;
mod rest;
mod smtp;

use std::time::Duration;

use crate::SendEmail;
use longshore_job::{Answer, JobError, Outcome, Run, Scope};
use longshore_provider::{HttpSetupError, InvalidCredential};

use crate::{AttachedFile, MailSender};
pub use config::{InvalidPostmarkTemplate, PostmarkConfig, PostmarkTemplate, SmtpConfig};
use rest::Rest;
use smtp::Smtp;

/// The provider's name, as configuration and metrics have it.
pub(crate) const NAME: &str = "postmark";

/// The most addresses of one mail (error 300).
const MOST_ADDRESSES: usize = 50;

/// The most bytes of one mail: 10 MB, of which a tenth is left for its words.
const MOST_BYTES_AT_POSTMARK: usize = 9_000_000;

/// How long a mail waits that only SendGrid can send, before it is seen again.
const WAIT_FOR_SENDGRID: Duration = Duration::from_secs(60);

/// A client of Postmark. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Postmark {
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Rest(Rest),
    Smtp(Smtp),
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostmarkSetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// The server token cannot be one.
    #[error("server_token: {0}")]
    ServerToken(#[from] InvalidCredential),
    /// TLS is not to be had on this machine, for SMTP.
    #[error("TLS cannot be set up for SMTP: {0}")]
    Tls(String),
}

impl Postmark {
    /// A client of its REST API, which renders templates itself.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the token cannot be sent in a header.
    pub fn by_rest(config: PostmarkConfig) -> Result<Self, PostmarkSetupError> {
        Ok(Self {
            way: Way::Rest(Rest::new(config)?),
        })
    }

    /// A client of its SMTP server, for templates that are rendered here.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn by_smtp(config: SmtpConfig) -> Result<Self, PostmarkSetupError> {
        Ok(Self {
            way: Way::Smtp(Smtp::new(config)?),
        })
    }

    /// Sends the mail of a job, once. Neither way has idempotency keys: whoever repeats what was not answered may be
    /// sending a second mail.
    pub(crate) async fn send(
        &self,
        job: &SendEmail,
        run: &Run,
        from: &MailSender,
        attachments: &[AttachedFile],
    ) -> Result<Outcome, JobError> {
        can_carry(job, attachments).map_err(|why| stays_here(waits_for_sendgrid(why), run))?;
        let sent = match &self.way {
            Way::Rest(rest) => rest.send(job, run, from, attachments).await,
            Way::Smtp(smtp) => smtp.send(job, run, from, attachments).await,
        };
        sent.map_err(|error| stays_here(error, run))
    }
}

/// Whether Postmark can send a mail as its job wants it, by either way; else, why not.
///
/// What it has no word for waits for SendGrid: a mail without its unsubscribe group would also go to those who have left the
/// group, and one to fewer addresses would be another mail. Categories beyond the first are the one thing that is left
/// out: they sort statistics, and nobody who gets the mail sees them.
fn can_carry(job: &SendEmail, attachments: &[AttachedFile]) -> Result<(), &'static str> {
    let files = attachments.iter();
    let encoded: usize = files.map(|file| file.content.len().div_ceil(3) * 4).sum();
    if job.unsubscribe_group.is_some() {
        Err("Postmark has no unsubscribe groups")
    } else if job.addresses() > MOST_ADDRESSES {
        Err("Postmark takes 50 addresses at the most")
    } else if encoded > MOST_BYTES_AT_POSTMARK {
        Err("Postmark takes 10 MB in all, and its files have more in base64")
    } else {
        Ok(())
    }
}

/// Nothing dies at the fallback that SendGrid could send: the mail waits, at the cost of no attempt. Postmark was not
/// asked, or its word is about a template, so none of it is about its health.
pub(crate) fn waits_for_sendgrid(why: impl AsRef<str>) -> JobError {
    waits_quoting(why, String::new())
}

/// The same, where some of the reason is what Postmark said.
pub(crate) fn waits_quoting(why: impl AsRef<str>, quoted: String) -> JobError {
    JobError::Throttled {
        retry_after: WAIT_FOR_SENDGRID,
        scope: Scope::Job,
        reason: format!("the mail waits for SendGrid: {}", why.as_ref()),
        answer: Answer {
            quoted: Some(quoted),
            ..Answer::default()
        },
    }
}

/// A mail that Postmark may have does not go to SendGrid, so it does not wait for it either: it fails, and an operator
/// gets to see it.
fn stays_here(error: JobError, run: &Run) -> JobError {
    match error {
        JobError::Throttled {
            scope: Scope::Job,
            reason,
            answer,
            ..
        } if run.may_have_been_sent => JobError::Transient {
            reason: format!(
                "Postmark may have the mail, and cannot be asked for it again: {reason}"
            ),
            answer: Answer {
                quoted: answer.quoted,
                ..Answer::default()
            },
        },
        error => error,
    }
}

/// What is known of an answer with this status and code.
fn answer(status: Option<u16>, code: Option<String>) -> Answer {
    Answer {
        status,
        code,
        ..Answer::of(NAME)
    }
}
