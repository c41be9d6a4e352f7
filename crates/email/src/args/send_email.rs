//! `send_email`: one templated email to one recipient.

use std::fmt;
use std::time::Duration;

use longshore_job::{InvalidArgs, Job, PersonArg, Priority, explain, is_email_address};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::attachment::{self, Attachment};

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
    expecting = "an object with template, to, data and perhaps attachments"
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
}

/// An address and the name to show with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with email and perhaps name"
)]
pub struct Recipient {
    /// The address, `local@domain.tld`.
    pub email: String,
    /// The name, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A JSON object kept as it was written, so that `1.10` stays `1.10` and keys keep their order.
#[derive(Clone, Serialize, Deserialize)]
// By this name the kind's schema knows that it is an object.
#[serde(rename = "JSON object")]
pub struct TemplateData(Box<RawValue>);

impl TemplateData {
    /// The JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl From<serde_json::Value> for TemplateData {
    fn from(value: serde_json::Value) -> Self {
        let text = value.to_string();
        // A `Value` always writes itself as valid JSON; `null` is refused by `check` like any non-object.
        Self(RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl PartialEq for TemplateData {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for TemplateData {}

impl SendEmail {
    /// An email by this template to this address, with no data.
    #[must_use]
    pub fn new(template: impl Into<String>, email: impl Into<String>) -> Self {
        Self {
            template: template.into(),
            to: Recipient {
                email: email.into(),
                name: None,
            },
            data: serde_json::Value::Object(serde_json::Map::new()).into(),
            attachments: Vec::new(),
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
}

/// Parsed only to check it: this also bounds the nesting (128 levels).
fn check_data(data: &str) -> Result<(), InvalidArgs> {
    // Half a surrogate pair and a number that no double holds are JSON by its grammar, and no provider takes them.
    let read = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(data);
    read.map(drop).map_err(|error| {
        let why = explain(&error);
        let what = format!("must be a JSON object nested at most 127 levels deep: {why}");
        InvalidArgs::field("data", what)
    })
}

impl Job for SendEmail {
    const KIND: &'static str = "send_email";
    const QUEUE: &'static str = "email";
    const PUBLIC_ARGS: &'static [&'static str] = &["template"];
    const PERSON_ARGS: &'static [PersonArg] = &[PersonArg::email("to.email")];
    const PUBLIC_RESULT: &'static [&'static str] = &["message_id"];
    const SHORTEST_EXPIRY: Option<Duration> = Some(PASSWORD_RESET_EXPIRES);

    fn check(&self) -> Result<(), InvalidArgs> {
        let template_fits = (1..=64).contains(&self.template.len())
            && self
                .template
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        let name_fits =
            |name: &String| name.chars().count() <= 256 && !name.chars().any(char::is_control);
        InvalidArgs::all([
            InvalidArgs::unless(
                template_fits,
                "template",
                "must be 1 to 64 characters of a-z, 0-9, _ and -",
            ),
            InvalidArgs::unless(
                is_email_address(&self.to.email),
                "to.email",
                "is not an email address of the form local@domain.tld",
            ),
            InvalidArgs::unless(
                self.to.name.as_ref().is_none_or(name_fits),
                "to.name",
                "must be at most 256 characters without control characters",
            ),
            attachment::check(&self.attachments),
            check_data(self.data.get()),
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

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient").finish_non_exhaustive()
    }
}

impl fmt::Debug for TemplateData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateData")
            .field("bytes", &self.get().len())
            .finish()
    }
}
