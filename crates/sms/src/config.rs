//! What has to be known to send text messages.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_provider::Origin;
use longshore_provider::secret::Secret;

/// How Twilio is reached: the section `providers.twilio`.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    /// Its origin, such as `https://api.twilio.com`.
    pub base_url: Origin,
    /// The account, `AC…`.
    pub account_sid: String,
    /// What proves that we may use it.
    pub credentials: TwilioAuth,
    /// Who messages are from.
    pub sender: MessageSender,
    /// Others that a job may name.
    pub senders: BTreeMap<String, MessageSender>,
    /// The public URL that Twilio tells about each message's fate, without a query: the job is put there. Without
    /// one, Twilio tells nothing.
    pub status_callback: Option<String>,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// What proves that we may use the account.
#[derive(Debug, Clone)]
pub enum TwilioAuth {
    /// The account's auth token, which can do everything.
    AuthToken(Secret),
    /// An API key, which can be revoked by itself.
    ApiKey {
        /// Its id, `SK…`.
        sid: String,
        /// Its secret.
        secret: Secret,
    },
}

/// Who messages are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageSender {
    /// A number of the account in E.164, a short code, or a name of up to 11 letters and digits.
    From(String),
    /// A messaging service, `MG…`, which picks the number.
    MessagingService(String),
}
