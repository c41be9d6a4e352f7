//! One event: how a mail stands, and whether its address is to be left alone.

use longshore_integration::{DeliveryUpdate, Event, Read, Refusal, Remark};
use longshore_job::{AddressHash, Suppress, SuppressedFor};
use serde_json::Value;

/// How far along each state is. Events come in any order, and twice: only a higher rank overwrites. What a server has taken
/// on may still bounce, so that is later than `delivered`; of what SendGrid itself does not send there is one end only.
const RANKS: [(&str, u8); 10] = [
    ("processed", 1),
    ("deferred", 2),
    ("delivered", 3),
    ("bounce", 4),
    ("blocked", 4),
    ("dropped", 4),
    ("unsubscribe", 5),
    ("group_unsubscribe", 5),
    // Undoes what came before it.
    ("group_resubscribe", 6),
    ("spamreport", 7),
];

/// What a reader does with a mail. It says nothing of its delivery that `delivered` does not.
const ENGAGEMENT: [&str; 2] = ["open", "click"];

/// Why SendGrid drops a mail, and what that says of its address. The texts go to operators as they are.
const DROPPED_FOR: [(&str, Option<SuppressedFor>); 7] = [
    ("Bounced Address", Some(SuppressedFor::Bounce)),
    ("Spam Reporting Address", Some(SuppressedFor::SpamReport)),
    ("Unsubscribed Address", Some(SuppressedFor::Unsubscribe)),
    ("Invalid", None),
    ("Spam Content", None),
    ("Invalid SMTPAPI header", None),
    ("Recipient List over Package Quota", None),
];

/// The longest id that is believed. SendGrid says 100 characters.
const MAX_ID: usize = 128;

const UNREADABLE: &str = "an event of a list cannot be read";
const UNKNOWN: &str = "an event is of a kind that is not known here";

/// Reads a body that was verified. There may be a line end after the list.
pub(super) fn read_all(body: &[u8]) -> Result<Read, Refusal> {
    let list: Vec<Value> = serde_json::from_slice(body)
        .map_err(|_| Refusal::BadRequest("the body is no list of events"))?;
    let events: Vec<_> = list.iter().map(read).collect();
    let remark = |seen: bool, what: &'static str| seen.then_some(Remark { what, detail: None });
    let remarks = [
        remark(events.contains(&Some(Event::Unreadable)), UNREADABLE),
        remark(events.contains(&None), UNKNOWN),
    ];
    Ok(Read {
        remarks: remarks.into_iter().flatten().collect(),
        events: events
            .into_iter()
            .map(|event| event.unwrap_or(Event::Ignored))
            .collect(),
    })
}

/// One event; `None` for a kind that is not known.
///
/// There are more fields than are read here, among them whatever else was given as `custom_args`.
fn read(event: &Value) -> Option<Event> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let Some(kind) = text("event") else {
        return Some(Event::Unreadable);
    };
    if ENGAGEMENT.contains(&kind) {
        return Some(Event::Ignored);
    }
    // A soft one is a `bounce` of the type `blocked`.
    let state = match (kind, text("type")) {
        ("bounce", Some("blocked")) => "blocked",
        _ => kind,
    };
    let &(state, rank) = RANKS.iter().find(|(name, _)| *name == state)?;
    let dropped_for = || {
        let reason = text("reason")?;
        DROPPED_FOR.iter().find(|(known, _)| *known == reason)
    };
    let status = text("status").filter(|status| is_status(status));
    let (code, reason) = match state {
        "dropped" => {
            let known = dropped_for();
            (
                known.map(|(name, _)| *name),
                known.and_then(|(_, why)| *why),
            )
        }
        "bounce" => (status, hard(status).then_some(SuppressedFor::Bounce)),
        "blocked" => (status, None),
        "spamreport" => (None, Some(SuppressedFor::SpamReport)),
        // From all mail: SendGrid drops any, so the fallback must not send any either. Who leaves a group still gets other
        // mails, and those of the group go by SendGrid alone, which drops them.
        "unsubscribe" => (None, Some(SuppressedFor::Unsubscribe)),
        _ => (None, None),
    };
    let suppress = reason.and_then(|reason| {
        let address = text("email").filter(|address| !address.is_empty())?;
        let event = text("sg_event_id").filter(|id| is_id(id));
        Some(Suppress::new(AddressHash::of(address), reason).by_event(event.map(str::to_owned)))
    });
    if reason.is_some() && suppress.is_none() {
        return Some(Event::Unreadable);
    }
    Some(Event::Delivery(Box::new(DeliveryUpdate {
        message: text("sg_message_id").and_then(message),
        job: text("job_id").and_then(|id| id.parse().ok()),
        suppress,
        state: state.to_owned(),
        rank,
        code: code.map(str::to_owned),
    })))
}

/// The id of the message: what stands before the first dot. The rest says which machines it went by.
fn message(id: &str) -> Option<String> {
    let id = id.split('.').next().unwrap_or_default();
    is_id(id).then(|| id.to_owned())
}

/// Something that may stand in a key. Ids are base64, in the form for URLs.
pub(super) fn is_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'=');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(fits)
}

/// `5.1.1`: three numbers, as mail servers have them.
fn is_status(status: &str) -> bool {
    let number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    status.split('.').count() == 3 && status.split('.').all(number)
}

/// For good: what begins with 4 may be another tomorrow.
fn hard(status: Option<&str>) -> bool {
    status.is_some_and(|status| status.starts_with("5."))
}

#[cfg(test)]
mod tests;
