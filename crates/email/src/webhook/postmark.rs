//! Postmark's events: what becomes of mails that went out by the fallback, and which addresses nothing is to be sent to any
//! more.
//!
//! Postmark signs nothing. It is known by the user and the password that stand in the webhook's URL there.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::header::AUTHORIZATION;
use http::request::Parts;
use longshore_integration::{
    DeliveryUpdate, Event, Posted, Read, Refusal, Remark, Source, SourceAnswer,
};
use longshore_job::{AddressHash, Suppress, SuppressedFor};
use longshore_provider::secret::{ExposeSecret, Secret};
use ring::digest;
use serde_json::Value;

use super::event::is_id;

/// Bounces of mailboxes that are not there, for good.
const HARD: [&str; 2] = ["HardBounce", "BadEmailAddress"];

/// Bounces that say nothing of tomorrow, and nothing of the address.
const SOFT: [&str; 13] = [
    "Transient",
    "DnsError",
    "SpamNotification",
    "Unknown",
    "SoftBounce",
    "VirusNotification",
    "ManuallyDeactivated",
    "Unconfirmed",
    "Blocked",
    "SMTPApiError",
    "InboundError",
    "DMARCPolicy",
    "TemplateRenderingFailed",
];

/// What machines answer to a mail that they have taken on.
const ANSWERS: [&str; 5] = [
    "Subscribe",
    "AutoResponder",
    "AddressChange",
    "OpenRelayTest",
    "ChallengeVerification",
];

/// What stands in an event that no mail has caused.
const NO_MESSAGE: &str = "00000000-0000-0000-0000-000000000000";

/// Postmark as a source of events.
pub struct PostmarkEvents {
    user: String,
    password: Secret,
}

impl PostmarkEvents {
    /// Events that come with this user and this password (HTTP basic authentication).
    #[must_use]
    pub fn new(user: String, password: Secret) -> Self {
        Self { user, password }
    }

    fn verify(&self, head: &Parts) -> Result<(), Refusal> {
        let mut values = head.headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(Refusal::BadSignature(
            "no Authorization header: write user and password into the webhook's URL at Postmark",
        ))?;
        let told = value.to_str().ok().and_then(|value| {
            let (scheme, told) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("basic").then_some(told)
        });
        let told = told.and_then(|told| BASE64_STANDARD.decode(told.trim()).ok());
        let password = self.password.current();
        let password = password.expose_secret();
        let expected = format!("{}:{password}", self.user);
        // Of their digests it may be seen how far they are alike.
        let is_ours = told.is_some_and(|told| digested(&told) == digested(expected.as_bytes()));
        match is_ours && !password.is_empty() && values.next().is_none() {
            true => Ok(()),
            false => Err(Refusal::BadSignature(
                "user or password are not those of providers.postmark.webhook_user and webhook_password",
            )),
        }
    }
}

fn digested(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

impl Source for PostmarkEvents {
    fn needs_public_url(&self) -> bool {
        false
    }

    /// Postmark posts again what was not answered with 200, as its documentation has it: a 204 might not do.
    fn answer(&self) -> Option<SourceAnswer> {
        Some(SourceAnswer {
            content_type: "text/plain",
            body: "taken\n",
        })
    }

    fn read(&self, posted: &Posted<'_>) -> Result<Read, Refusal> {
        self.verify(posted.head)?;
        let event: Value = serde_json::from_slice(posted.body)
            .map_err(|_| Refusal::BadRequest("the body is no event"))?;
        let read = read(&event);
        let remark = |what: &'static str| Remark { what, detail: None };
        let remarks = match &read {
            None => vec![remark("an event is of a kind that is not known here")],
            Some(Event::Unreadable) => vec![remark("an event cannot be read")],
            Some(_) => Vec::new(),
        };
        Ok(Read {
            events: vec![read.unwrap_or(Event::Ignored)],
            remarks,
        })
    }
}

impl fmt::Debug for PostmarkEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostmarkEvents").finish_non_exhaustive()
    }
}

/// How a mail stands, how far along that is (as SendGrid's events are ranked), the code, and why its address is suppressed.
struct Stands {
    state: &'static str,
    rank: u8,
    code: Option<&'static str>,
    suppress: Option<SuppressedFor>,
    is_over: bool,
}

