//! `send_sms`: one text message to one number.

use std::fmt;

use serde::{Deserialize, Serialize};

use longshore_job::{InvalidArgs, Job, PersonArg};

/// The longest body, in characters: what Twilio sends as one concatenated message.
const MAX_BODY_CHARS: usize = 1600;

/// Sends one text message. One request to the provider per job.
///
/// ```
/// use longshore_sms::SendSms;
///
/// let job = SendSms::new("+4790000000", "Your table is ready.");
/// assert_eq!(job.to, "+4790000000");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with to and body")]
pub struct SendSms {
    /// The number in E.164: `+`, the country code and the rest, 7 to 15 digits in all.
    pub to: String,
    /// The text: 1–1,600 characters, not only blanks.
    pub body: String,
}

impl SendSms {
    /// This text to this number.
    #[must_use]
    pub fn new(to: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            to: to.into(),
            body: body.into(),
        }
    }
}

impl Job for SendSms {
    const KIND: &'static str = "send_sms";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
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
        let chars = self.body.chars().count();
        let body = match () {
            () if self.body.trim().is_empty() => Err(InvalidArgs::field("body", "is empty")),
            () => InvalidArgs::unless(
                chars <= MAX_BODY_CHARS,
                "body",
                format_args!("has {chars} characters, at most {MAX_BODY_CHARS} can be sent"),
            ),
        };
        InvalidArgs::all([
            InvalidArgs::unless(
                is_number,
                "to",
                "is not a number in E.164, such as +4790000000: a plus, the country code and the rest, digits only",
            ),
            body,
            InvalidArgs::unless(
                !self.body.contains('\0'),
                "body",
                "has a character NUL, which no phone shows",
            ),
        ])
    }
}

/// Number and text are personal.
impl fmt::Debug for SendSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSms").finish_non_exhaustive()
    }
}
