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
use crate::{Accepted, EmailConfig, Postmark, SendGrid};

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

    async fn run(&self, job: SendEmail, run: Run) -> Result<Outcome, JobError> {
        let template_id = self.config.templates.get(&job.template);
        let template_id = template_id.ok_or_else(|| unknown_template(&job.template))?;
        // Before any provider: the address is what is wrong, whoever would send to it.
        suppression::check(&run, &job.to.email).await?;
        let files = attachments::fetch(&*self.attachments, &job, &run).await?;
        if run.route.is_fallback() {
            let postmark = self.fallback.as_ref();
            let postmark =
                postmark.ok_or_else(|| waits_for_sendgrid("there is no fallback here"))?;
            let sent = postmark.send(&job, &run, &self.config.from, &files).await?;
            run.billed(POSTMARK, "mail", 1);
            return Ok(sent);
        }
        let sandbox = self.sendgrid.sandbox;
        let mail = Mail::new(&job, run.id, &self.config.from, template_id, sandbox).with(&files);
        let accepted = self.sendgrid.send(&run, &mail).await?;
        if !sandbox {
            run.billed(NAME, "mail", 1);
        }
        if let Some(id) = accepted.message_id.as_deref()
            && self.config.heard
        {
            sent::note_sent(&run, id).await;
        }
        Ok(done(accepted))
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
