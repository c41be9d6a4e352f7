//! `send_email`: one templated email to one recipient, with copies for others.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use longshore_job::{InvalidArgs, Job, PersonArg, Priority};
use serde::{Deserialize, Serialize};

use super::attachment::{self, Attachment};
use super::data::TemplateData;
use super::options::{self, UnsubscribeGroup};
use super::recipient::{self, Recipient};

/// The template of a mail with a link to reset a password.
const PASSWORD_RESET: &str = "password_reset";

/// A link to reset a password is worthless after half an hour.
const PASSWORD_RESET_EXPIRES: Duration = Duration::from_secs(30 * 60);

/// Sends one email by template. One request to the provider per job.
///
/// ```
/// use longshore_email::SendEmail;
/// use serde_json::json;
///
/// let job = SendEmail::new("welcome", "ada@example.com")
///     .name("Ada")
///     .data(json!({ "firstName": "Ada" }));
/// assert_eq!(job.template, "welcome");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with template, to, data, and options such as cc"
)]
pub struct SendEmail {
    /// The template's name, which configuration maps to the provider's id: 1–64 characters of `a–z 0–9 _ -`.
    pub template: String,
    /// Who gets it.
    pub to: Recipient,
    /// What the template is filled with; reaches it unchanged.
    pub data: TemplateData,
    /// What goes along with it: at most 10 files, and 10 MiB together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Who gets a copy. With `to` and `bcc` 1,000 addresses at the most, each of them once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Recipient>,
    /// Who gets a copy that the others do not see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<Recipient>,
    /// Where an answer goes; to the sender, if this is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Recipient>,
    /// Who it is from: the name of one of `email.senders`; `email.from`, if this is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its subject, where the template has none: 1–998 characters on one line. A template's own subject wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What statistics sort it under: at most 10 categories, of 1–255 characters each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// More headers: at most 20, of printable ASCII. Not those that the mail has from elsewhere, such as `Reply-To`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What its recipient can unsubscribe from. Only SendGrid knows such groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribe_group: Option<UnsubscribeGroup>,
}

impl SendEmail {
    /// An email by this template to this address, with no data.
    #[must_use]
    pub fn new(template: impl Into<String>, email: impl Into<String>) -> Self {
        Self {
            template: template.into(),
            to: Recipient::new(email),
            data: serde_json::Value::Object(serde_json::Map::new()).into(),
            attachments: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: None,
            from: None,
            subject: None,
            categories: Vec::new(),
            headers: BTreeMap::new(),
            unsubscribe_group: None,
        }
    }

    /// Attaches a file from the bucket of exports, or else of uploads.
    #[must_use]
    pub fn attach(
        mut self,
        s3_key: impl Into<String>,
        filename: impl Into<String>,
        content_type: impl Into<String>,
    ) -> Self {
        self.attachments.push(Attachment {
            s3_key: s3_key.into(),
            filename: filename.into(),
            content_type: content_type.into(),
        });
        self
    }

    /// Sets the recipient's name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.to.name = Some(name.into());
        self
    }

    /// Sets what the template is filled with: a JSON object.
    #[must_use]
    pub fn data(mut self, data: impl Into<TemplateData>) -> Self {
        self.data = data.into();
        self
    }

    /// Adds somebody who gets a copy.
    #[must_use]
    pub fn cc(mut self, recipient: impl Into<Recipient>) -> Self {
        self.cc.push(recipient.into());
        self
    }

    /// Adds somebody who gets a copy that the others do not see.
    #[must_use]
    pub fn bcc(mut self, recipient: impl Into<Recipient>) -> Self {
        self.bcc.push(recipient.into());
        self
    }

    /// Sets where an answer goes.
    #[must_use]
    pub fn reply_to(mut self, recipient: impl Into<Recipient>) -> Self {
        self.reply_to = Some(recipient.into());
        self
    }

    /// Sets who it is from: the name of one of `email.senders`.
    #[must_use]
    pub fn from(mut self, sender: impl Into<String>) -> Self {
        self.from = Some(sender.into());
        self
    }

    /// Sets the subject, where the template has none.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Adds a category.
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.categories.push(category.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Sets what its recipient can unsubscribe from.
    #[must_use]
    pub fn unsubscribe_group(mut self, group: impl Into<UnsubscribeGroup>) -> Self {
        self.unsubscribe_group = Some(group.into());
        self
    }

    /// How many addresses it goes to.
    #[must_use]
    pub fn addresses(&self) -> usize {
        1 + self.cc.len() + self.bcc.len()
    }
}

/// Whether a name is one that a template, a sender and the like may have.
fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

impl Job for SendEmail {
    const KIND: &'static str = "send_email";
    const QUEUE: &'static str = "email";
    const PUBLIC_ARGS: &'static [&'static str] = &["template", "from", "unsubscribe_group"];
    const PERSON_ARGS: &'static [PersonArg] = &[
        PersonArg::email("to.email"),
        PersonArg::email("cc.email").beside(),
        PersonArg::email("bcc.email").beside(),
        PersonArg::email("reply_to.email").beside(),
    ];
    const PUBLIC_RESULT: &'static [&'static str] = &["message_id", "left_out"];
    const SHORTEST_EXPIRY: Option<Duration> = Some(PASSWORD_RESET_EXPIRES);

    fn check(&self) -> Result<(), InvalidArgs> {
        let name = "must be 1 to 64 characters of a-z, 0-9, _ and -";
        let from_fits = self.from.as_deref().is_none_or(is_name);
        InvalidArgs::all([
            InvalidArgs::unless(is_name(&self.template), "template", name),
            recipient::check(&self.to, &self.cc, &self.bcc, self.reply_to.as_ref()),
            InvalidArgs::unless(from_fits, "from", name),
            self.subject
                .as_deref()
                .map_or(Ok(()), options::check_subject),
            options::check_categories(&self.categories),
            options::check_headers(&self.headers),
            self.unsubscribe_group
                .as_ref()
                .map_or(Ok(()), UnsubscribeGroup::check),
            attachment::check(&self.attachments),
            self.data.check(),
        ])
    }

    /// Other mails than those with a link to reset a password do not expire by themselves.
    fn expires_in(&self) -> Option<Duration> {
        (self.template == PASSWORD_RESET).then_some(PASSWORD_RESET_EXPIRES)
    }

    /// Whoever has forgotten a password waits for the mail at the screen.
    fn priority(&self) -> Priority {
        match self.template == PASSWORD_RESET {
            true => Priority::High,
            false => Priority::Normal,
        }
    }
}

/// Names the template only: the rest is personal.
impl fmt::Debug for SendEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendEmail")
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}
