//! What has to be known to send text messages.

use std::time::Duration;

use longshore_provider::Origin;
use longshore_provider::secret::Secret;

const DEFAULT_ORIGIN: &str = "https://api.twilio.com";

/// How long an exchange may take; Twilio answers in well under a second when all is well.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

/// How Twilio is reached: the section `providers.twilio`.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    /// Its origin, `https://api.twilio.com` as a rule.
    pub base_url: Origin,
    /// The account, `AC…`.
    pub account_sid: String,
    /// What proves that we may use it.
    pub credentials: Credentials,
    /// Who messages are from.
    pub sender: Sender,
    /// The public URL that Twilio tells about each message's fate, without a query: the job is put there. Without
    /// one, Twilio tells nothing.
    pub status_callback: Option<String>,
    /// How long one exchange may take, 15 s as a rule.
    pub timeout: Duration,
}

impl TwilioConfig {
    /// The real service, without status callbacks.
    #[must_use]
    pub fn new(account_sid: impl Into<String>, credentials: Credentials, sender: Sender) -> Self {
        Self {
            base_url: DEFAULT_ORIGIN
                .parse()
                .unwrap_or_else(|error| unreachable!("{DEFAULT_ORIGIN}: {error}")),
            account_sid: account_sid.into(),
            credentials,
            sender,
            status_callback: None,
            timeout: DEFAULT_TIMEOUT,
        }
    }
}

/// What proves that we may use the account.
#[derive(Debug, Clone)]
pub enum Credentials {
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
pub enum Sender {
    /// A number of the account in E.164, a short code, or a name of up to 11 letters and digits.
    From(String),
    /// A messaging service, `MG…`, which picks the number.
    MessagingService(String),
}
