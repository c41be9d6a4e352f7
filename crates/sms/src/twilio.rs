//! Twilio's `2010-04-01` API, as far as text messages are sent.

use std::collections::BTreeMap;

use crate::SendSms;
use longshore_job::{JobId, Run};
use longshore_provider::secret::Secret;
use longshore_provider::{CallError, HeaderValue, Http, HttpSetupError, Request, basic, decode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::message::Message;
use crate::{MessageSender, TwilioAuth, TwilioConfig};

/// What Twilio shall do when a status callback fails: try three times again, when it cannot connect, when no answer
/// comes, and after a 5xx. Without it there is one repetition, and only when it cannot connect. Twilio reads it off
/// the URL and does not send it.
const CALLBACK_OVERRIDES: &str = "#rc=3&rp=5xx,ct,rt";

/// A client of Twilio. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Twilio {
    http: Http,
    /// What goes into `Authorization`, as it is at each request.
    user: String,
    secret: Secret,
    /// `/2010-04-01/Accounts/AC…/Messages`, without the ending.
    messages: String,
    sender: MessageSender,
    senders: BTreeMap<String, MessageSender>,
    status_callback: Option<String>,
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// The job could not be put into the URL.
    #[error("the status callback's URL has a query or a fragment, where the job has to go")]
    StatusCallback,
}

/// One page of a list of messages.
#[derive(Deserialize)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Message>,
    /// Where the next page is, without the host.
    #[serde(default)]
    pub(crate) next_page_uri: Option<String>,
}

impl Twilio {
    /// A client.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the status callback's URL is more than a place to put the job.
    pub fn new(config: &TwilioConfig) -> Result<Self, SetupError> {
        let callback = config.status_callback.as_deref();
        if callback.is_some_and(|url| url.contains(['?', '#'])) {
            return Err(SetupError::StatusCallback);
        }
        let (user, secret) = match &config.credentials {
            TwilioAuth::AuthToken(token) => (&config.account_sid, token),
            TwilioAuth::ApiKey { sid, secret } => (sid, secret),
        };
        Ok(Self {
            http: Http::new(config.base_url.clone(), config.timeout)?,
            user: user.clone(),
            secret: secret.clone(),
            messages: format!("/2010-04-01/Accounts/{}/Messages", config.account_sid),
            sender: config.sender.clone(),
            senders: config.senders.clone(),
            status_callback: config.status_callback.clone(),
        })
    }

    /// Has one message sent, once. There is no idempotency key in this API: whoever repeats a request whose answer
    /// was lost, without having looked, may be sending a second message.
    ///
    /// Returns the answer's status and the message. Any 2xx with a message in it is an acceptance: only Twilio knows
    /// sids.
    pub(crate) async fn send(&self, run: &Run, job: &SendSms) -> Result<(u16, Message), CallError> {
        let callback = self.callback(run.id);
        let sender = match self.sender(job)? {
            MessageSender::From(number) => ("From", number),
            MessageSender::MessagingService(sid) => ("MessagingServiceSid", sid),
        };
        let variables = Some(&job.content_variables).filter(|variables| !variables.is_empty());
        let variables = variables.map(|variables| json!(variables).to_string());
        let body = Some(&job.body).filter(|body| !body.is_empty());
        let before = [
            Some(("To", &job.to)),
            callback.as_ref().map(|url| ("StatusCallback", url)),
            variables.as_ref().map(|text| ("ContentVariables", text)),
            Some(sender),
            body.map(|body| ("Body", body)),
        ];
        // A name that is there several times is a list.
        let media = job.media_urls.iter().map(|url| ("MediaUrl", url));
        let content = job.content_sid.as_ref().map(|sid| ("ContentSid", sid));
        let fields = before.into_iter().flatten().chain(media).chain(content);
        let request = Request::post(format!("{}.json", self.messages))
            .authorization(self.authorization())
            .form(fields.map(|(name, value)| (name, value.as_str())));
        let response = self.http.send(run, request).await?;
        Ok((response.status.as_u16(), decode(&response)?))
    }

    /// Who a message is from, by the name that its job says.
    fn sender(&self, job: &SendSms) -> Result<&MessageSender, CallError> {
        let Some(name) = &job.from else {
            return Ok(&self.sender);
        };
        self.senders.get(name).ok_or_else(|| CallError::NotAsked {
            code: "sender unknown",
            reason: format!(
                "there is no sender `{name}`: providers.twilio.senders.{name} has to hold its number"
            ),
        })
    }

    fn authorization(&self) -> HeaderValue {
        basic(&self.user, &self.secret.current())
    }

    /// What Twilio shall call about a job's message.
    fn callback(&self, job: JobId) -> Option<String> {
        let url = self.status_callback.as_ref()?;
        Some(format!("{url}?job={job}{CALLBACK_OVERRIDES}"))
    }

    /// A message by its sid.
    pub(crate) async fn message(&self, run: &Run, sid: &str) -> Result<Message, CallError> {
        self.read(run, Request::get(format!("{}/{sid}.json", self.messages)))
            .await
    }

    /// The newest messages to a number; with `since`, a GMT date, those that were sent on that day and after it.
    pub(crate) async fn messages_to(
        &self,
        run: &Run,
        to: &str,
        since: Option<&str>,
        page_size: usize,
    ) -> Result<Page, CallError> {
        let size = page_size.to_string();
        let mut query = vec![("To", to), ("PageSize", &size)];
        query.extend(since.map(|day| ("DateSent>", day)));
        let request = Request::get(format!("{}.json", self.messages)).query(query);
        self.read(run, request).await
    }

    /// The page after one that named it.
    pub(crate) async fn next_page(&self, run: &Run, uri: &str) -> Result<Page, CallError> {
        self.read(run, Request::get_next(uri)).await
    }

    async fn read<T: DeserializeOwned>(&self, run: &Run, request: Request) -> Result<T, CallError> {
        let request = request.authorization(self.authorization());
        decode(&self.http.read(run, request).await?)
    }
}
