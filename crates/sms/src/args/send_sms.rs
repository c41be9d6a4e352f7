//! `send_sms`: one text message to one number.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use longshore_job::{InvalidArgs, Job, PersonArg};

/// The longest body, in characters: what Twilio sends as one concatenated message. A variable of a template is part of one.
const MAX_BODY_CHARS: usize = 1600;

/// The most media of one message, and the longest URL of one.
const MAX_MEDIA: usize = 10;
const MAX_URL_BYTES: usize = 2048;

/// The most variables of a template.
const MAX_VARIABLES: usize = 100;

/// Sends one text message. One request to the provider per job.
///
/// ```
/// use longshore_sms::SendSms;
///
/// let job = SendSms::new("+4790000000", "Your table is ready.").from("restaurant");
/// assert_eq!(job.to, "+4790000000");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with to, and body, content_sid or media_urls"
)]
pub struct SendSms {
    /// The number in E.164: `+`, the country code and the rest, 7 to 15 digits in all.
    pub to: String,
    /// The text: 1–1,600 characters, not only blanks. Empty where a template or media stand in its place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// A template of Twilio's Content Editor instead of a text: `HX` and 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_sid: Option<String>,
    /// What the template is filled with, by the names of its variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub content_variables: BTreeMap<String, String>,
    /// Who it is from: the name of one of `providers.twilio.senders`; the configured sender, if this is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Pictures and the like, which Twilio fetches: at most 10 URLs with https.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_urls: Vec<String>,
}

impl SendSms {
    /// This text to this number.
    #[must_use]
    pub fn new(to: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            to: to.into(),
            body: body.into(),
            content_sid: None,
            content_variables: BTreeMap::new(),
            from: None,
            media_urls: Vec::new(),
        }
    }

    /// A template of Twilio's Content Editor to this number.
    #[must_use]
    pub fn content(to: impl Into<String>, content_sid: impl Into<String>) -> Self {
        Self {
            content_sid: Some(content_sid.into()),
            ..Self::new(to, "")
        }
    }

    /// Sets a variable of the template.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.content_variables.insert(name.into(), value.into());
        self
    }

    /// Sets who it is from: the name of one of `providers.twilio.senders`.
    #[must_use]
    pub fn from(mut self, sender: impl Into<String>) -> Self {
        self.from = Some(sender.into());
        self
    }

    /// Adds a picture or the like.
    #[must_use]
    pub fn media(mut self, url: impl Into<String>) -> Self {
        self.media_urls.push(url.into());
        self
    }

    /// What the message says, which one way or another it has to.
    fn check_words(&self) -> Result<(), InvalidArgs> {
        let chars = self.body.chars().count();
        if let Some(sid) = &self.content_sid {
            let rest = sid.strip_prefix("HX").unwrap_or_default();
            let is_sid = rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit());
            let alone = self.body.is_empty() && self.media_urls.is_empty();
            return InvalidArgs::all([
                InvalidArgs::unless(
                    is_sid,
                    "content_sid",
                    "is not the id of a template, HX and 32 hexadecimal digits",
                ),
                InvalidArgs::unless(
                    alone,
                    "content_sid",
                    "stands in the place of body and media_urls: leave those out",
                ),
            ]);
        }
        let has_media = !self.media_urls.is_empty();
        let body = match () {
            () if self.body.is_empty() && has_media => Ok(()),
            () if self.body.trim().is_empty() => Err(InvalidArgs::field("body", "is empty")),
            () => InvalidArgs::unless(
                chars <= MAX_BODY_CHARS,
                "body",
                format_args!("has {chars} characters, at most {MAX_BODY_CHARS} can be sent"),
            ),
        };
        InvalidArgs::all([
            body,
            InvalidArgs::unless(
                !self.body.contains('\0'),
                "body",
                "has a character NUL, which no phone shows",
            ),
            InvalidArgs::unless(
                self.content_variables.is_empty(),
                "content_variables",
                "are for a template: set content_sid",
            ),
        ])
    }

    fn check_variables(&self) -> Result<(), InvalidArgs> {
        let count = self.content_variables.len();
        let name_fits = |name: &String| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            (1..=64).contains(&name.len()) && name.bytes().all(plain)
        };
        let value_fits =
            |value: &String| value.chars().count() <= MAX_BODY_CHARS && !value.contains('\0');
        let at = "content_variables";
        InvalidArgs::all([
            InvalidArgs::unless(
                count <= MAX_VARIABLES,
                at,
                format_args!("has {count}, at most {MAX_VARIABLES} can be set"),
            ),
            InvalidArgs::unless(
                self.content_variables.keys().all(name_fits),
                at,
                "a name must be 1 to 64 letters, digits and _",
            ),
            InvalidArgs::unless(
                self.content_variables.values().all(value_fits),
                at,
                format_args!("a value must be at most {MAX_BODY_CHARS} characters without NUL"),
            ),
        ])
    }

    fn check_media(&self) -> Result<(), InvalidArgs> {
        let count = self.media_urls.len();
        if count > MAX_MEDIA {
            let what = format!("has {count}, a message takes at most {MAX_MEDIA}");
            return Err(InvalidArgs::field("media_urls", what));
        }
        InvalidArgs::all(self.media_urls.iter().enumerate().map(|(n, url)| {
            let at = format!("media_urls[{n}]");
            let what = "must be a URL of at most 2,048 printable ASCII characters that begins with https://";
            InvalidArgs::unless(is_https(url), &at, what)
        }))
    }
}

/// Twilio fetches it from outside, without credentials of ours.
fn is_https(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    url.len() <= MAX_URL_BYTES
        && url.bytes().all(|b| b.is_ascii_graphic())
        && !host.is_empty()
        && !host.contains('@')
}

/// Whether a name is one that a sender may have.
fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

impl Job for SendSms {
    const KIND: &'static str = "send_sms";
    const PUBLIC_ARGS: &'static [&'static str] = &["content_sid", "from"];
    const PERSON_ARGS: &'static [PersonArg] = &[PersonArg::phone("to")];
    const QUEUE: &'static str = "sms";
    const PUBLIC_RESULT: &'static [&'static str] =
        &["sid", "status", "segments", "price", "price_unit"];
    // Its messages can be listed by number and date.
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        let digits = self.to.strip_prefix('+').unwrap_or_default();
        let is_number = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        InvalidArgs::all([
            InvalidArgs::unless(
                is_number,
                "to",
                "is not a number in E.164, such as +4790000000: a plus, the country code and the rest, digits only",
            ),
            InvalidArgs::unless(
                self.from.as_deref().is_none_or(is_name),
                "from",
                "must be 1 to 64 characters of a-z, 0-9, _ and -",
            ),
            self.check_words(),
            self.check_variables(),
            self.check_media(),
        ])
    }
}

/// Number and text are personal.
impl fmt::Debug for SendSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSms").finish_non_exhaustive()
    }
}
