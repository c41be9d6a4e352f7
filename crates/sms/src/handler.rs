//! One text message, from its job to its outcome.

use crate::SendSms;
use longshore_job::{Handler, JobError, Outcome, Run};
use longshore_provider::{AnswerTable, Purpose};

use crate::error::Answers;
use crate::message::NAME;
use crate::opt_out::{self, OPTED_OUT};
use crate::{Twilio, verify};

/// Carries out `send_sms` jobs: one request each.
///
/// The result is `{"sid","status","segments"?,"price"?,"price_unit"?}`: how many segments the text takes, and what
/// Twilio takes for it, where it already says so.
#[derive(Debug, Clone)]
pub struct SendSmsHandler {
    twilio: Twilio,
}

impl SendSmsHandler {
    /// A handler that sends through this client.
    #[must_use]
    pub fn new(twilio: Twilio) -> Self {
        Self { twilio }
    }
}

impl Handler for SendSmsHandler {
    type Job = SendSms;

    async fn run(&self, job: SendSms, run: Run) -> Result<Outcome, JobError> {
        opt_out::check(&run, &job.to).await?;
        let sent = self.twilio.send(&run, &job).await;
        let sent = sent.map_err(|error| Answers.job_error(Purpose::Effect, &error));
        if let Err(error) = &sent
            && error.answer().code.as_deref() == Some(OPTED_OUT)
        {
            run.not_carried_out();
            opt_out::note(&run, &job.to).await;
        }
        let (status, message) = sent?;
        let sid = message.sid.as_str();
        // It is sent, whether or not that can be noted: only delivery updates may not find the job then.
        match run.memory().note_message(sid).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(job = %run.id, sid, "another job has this message"),
            Err(error) => tracing::warn!(job = %run.id, sid, %error, "the message is not noted"),
        }
        run.billed(NAME, "segment", message.segments());
        Ok(message.done(Some(status)))
    }

    async fn verify(&self, job: &SendSms, run: &Run) -> Result<Option<Outcome>, JobError> {
        verify::verify(&self.twilio, job, run).await
    }
}
