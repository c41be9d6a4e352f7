//! What has to be known to send mail.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_provider::Origin;
use longshore_provider::secret::SecretString;

/// SendGrid's global region; `https://api.eu.sendgrid.com` is the European one.
const DEFAULT_ORIGIN: &str = "https://api.sendgrid.com";

/// How long a mail may take; SendGrid answers in well under a second when all is well.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// How SendGrid is reached: the section `providers.sendgrid`.
#[derive(Debug, Clone)]
pub struct SendGridConfig {
    /// Its origin, `https://api.sendgrid.com` as a rule.
    pub base_url: Origin,
    /// The API key, `SG.…`, with the scope `mail.send`.
    pub api_key: SecretString,
    /// SendGrid checks mails and does not send them.
    pub sandbox: bool,
    /// How long one exchange may take, 30 s as a rule.
    pub timeout: Duration,
}

impl SendGridConfig {
    /// The real service with this key.
    #[must_use]
    pub fn new(api_key: impl Into<SecretString>) -> Self {
        Self {
            base_url: DEFAULT_ORIGIN
                .parse()
                .unwrap_or_else(|error| unreachable!("{DEFAULT_ORIGIN}: {error}")),
            api_key: api_key.into(),
            sandbox: false,
            timeout: DEFAULT_TIMEOUT,
        }
    }
}

/// What mails look like: the section `email`.
#[derive(Debug, Clone)]
pub struct EmailConfig {
    /// Who they are from. SendGrid has to have verified the address or its domain.
    pub from: Sender,
    /// SendGrid's id of each template by our name for it: `welcome` → `d-…`.
    pub templates: BTreeMap<String, String>,
    /// Whether events are heard: then each mail is noted for its job, so that they find it.
    pub heard: bool,
}

/// An address that mail is sent from, and the name shown with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
}
