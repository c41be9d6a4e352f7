//! A message in Twilio's words.

use std::time::SystemTime;

use jiff::fmt::rfc2822;
use longshore_job::{Answer, Outcome};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The provider's name, as configuration and metrics have it.
pub(crate) const NAME: &str = "twilio";

/// Reads Twilio's dates, which are those of mail.
static DATES: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new();

/// The longest sid that is believed; they are 34 characters long.
const MAX_SID_BYTES: usize = 64;

/// What matters of a message resource. All but the sid may be absent, and numbers come as texts.
#[derive(Deserialize)]
pub(crate) struct Message {
    pub(crate) sid: Sid,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default)]
    direction: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    date_created: Option<String>,
    #[serde(default)]
    num_media: Value,
    #[serde(default)]
    num_segments: Value,
    #[serde(default)]
    price: Value,
    #[serde(default)]
    price_unit: Value,
}

/// A message's id: `SM`, or `MM` where there are pictures, and 32 hexadecimal digits. It becomes a key in Redis, so
/// anything odd is refused.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Sid(String);

#[derive(Debug, thiserror::Error)]
#[error("not the sid of a message")]
pub(crate) struct InvalidSid;

impl TryFrom<String> for Sid {
    type Error = InvalidSid;

    fn try_from(text: String) -> Result<Self, InvalidSid> {
        let named = text.starts_with("SM") || text.starts_with("MM");
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
        match named && plain && text.len() <= MAX_SID_BYTES {
            true => Ok(Self(text)),
            false => Err(InvalidSid),
        }
    }
}

impl Sid {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Message {
    /// Whether it was sent rather than received.
    pub(crate) fn is_outbound(&self) -> bool {
        let direction = self.direction.as_deref();
        direction.is_some_and(|direction| direction.starts_with("outbound"))
    }

    /// Whether it has so many pictures and the like; also where Twilio does not say.
    pub(crate) fn may_have_media(&self, count: usize) -> bool {
        number(&self.num_media).is_none_or(|found| usize::try_from(found) == Ok(count))
    }

    /// When Twilio took it on, to the second.
    pub(crate) fn created(&self) -> Option<SystemTime> {
        let time = DATES.parse_timestamp(self.date_created.as_deref()?).ok()?;
        time.try_into().ok()
    }

    /// How many segments Twilio takes money for: at least one, where it does not say so yet.
    pub(crate) fn segments(&self) -> u64 {
        let segments = number(&self.num_segments);
        segments.map_or(1, |segments| segments.max(1))
    }

    /// The outcome of a job whose message this is. `status` is that of the answer to its own request.
    pub(crate) fn done(self, status: Option<u16>) -> Outcome {
        let mut result = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                result.insert(name.to_owned(), value);
            }
        };
        put("sid", Some(self.sid.0.clone().into()));
        put("status", self.status.map(Value::from));
        // With a messaging service it is 0 until a sender is picked: not known.
        let segments = number(&self.num_segments).filter(|&segments| segments > 0);
        put("segments", segments.map(Value::from));
        if let Some(price) = text(&self.price) {
            put("price", Some(price.into()));
            put("price_unit", text(&self.price_unit).map(Value::from));
        }
        done(self.sid.0, Value::Object(result), status)
    }
}

/// The outcome of a job whose message is known by its sid alone.
pub(crate) fn done_as(sid: String) -> Outcome {
    let result = serde_json::json!({ "sid": sid });
    done(sid, result, None)
}

fn done(sid: String, result: Value, status: Option<u16>) -> Outcome {
    Outcome::Done {
        result: Some(result),
        answer: Answer {
            status,
            request_id: Some(sid),
            ..Answer::of(NAME)
        },
    }
}

/// A number, also one that is written as a text.
fn number(value: &Value) -> Option<u64> {
    let text = || value.as_str()?.parse().ok();
    value.as_u64().or_else(text)
}

/// A text, also of a number; `None` when there is nothing in it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(fields: Value) -> Option<Message> {
        serde_json::from_value(fields).ok()
    }

    #[test]
    fn results_say_what_twilio_said() {
        let answer = |status| Answer {
            status,
            request_id: Some("SM1".to_owned()),
            ..Answer::of("twilio")
        };
        for (fields, result) in [
            (
                json!({ "sid": "SM1", "status": "queued", "num_segments": "2", "price": null, "price_unit": "USD" }),
                json!({ "sid": "SM1", "status": "queued", "segments": 2 }),
            ),
            (
                json!({ "sid": "SM1", "status": "accepted", "num_segments": "0" }),
                json!({ "sid": "SM1", "status": "accepted" }),
            ),
            (
                json!({ "sid": "SM1", "status": "sent", "num_segments": 1, "price": "-0.00790", "price_unit": "USD" }),
                json!({ "sid": "SM1", "status": "sent", "segments": 1, "price": "-0.00790", "price_unit": "USD" }),
            ),
            (
                json!({ "sid": "SM1", "status": null, "num_segments": "many" }),
                json!({ "sid": "SM1" }),
            ),
        ] {
            let outcome = message(fields).expect("a message").done(Some(201));
            let expected = Outcome::Done {
                result: Some(result),
                answer: answer(Some(201)),
            };
            assert_eq!(outcome, expected);
        }
        let expected = Outcome::Done {
            result: Some(json!({ "sid": "SM1" })),
            answer: answer(None),
        };
        assert_eq!(done_as("SM1".to_owned()), expected);
    }

    #[test]
    fn sids_are_those_of_messages() {
        for (sid, is_one) in [
            ("SM0123456789abcdef0123456789abcdef", true),
            ("MM0123456789abcdef0123456789abcdef", true),
            ("AC0123456789abcdef0123456789abcdef", false),
            ("SM{x}", false),
            ("SM\n", false),
            ("", false),
            (&*format!("SM{}", "0".repeat(63)), false),
        ] {
            assert_eq!(message(json!({ "sid": sid })).is_some(), is_one, "{sid:?}");
        }
        assert!(message(json!({ "sid": null })).is_none());
        assert!(message(json!({ "status": "queued" })).is_none());
    }

    #[test]
    fn dates_are_read_to_the_second() {
        let created = |date: &str| {
            let fields = json!({ "sid": "SM1", "date_created": date });
            let time = message(fields).expect("a message").created()?;
            let since = time.duration_since(SystemTime::UNIX_EPOCH);
            Some(since.expect("after 1970").as_secs())
        };
        let noon = Some(1_795_435_200);
        assert_eq!(created("Mon, 23 Nov 2026 12:00:00 +0000"), noon);
        assert_eq!(created("Mon, 23 Nov 2026 13:00:00 +0100"), noon);
        assert_eq!(created("2026-11-23"), None);
    }
}
