//! Whether a message whose answer was lost was sent: Twilio's list is searched for it.
//!
//! A message is this job's when it is for the same number, has the same text, was created while a request of the job
//! may have been out, and belongs to no other job. Of a template the text is not known: if no message went to the number then, none
//! was sent; else an operator decides. What became of it does not matter: one that Twilio took on and
//! could not deliver was carried out all the same, and is not sent a second time.

use std::time::{Duration, SystemTime};

use crate::SendSms;
use jiff::Timestamp;
use longshore_job::{EarlierRequests, JobError, Outcome, Run, Scope};
use longshore_provider::{AnswerTable, CallError, Purpose};

use crate::Twilio;
use crate::error::Answers;
use crate::message::NAME;
use crate::message::{Message, done_as};
use crate::twilio::Page;

/// How far Twilio's clock and the fleet's may be apart.
const CLOCK_SLACK: Duration = Duration::from_secs(5 * 60);

/// How long after the last request its message may still come into the list. A request whose connection broke may
/// yet be read, and lists lag a little.
const SETTLING: Duration = Duration::from_secs(60);

/// How many messages are asked for at a time. With ordinary texts a page is half a megabyte, and no more than one is
/// read of an answer.
const PAGE_SIZE: usize = 400;

/// The same when a page was too large: 50 messages of 1,600 emoji each, written as escapes, still fit.
const SMALL_PAGE_SIZE: usize = 50;

/// How many messages to the one number are looked through before it is given up. To send again without having seen
/// the end would be guessing.
const MAX_MESSAGES: usize = 10_000;

/// `Some` when an earlier request of the job was carried out, `None` when none was.
///
/// # Errors
/// When Twilio cannot say, or it is too early to believe that there is nothing.
pub(crate) async fn verify(
    twilio: &Twilio,
    job: &SendSms,
    run: &Run,
) -> Result<Option<Outcome>, JobError> {
    let earlier = run.memory().earlier_requests().await?;
    if let Some(sid) = earlier.message {
        // That it was sent is known; the rest would be nice to know.
        let message = twilio.message(run, &sid).await;
        let outcome = message.map_or_else(|_| done_as(sid), |message| message.done(None));
        return Ok(Some(outcome));
    }
    let search = Search {
        twilio,
        job,
        run,
        window: Window::of_requests(&earlier),
    };
    // By day first: the filter bounds the list whatever its order. But it knows only messages that were sent on, and
    // one that still waits has no day; those are found without it.
    let day = search.window.first_day();
    let found = match search.run(Some(&day)).await? {
        Some(message) => Some(message),
        None => search.run(None).await?,
    };
    match found {
        Some(message) => {
            // Its own answer was lost, and with it this.
            run.billed(NAME, "segment", message.segments());
            Ok(Some(message.done(None)))
        }
        None => settled(&earlier).map(|()| None),
    }
}

/// That nothing is found means something only once what was sent would be there.
fn settled(earlier: &EarlierRequests) -> Result<(), JobError> {
    let since = earlier.now.duration_since(earlier.before);
    let rest = SETTLING.saturating_sub(since.unwrap_or_default());
    if rest.is_zero() {
        return Ok(());
    }
    Err(JobError::Throttled {
        retry_after: rest,
        scope: Scope::Job,
        reason: "an earlier request of this job may still come into Twilio's list".to_owned(),
        answer: Answers.coded("not listed yet"),
    })
}

/// When the message would have been created, by Twilio's clock.
struct Window {
    from: SystemTime,
    to: SystemTime,
}

impl Window {
    fn of_requests(earlier: &EarlierRequests) -> Self {
        let EarlierRequests { after, before, .. } = *earlier;
        Self {
            from: after.checked_sub(CLOCK_SLACK).unwrap_or(after),
            to: before.checked_add(CLOCK_SLACK).unwrap_or(before),
        }
    }

    /// The GMT date that it begins on.
    fn first_day(&self) -> String {
        let from = Timestamp::try_from(self.from).unwrap_or_default();
        from.strftime("%Y-%m-%d").to_string()
    }

    fn holds(&self, message: &Message) -> bool {
        let created = message.created();
        created.is_some_and(|created| (self.from..=self.to).contains(&created))
    }

    fn is_after(&self, page: &Page) -> bool {
        let older = |message: &Message| message.created().is_some_and(|time| time < self.from);
        !page.messages.is_empty() && page.messages.iter().all(older)
    }
}

/// Why a search ended without a result.
enum Failure {
    Call(CallError),
    Job(JobError),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

struct Search<'a> {
    twilio: &'a Twilio,
    job: &'a SendSms,
    run: &'a Run,
    window: Window,
}

impl Search<'_> {
    /// Looks through the messages to the job's number, in smaller pages when large ones do not come through.
    async fn run(&self, since: Option<&str>) -> Result<Option<Message>, JobError> {
        let found = match self.pages(since, PAGE_SIZE).await {
            Err(Failure::Call(CallError::NotUnderstood { response, .. })) if !response.complete => {
                self.pages(since, SMALL_PAGE_SIZE).await
            }
            found => found,
        };
        found.map_err(|failure| match failure {
            Failure::Call(error) => Answers.job_error(Purpose::Look, &error),
            Failure::Job(error) => error,
        })
    }

    async fn pages(&self, since: Option<&str>, size: usize) -> Result<Option<Message>, Failure> {
        let (twilio, run) = (self.twilio, self.run);
        let mut page = twilio.messages_to(run, &self.job.to, since, size).await?;
        for _ in 0..MAX_MESSAGES / size {
            let next = page.next_page_uri.take();
            // Newest first: without the filter by day, whatever follows is older still.
            let is_last = since.is_none() && self.window.is_after(&page);
            if let Some(message) = self.find_own_message(page).await.map_err(Failure::Job)? {
                return Ok(Some(message));
            }
            let Some(next) = next.filter(|_| !is_last) else {
                return Ok(None);
            };
            page = twilio.next_page(run, &next).await?;
        }
        Err(Failure::Job(too_many()))
    }

    /// The first message of the page that is this job's, which is noted.
    async fn find_own_message(&self, page: Page) -> Result<Option<Message>, JobError> {
        for message in page.messages {
            let then = message.is_outbound() && self.window.holds(&message);
            if then && self.job.content_sid.is_some() {
                // What the template's text became is not known here.
                return Err(not_told_apart());
            }
            let alike = then
                && message.body.as_ref().unwrap_or(&String::new()) == &self.job.body
                && message.may_have_media(self.job.media_urls.len());
            // One that another job has is that job's, though its text be the same.
            if alike && self.run.memory().note_message(message.sid.as_str()).await? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }
}

/// Of a job with a template, where a message went to its number in its time. A status callback that names the job says whose
/// it is; none has come.
fn not_told_apart() -> JobError {
    JobError::OutcomeUnknown {
        reason: "a message went to this number at that time, and a template's text does not say whether it is this job's"
            .to_owned(),
        answer: Answers.coded("template not told apart"),
    }
}

fn too_many() -> JobError {
    JobError::Transient {
        reason: format!(
            "more than {MAX_MESSAGES} messages went to this number: whether this one did cannot be told"
        ),
        answer: Answers.coded("too many messages"),
    }
}
