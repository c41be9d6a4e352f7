//! What has to be known to send mail by Postmark: the section `providers.postmark`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use longshore_provider::Origin;
use longshore_provider::secret::SecretString;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::Templates;

/// The longest alias of a template.
const MAX_ALIAS: usize = 100;

/// How Postmark is reached by REST.
#[derive(Debug, Clone)]
pub struct PostmarkConfig {
    /// Its origin, `https://api.postmarkapp.com` as a rule.
    pub base_url: Origin,
    /// The token of one of its servers.
    pub server_token: SecretString,
    /// The message stream, `outbound` as a rule.
    pub message_stream: String,
    /// Its template for each of our names.
    pub templates: BTreeMap<String, PostmarkTemplate>,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// How Postmark is reached by SMTP.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Its host, `smtp.postmarkapp.com` as a rule.
    pub host: String,
    /// Its port: 587, 2525 or 25.
    pub port: u16,
    /// Whether nothing may be said before the connection is encrypted. Where it need not be, which is loopback alone, it
    /// is all the same if the server offers it.
    pub requires_tls: bool,
    /// The token of one of its servers, which is user and password.
    pub server_token: SecretString,
    /// The message stream, `outbound` as a rule.
    pub message_stream: String,
    /// What mails look like.
    pub templates: Arc<Templates>,
    /// How long one exchange may take: half of it up to the point where the mail is handed over, and half from there.
    pub timeout: Duration,
}

/// What Postmark calls a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostmarkTemplate {
    /// Its number.
    Id(u64),
    /// The name that somebody gave it.
    Alias(String),
}

/// A text that is neither the number nor the alias of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither the number nor the alias of a template at Postmark")]
pub struct InvalidPostmarkTemplate;

/// Digits alone are a number: an alias begins with a letter, and goes on with letters, digits, `.`, `-` and `_`.
impl FromStr for PostmarkTemplate {
    type Err = InvalidPostmarkTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidPostmarkTemplate> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text
                .parse()
                .map(Self::Id)
                .map_err(|_| InvalidPostmarkTemplate);
        }
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        match text.len() <= MAX_ALIAS
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(fits)
        {
            true => Ok(Self::Alias(text.to_owned())),
            false => Err(InvalidPostmarkTemplate),
        }
    }
}

impl fmt::Display for PostmarkTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Alias(alias) => f.write_str(alias),
        }
    }
}

/// `TemplateId` or `TemplateAlias`, to be flattened into a mail.
impl Serialize for PostmarkTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Id(id) => map.serialize_entry("TemplateId", id)?,
            Self::Alias(alias) => map.serialize_entry("TemplateAlias", alias)?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_number_and_other_words_an_alias() {
        for (text, meant) in [
            ("1234567", Some(PostmarkTemplate::Id(1_234_567))),
            ("welcome", Some(PostmarkTemplate::Alias("welcome".into()))),
            ("a.b-c_1", Some(PostmarkTemplate::Alias("a.b-c_1".into()))),
            ("", None),
            ("1a", None),
            ("-a", None),
            ("a b", None),
            ("ø", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(text.parse().ok(), meant, "{text:?}");
        }
        assert!("a".repeat(101).parse::<PostmarkTemplate>().is_err());
    }
}
