//! What has to be known to send mail.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_provider::Origin;
use longshore_provider::secret::Secret;

/// How SendGrid is reached: the section `providers.sendgrid`.
#[derive(Debug, Clone)]
pub struct SendGridConfig {
    /// Its origin, such as `https://api.sendgrid.com`.
    pub base_url: Origin,
    /// The API key, `SG.…`, with the scope `mail.send`.
    pub api_key: Secret,
    /// SendGrid checks mails and does not send them.
    pub sandbox: bool,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// What mails look like: the section `email`.
#[derive(Debug, Clone)]
pub struct EmailConfig {
    /// Who they are from. SendGrid has to have verified the address or its domain.
    pub from: MailSender,
    /// Others that a job may name.
    pub senders: BTreeMap<String, MailSender>,
    /// SendGrid's id of each template by our name for it: `welcome` → `d-…`.
    pub templates: BTreeMap<String, String>,
    /// Whether events are heard: then each mail is noted for its job, so that they find it.
    pub heard: bool,
    /// The same of the fallback's events.
    pub fallback_heard: bool,
}

/// An address that mail is sent from, and the name shown with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSender {
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
}
