//! The form of a new message, checked the way Twilio does.

use std::collections::HashMap;

use longshore_sandbox::post::Url;

use super::message::TwilioContent;
use super::problem::Problem;

/// The longest text, in characters.
const MAX_BODY_CHARS: usize = 1600;

/// The most media of one message.
const MAX_MEDIA: usize = 10;

/// A form that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewMessage {
    pub(super) to: String,
    pub(super) from: Option<String>,
    pub(super) messaging_service_sid: Option<String>,
    pub(super) body: String,
    pub(super) media: Vec<String>,
    pub(super) content: Option<TwilioContent>,
    pub(super) status_callback: Option<String>,
}

impl NewMessage {
    /// Reads and checks a form.
    pub(super) fn read(form: &[u8]) -> Result<Self, Problem> {
        let mut fields: HashMap<String, String> = form_urlencoded::parse(form)
            .into_owned()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let media = form_urlencoded::parse(form).filter(|(name, _)| name == "MediaUrl");
        let media: Vec<String> = media.map(|(_, url)| url.into_owned()).collect();
        if media.len() > MAX_MEDIA {
            return Err(Problem::bad(
                21623,
                "The number of media files exceeds the allowed limit.",
            ));
        }
        if media.iter().any(|url| Url::parse(url).is_err()) {
            return Err(Problem::bad(21620, "Invalid media URL(s)"));
        }
        let mut take = |name: &str| fields.remove(name);

        let to =
            take("To").ok_or_else(|| Problem::bad(21604, "A 'To' phone number is required."))?;
        let from = take("From");
        let messaging_service_sid = take("MessagingServiceSid");
        if from.is_none() && messaging_service_sid.is_none() {
            return Err(Problem::bad(21603, "A 'From' phone number is required."));
        }
        let content = content(take("ContentSid"), take("ContentVariables").as_deref())?;
        let body = match take("Body") {
            Some(body) => body,
            // What the template's text became is Twilio's own business.
            None if content.is_some() => "A template, filled in.".to_owned(),
            None if !media.is_empty() => String::new(),
            None => return Err(Problem::bad(21602, "Message body is required.")),
        };
        if body.chars().count() > MAX_BODY_CHARS {
            return Err(Problem::bad(
                21617,
                "The concatenated message body exceeds the 1600 character limit.",
            ));
        }
        let status_callback = take("StatusCallback");
        if let Some(url) = &status_callback
            && Url::parse(url).is_err()
        {
            let message = format!("The 'StatusCallback' URL {url} is not a valid URL.");
            return Err(Problem::bad(21609, message));
        }
        if let Some(from) = &from {
            check_from(from)?;
        }
        check_to(&to)?;
        Ok(Self {
            to,
            from,
            messaging_service_sid,
            body,
            media,
            content,
            status_callback,
        })
    }

    /// The job that asked for it: the `job` in the query of its status callback.
    pub(super) fn job(&self) -> Option<String> {
        let url = Url::parse(self.status_callback.as_deref()?).ok()?;
        let mut pairs = url.query_pairs();
        let (_, job) = pairs.find(|(name, _)| name == "job")?;
        Some(job.into_owned())
    }
}

/// A template of the account, and what it is filled with.
fn content(sid: Option<String>, variables: Option<&str>) -> Result<Option<TwilioContent>, Problem> {
    let Some(sid) = sid else {
        return Ok(None);
    };
    let rest = sid.strip_prefix("HX").unwrap_or_default();
    if rest.len() != 32 || !rest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Problem::bad(21655, "The ContentSid is Invalid."));
    }
    let variables = variables.map(serde_json::from_str).transpose();
    let variables =
        variables.map_err(|_| Problem::bad(21656, "The ContentVariables Parameter is invalid."))?;
    Ok(Some(TwilioContent {
        sid,
        variables: variables.unwrap_or_default(),
    }))
}

/// Twilio's magic numbers to send from, and others that cannot be sent from.
fn check_from(from: &str) -> Result<(), Problem> {
    let is_number = !from.starts_with('+') || is_e164(from);
    match from {
        "+15005550001" => Err(invalid_from(from)),
        "+15005550007" => Err(Problem::bad(
            21606,
            format!(
                "The 'From' phone number {from} is not a valid, message-capable Twilio phone number."
            ),
        )),
        "+15005550008" => Err(Problem::new(
            429,
            21611,
            format!("This 'From' number {from} has exceeded the maximum number of queued messages"),
        )),
        _ if !is_number => Err(invalid_from(from)),
        _ => Ok(()),
    }
}

fn invalid_from(from: &str) -> Problem {
    let message = format!(
        "The 'From' number {from} is not a valid phone number, shortcode, or alphanumeric sender ID."
    );
    Problem::bad(21212, message)
}

/// Twilio's magic numbers to send to, and what is no number.
fn check_to(to: &str) -> Result<(), Problem> {
    match to {
        "+15005550002" => Err(Problem::bad(
            21612,
            format!(
                "The 'To' phone number: {to}, is not currently reachable using the 'From' phone number"
            ),
        )),
        "+15005550003" => Err(Problem::bad(
            21408,
            format!(
                "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}"
            ),
        )),
        "+15005550004" => Err(Problem::bad(
            21610,
            format!("Attempt to send to unsubscribed recipient {to}"),
        )),
        "+15005550009" => Err(Problem::bad(
            21614,
            format!("'To' number {to} is not a valid mobile number"),
        )),
        _ if to == "+15005550001" || !is_e164(to) => Err(Problem::bad(
            21211,
            format!("The 'To' number {to} is not a valid phone number."),
        )),
        _ => Ok(()),
    }
}

fn is_e164(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
}
