//! One mail, from its job to its outcome.

use std::sync::Arc;

use crate::SendEmail;
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use serde_json::json;

use crate::attachments::{self, Attachments, NoAttachments};
use crate::error::NAME;
use crate::mail::Mail;
use crate::postmark::{NAME as POSTMARK, waits_for_sendgrid};
use crate::sent;
use crate::suppression;
use crate::{Accepted, EmailConfig, MailSender, Postmark, SendGrid};

/// Carries out `send_email` jobs: one request each.
#[derive(Debug, Clone)]
pub struct SendEmailHandler {
    config: EmailConfig,
    sendgrid: SendGrid,
    attachments: Arc<dyn Attachments>,
    fallback: Option<Postmark>,
}

impl SendEmailHandler {
    /// A handler that sends these mails through this client.
    #[must_use]
    pub fn new(config: EmailConfig, sendgrid: SendGrid) -> Self {
        Self {
            config,
            sendgrid,
            attachments: Arc::new(NoAttachments),
            fallback: None,
        }
    }

    /// The same, with a place to fetch files from.
    #[must_use]
    pub fn with_attachments(mut self, attachments: Arc<dyn Attachments>) -> Self {
        self.attachments = attachments;
        self
    }

    /// The same, with a fallback for the runs that are claimed for it.
    #[must_use]
    pub fn with_fallback(mut self, postmark: Postmark) -> Self {
        self.fallback = Some(postmark);
        self
    }
}

impl Handler for SendEmailHandler {
    type Job = SendEmail;

    async fn run(&self, mut job: SendEmail, run: Run) -> Result<Outcome, JobError> {
        let template_id = self.config.templates.get(&job.template);
        let template_id = template_id.ok_or_else(|| unknown_template(&job.template))?;
        let from = self.sender(job.from.as_deref())?;
        // Before any provider: the address is what is wrong, whoever would send to it.
        suppression::check(&run, &job.to.email).await?;
        let left_out = suppression::leave_out(&run, &mut job).await?;
        let files = attachments::fetch(&*self.attachments, &job, &run).await?;
        if run.route.is_fallback() {
            let postmark = self.fallback.as_ref();
            let postmark =
                postmark.ok_or_else(|| waits_for_sendgrid("there is no fallback here"))?;
            let sent = postmark.send(&job, &run, from, &files).await?;
            run.billed(POSTMARK, "mail", job.addresses() as u64);
            if let Outcome::Done { answer, .. } = &sent
                && let Some(id) = answer.request_id.as_deref()
                && self.config.fallback_heard
            {
                sent::note_sent(&run, id).await;
            }
            return Ok(told(sent, left_out));
        }
        let sandbox = self.sendgrid.sandbox;
        let mail = Mail::new(&job, run.id, from, template_id, sandbox).with(&files);
        let accepted = self.sendgrid.send(&run, &mail).await?;
        if !sandbox {
            run.billed(NAME, "mail", job.addresses() as u64);
        }
        if let Some(id) = accepted.message_id.as_deref()
            && self.config.heard
        {
            sent::note_sent(&run, id).await;
        }
        Ok(told(done(accepted), left_out))
    }
}

impl SendEmailHandler {
    /// Who a mail is from, by the name that its job says.
    fn sender(&self, name: Option<&str>) -> Result<&MailSender, JobError> {
        let Some(name) = name else {
            return Ok(&self.config.from);
        };
        self.config.senders.get(name).ok_or_else(|| {
            JobError::refusal(
                "sender unknown",
                format!(
                    "there is no sender `{name}`: email.senders.{name} has to hold its address"
                ),
            )
        })
    }
}

/// The outcome of a mail that so many were left out of.
fn told(outcome: Outcome, left_out: usize) -> Outcome {
    match outcome {
        Outcome::Done { result, answer } if left_out > 0 => {
            let mut result = result.unwrap_or_else(|| json!({}));
            result["left_out"] = left_out.into();
            Outcome::Done {
                result: Some(result),
                answer,
            }
        }
        outcome => outcome,
    }
}

fn unknown_template(name: &str) -> JobError {
    JobError::refusal(
        "template unknown",
        format!(
            "there is no template `{name}`: email.templates.{name} has to hold its SendGrid id"
        ),
    )
}

fn done(accepted: Accepted) -> Outcome {
    Outcome::Done {
        result: accepted
            .message_id
            .as_ref()
            .map(|id| json!({ "message_id": id })),
        answer: Answer {
            status: Some(accepted.status),
            request_id: accepted.message_id,
            ..Answer::of(NAME)
        },
    }
}
