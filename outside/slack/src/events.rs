//! Slack's events: whoever mentions the app gets an answer.

use std::time::UNIX_EPOCH;

use longshore_integration::{Event, EventJob, Posted, Read, Refusal, Source};
use longshore_job::Prepared;
use longshore_provider::secret::{ExposeSecret, Secret};
use ring::hmac;
use serde::Deserialize;

use crate::PostMessage;

pub(crate) struct SlackEvents(pub(crate) Secret);

#[derive(Deserialize)]
struct Callback {
    event_id: String,
    event: Mention,
}

#[derive(Deserialize)]
struct Mention {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    channel: String,
}

impl Source for SlackEvents {
    fn read(&self, posted: &Posted<'_>) -> Result<Read, Refusal> {
        self.verify(posted)?;
        let callback: Callback = serde_json::from_slice(posted.body)
            .map_err(|_| Refusal::BadRequest("the body is no event"))?;
        let event = match callback.event.kind.as_str() {
            "app_mention" => {
                let reply = PostMessage {
                    channel: callback.event.channel,
                    text: "Aye.".to_owned(),
                };
                let job = Prepared::new(&reply)
                    .map_err(|_| Refusal::BadRequest("the event names no channel"))?;
                Event::Job(Box::new(EventJob {
                    job,
                    event: callback.event_id,
                }))
            }
            _ => Event::Ignored,
        };
        Ok(Read {
            events: vec![event],
            remarks: Vec::new(),
        })
    }
}

impl SlackEvents {
    /// `v0=` and an HMAC over `v0:<timestamp>:<body>`, not older than five minutes.
    fn verify(&self, posted: &Posted<'_>) -> Result<(), Refusal> {
        let header = |name: &str| {
            posted
                .head
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let (Some(time), Some(signature)) = (
            header("x-slack-request-timestamp"),
            header("x-slack-signature").and_then(|text| text.strip_prefix("v0=")),
        ) else {
            return Err(Refusal::BadSignature("a signature header is missing"));
        };
        let seconds: u64 = time
            .parse()
            .map_err(|_| Refusal::BadSignature("the timestamp is no time"))?;
        let now = posted
            .at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        if now.abs_diff(seconds) > 300 {
            return Err(Refusal::BadSignature(
                "the timestamp is more than 300 s from now",
            ));
        }
        let message = [b"v0:", time.as_bytes(), b":", posted.body].concat();
        let secret = self.0.current();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let signature =
            bytes(signature).ok_or(Refusal::BadSignature("the signature is not hexadecimal"))?;
        hmac::verify(&key, &message, &signature).map_err(|_| {
            Refusal::BadSignature("the signature does not match: the signing secret is another")
        })
    }
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hexadecimal
        .chars()
        .map(|digit| digit.to_digit(16))
        .collect();
    let pairs = digits?;
    let (pairs, rest) = pairs.as_chunks::<2>();
    let whole = rest.is_empty().then_some(pairs)?;
    whole
        .iter()
        .map(|[high, low]| u8::try_from(high << 4 | low).ok())
        .collect()
}
