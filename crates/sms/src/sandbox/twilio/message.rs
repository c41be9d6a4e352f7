//! One message, as Twilio keeps it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::segments::segments;

/// The number that a messaging service picks.
const POOL_NUMBER: &str = "+15005550006";

/// What one segment costs, in hundred-thousandths of a dollar.
const SEGMENT_PRICE: usize = 790;

/// The template that a message was made by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioContent {
    /// `HX` and 32 hexadecimal digits.
    pub sid: String,
    /// What it was filled with.
    pub variables: BTreeMap<String, String>,
}

/// One message at the Twilio stand-in.
#[derive(Clone, PartialEq, Eq)]
pub struct TwilioMessage {
    /// `SM` and 32 hexadecimal digits.
    pub sid: String,
    /// Whose it is.
    pub account_sid: String,
    /// The number it is for.
    pub to: String,
    /// The number it is from; none while a messaging service has not picked one.
    pub from: Option<String>,
    /// The messaging service it was given to.
    pub messaging_service_sid: Option<String>,
    /// The text.
    pub body: String,
    /// The URLs of what goes with it.
    pub media: Vec<String>,
    /// The template, if it was made by one.
    pub content: Option<TwilioContent>,
    /// `accepted`, `queued`, `sent`, `delivered`, `undelivered`, …
    pub status: String,
    /// `outbound-api` for what came through the API, `inbound`, `outbound-reply`, `outbound-call`.
    pub direction: String,
    /// When it was created.
    pub created: SystemTime,
    /// When it was sent on; none while it is queued.
    pub sent: Option<SystemTime>,
    /// Why it was not delivered.
    pub error_code: Option<u32>,
    /// The URL that is told about it, with its fragment.
    pub status_callback: Option<String>,
    /// The auth token it was created with, which its callbacks are signed with unless another one was set.
    pub(super) auth_token: Option<String>,
}

/// A message that is to be there without having been asked for through the API.
#[derive(Clone, PartialEq, Eq)]
pub struct PlantedMessage {
    /// Whose it is.
    pub account_sid: String,
    /// The number it is for.
    pub to: String,
    /// The text.
    pub body: String,
    /// `delivered` unless it is changed.
    pub status: String,
    /// `outbound-api` unless it is changed.
    pub direction: String,
    /// When it was created; now unless it is changed.
    pub created: SystemTime,
    /// When it was sent on; `None` is a message that still waits for it.
    pub sent: Option<SystemTime>,
}

impl PlantedMessage {
    /// A message that was created now, and delivered at once.
    #[must_use]
    pub fn new(
        account_sid: impl Into<String>,
        to: impl Into<String>,
        body: impl Into<String>,
    ) -> Self {
        let now = SystemTime::now();
        Self {
            account_sid: account_sid.into(),
            to: to.into(),
            body: body.into(),
            status: "delivered".to_owned(),
            direction: "outbound-api".to_owned(),
            created: now,
            sent: Some(now),
        }
    }

    /// The same, created and sent at this time.
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        self.created = time;
        self.sent = Some(time);
        self
    }

    /// The same, but still waiting to be sent on.
    #[must_use]
    pub fn queued(mut self) -> Self {
        "queued".clone_into(&mut self.status);
        self.sent = None;
        self
    }

    pub(super) fn under(self, sid: String) -> TwilioMessage {
        TwilioMessage {
            sid,
            account_sid: self.account_sid,
            to: self.to,
            from: Some(POOL_NUMBER.to_owned()),
            messaging_service_sid: None,
            body: self.body,
            media: Vec::new(),
            content: None,
            status: self.status,
            direction: self.direction,
            created: self.created,
            sent: self.sent,
            error_code: None,
            status_callback: None,
            auth_token: None,
        }
    }
}

impl TwilioMessage {
    /// It goes out: a sender is picked, and it has a price from now on.
    pub(super) fn send(&mut self) {
        "sent".clone_into(&mut self.status);
        self.sent = Some(SystemTime::now());
        self.from.get_or_insert_with(|| POOL_NUMBER.to_owned());
    }

    /// How it ends: delivered, or not for this reason.
    pub(super) fn end(&mut self, error_code: Option<u32>) {
        let status = match error_code {
            None => "delivered",
            Some(_) => "undelivered",
        };
        status.clone_into(&mut self.status);
        self.error_code = error_code;
    }

    /// Its path at the API.
    pub(super) fn uri(&self) -> String {
        let (account, sid) = (&self.account_sid, &self.sid);
        format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json")
    }

    /// As the API shows it.
    pub(super) fn to_json(&self) -> Value {
        let segments = match self.messaging_service_sid.is_some() && self.sent.is_none() {
            // Nobody knows before a sender is picked.
            true => 0,
            false => segments(&self.body),
        };
        let price = self.sent.map(|_| price(segments));
        let media = self.uri().replace(".json", "/Media.json");
        json!({
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": rfc_2822(self.created),
            "date_sent": self.sent.map(rfc_2822),
            "date_updated": rfc_2822(self.sent.unwrap_or(self.created)),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": null,
            "from": self.from,
            "messaging_service_sid": self.messaging_service_sid,
            "num_media": self.media.len().to_string(),
            "num_segments": segments.to_string(),
            "price": price,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": { "media": media },
            "to": self.to,
            "uri": self.uri(),
        })
    }
}

/// `-0.00790`: what is taken off the balance.
fn price(segments: usize) -> String {
    let price = segments * SEGMENT_PRICE;
    format!("-{}.{:05}", price / 100_000, price % 100_000)
}

/// `Mon, 23 Nov 2026 12:00:00 +0000`
fn rfc_2822(time: SystemTime) -> String {
    formatted(time, "%a, %d %b %Y %H:%M:%S +0000")
}

/// The GMT date: `2026-11-23`.
pub(super) fn date(time: SystemTime) -> String {
    formatted(time, "%Y-%m-%d")
}

fn formatted(time: SystemTime, format: &str) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    time.strftime(format).to_string()
}

/// Number and text are personal.
impl fmt::Debug for TwilioMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioMessage")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}

/// Number and text are personal.
impl fmt::Debug for PlantedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlantedMessage")
            .field("status", &self.status)
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}