impl Stands {
    const fn new(state: &'static str, rank: u8, suppress: Option<SuppressedFor>) -> Self {
        Self {
            state,
            rank,
            code: None,
            suppress,
            is_over: false,
        }
    }
}

/// One event; `None` for a kind that is not known.
pub(super) fn read(event: &Value) -> Option<Event> {
    let text = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let Some(record) = text("RecordType") else {
        return Some(Event::Unreadable);
    };
    let stands = match record {
        "Open" | "Click" => return Some(Event::Ignored),
        "Delivery" => Stands::new("delivered", 3, None),
        "Bounce" => match bounce(text("Type")?)? {
            Some(stands) => stands,
            None => return Some(Event::Ignored),
        },
        "SpamComplaint" => Stands::new("spamreport", 7, Some(SuppressedFor::SpamReport)),
        "SubscriptionChange" => match event["SuppressSending"].as_bool() {
            Some(suppresses) => subscription(suppresses, text("SuppressionReason")),
            None => return Some(Event::Unreadable),
        },
        _ => return None,
    };
    // Deliveries and changes name a recipient, bounces an address.
    let address = text("Email").or_else(|| text("Recipient"));
    let suppress = stands.suppress.zip(address).map(|(reason, address)| {
        let suppress = Suppress::new(AddressHash::of(address), reason).by_event(id_of(event));
        match stands.is_over {
            true => suppress.over(),
            false => suppress,
        }
    });
    if stands.suppress.is_some() && suppress.is_none() {
        return Some(Event::Unreadable);
    }
    let message = text("MessageID").filter(|id| *id != NO_MESSAGE && is_id(id));
    let job = event["Metadata"]["job_id"].as_str();
    Some(Event::Delivery(Box::new(DeliveryUpdate {
        message: message.map(str::to_owned),
        job: job.and_then(|id| id.parse().ok()),
        suppress,
        state: stands.state.to_owned(),
        rank: stands.rank,
        code: stands.code.map(str::to_owned),
    })))
}

/// What a bounce says; `Some(None)` where it is none.
#[expect(
    clippy::option_option,
    reason = "the outer one is a type that is not known"
)]
fn bounce(kind: &str) -> Option<Option<Stands>> {
    let find = |list: &'static [&'static str]| list.iter().copied().find(|known| *known == kind);
    if find(&ANSWERS).is_some() {
        return Some(None);
    }
    let with_code = |stands: Stands, code| {
        Some(Some(Stands {
            code: Some(code),
            ..stands
        }))
    };
    if let Some(code) = find(&HARD) {
        return with_code(Stands::new("bounce", 4, Some(SuppressedFor::Bounce)), code);
    }
    if let Some(code) = find(&SOFT) {
        return with_code(Stands::new("soft_bounce", 4, None), code);
    }
    Some(Some(match kind {
        "Unsubscribe" => Stands::new("unsubscribe", 5, Some(SuppressedFor::Unsubscribe)),
        "SpamComplaint" => Stands::new("spamreport", 7, Some(SuppressedFor::SpamReport)),
        _ => return None,
    }))
}

/// Who has the address, or an operator at Postmark, wants no more mail to it, or wants mail again. What a bounce or a
/// complaint put on our list stays there: Postmark says so where somebody takes it off there, and SendGrid does not know.
fn subscription(suppresses: bool, reason: Option<&str>) -> Stands {
    if !suppresses {
        return Stands {
            is_over: true,
            ..Stands::new("resubscribe", 6, Some(SuppressedFor::Unsubscribe))
        };
    }
    match reason {
        Some("HardBounce") => Stands::new("bounce", 4, Some(SuppressedFor::Bounce)),
        Some("SpamComplaint") => Stands::new("spamreport", 7, Some(SuppressedFor::SpamReport)),
        _ => Stands::new("unsubscribe", 5, Some(SuppressedFor::Unsubscribe)),
    }
}

/// What an event is known again by: a bounce has a number; a change has the mail and its time.
fn id_of(event: &Value) -> Option<String> {
    if let Some(id) = event["ID"].as_u64() {
        return Some(format!("postmark-{id}"));
    }
    let (message, at) = (event["MessageID"].as_str()?, event["ChangedAt"].as_str()?);
    let at: String = at.chars().filter(char::is_ascii_digit).take(20).collect();
    let id = format!("postmark-{message}-{at}");
    is_id(&id).then_some(id)
}

#[cfg(test)]
mod tests;
