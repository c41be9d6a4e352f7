//! The lists of addresses and numbers that nothing is sent to: mail to them bounced, or who has them does not want any.
//!
//! They are the map [`SUPPRESSED`] of the queues `email` and `sms`: the listener for events writes them, `send_email` and
//! `send_sms` ask them, operators see and change them. This is what they agree on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The map that has the list: [`AddressHash`] → [`Suppression`] in JSON.
pub const SUPPRESSED: &str = "suppressed";

/// SHA-256 of an address, in 64 hexadecimal digits: what the list knows of it.
///
/// The address is trimmed and in lower case first: `Ada@Example.com` and `ada@example.com` are one mailbox wherever mail
/// is delivered today. Nothing else is folded (dots, `+tags`): that is for each provider to say.
///
/// It keeps addresses out of sight: of operators, of logs, of whoever reads a dump. It does *not* make them anonymous:
/// addresses can be guessed, and who has the list can find out of each guess whether it is on it. A key would not change
/// that for anybody who reads our Redis and our configuration, and would lose the list when it changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressHash(String);

/// Not the hash of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the hash of an address, which is 64 characters of 0-9 and a-f")]
pub struct InvalidAddressHash;

impl AddressHash {
    /// The hash of an address, or of a number in E.164.
    #[cfg(feature = "suppression")]
    #[must_use]
    pub fn of(address: &str) -> Self {
        Self(sha256(&address.trim().to_lowercase()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256 of a text, in 64 hexadecimal digits.
#[cfg(feature = "suppression")]
pub(crate) fn sha256(text: &str) -> String {
    use fmt::Write;
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl FromStr for AddressHash {
    type Err = InvalidAddressHash;

    fn from_str(text: &str) -> Result<Self, InvalidAddressHash> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 64 && text.bytes().all(digit) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidAddressHash),
        }
    }
}

impl fmt::Display for AddressHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an address is on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuppressedFor {
    /// A mail to it could not be delivered, and none will be.
    Bounce,
    /// Who has it called a mail spam.
    SpamReport,
    /// Who has it wants no more mail.
    Unsubscribe,
    /// Who has the number wants no more texts: they answered STOP, or Twilio says so.
    OptOut,
    /// An operator put it there.
    Operator,
}

impl SuppressedFor {
    /// As it is written down.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::SpamReport => "spam_report",
            Self::Unsubscribe => "unsubscribe",
            Self::OptOut => "opt_out",
            Self::Operator => "operator",
        }
    }
}

/// An address or a number that gets onto the list of those that nothing is sent to, or off it, in the same step as the
/// update says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppress {
    /// The address.
    pub address: AddressHash,
    /// Why.
    pub reason: SuppressedFor,
    /// The provider's id of the event, if it has one. Known for seven days, so that an event that comes again does not
    /// undo that an operator took the address off the list.
    pub event: Option<String>,
    /// The reason is over: it comes off the list, if it is there for this reason. What it is there for otherwise stays.
    pub is_over: bool,
}

impl Suppress {
    /// This address gets onto the list. No event says so that could come again.
    #[must_use]
    pub fn new(address: AddressHash, reason: SuppressedFor) -> Self {
        Self {
            address,
            reason,
            event: None,
            is_over: false,
        }
    }

    /// The same, by the event with this id.
    #[must_use]
    pub fn by_event(self, event: Option<String>) -> Self {
        Self { event, ..self }
    }

    /// The reason is over.
    #[must_use]
    pub fn over(self) -> Self {
        Self {
            is_over: true,
            ..self
        }
    }
}

/// What the list says of an address. Whatever stands there, the address is on it: this is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Why: a word of [`SuppressedFor`].
    pub reason: String,
    /// Since when, in ms since the epoch.
    pub at: u64,
    /// The job whose mail it was, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

impl Suppression {
    /// An entry that is written now, by this process's clock.
    #[must_use]
    pub fn now(reason: SuppressedFor, job: Option<String>) -> Self {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self {
            reason: reason.as_str().to_owned(),
            at: u64::try_from(since.as_millis()).unwrap_or_default(),
            job,
        }
    }

    /// As it is written down.
    #[must_use]
    pub fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads an entry; `None` when it is none.
    #[must_use]
    pub fn read(value: &str) -> Option<Self> {
        serde_json::from_str(value).ok()
    }
}

#[cfg(all(test, feature = "suppression"))]
mod tests {
    use super::*;

    /// By `printf %s ada@example.com | sha256sum`.
    const ADA: &str = "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72";

    #[test]
    fn an_address_has_one_hash_however_it_is_written() {
        for ada in ["ada@example.com", "Ada@Example.COM", " ada@example.com\r\n"] {
            assert_eq!(AddressHash::of(ada).as_str(), ADA, "{ada:?}");
        }
        for other in ["ada+1@example.com", "a.da@example.com", "ada@example.org"] {
            assert_ne!(AddressHash::of(other).as_str(), ADA, "{other}");
        }
        assert_eq!(
            AddressHash::of("ØDA@example.com"),
            AddressHash::of("øda@example.com")
        );
    }

    #[test]
    fn hashes_are_64_digits() {
        assert_eq!(ADA.parse(), Ok(AddressHash::of("ada@example.com")));
        for text in ["", &ADA[1..], &ADA.to_uppercase(), &format!("{ADA}0")] {
            assert_eq!(text.parse::<AddressHash>(), Err(InvalidAddressHash));
        }
    }

    #[test]
    fn entries_are_read_as_they_are_written() {
        let read = Suppression::read(r#"{"reason":"bounce","at":7,"job":"01J"}"#);
        let expected = Suppression {
            reason: "bounce".to_owned(),
            at: 7,
            job: Some("01J".to_owned()),
        };
        assert_eq!(read, Some(expected));
        assert!(Suppression::read(r#"{"reason":"spam_report","at":7}"#).is_some());
        assert_eq!(Suppression::read("bounce"), None);
        let written = Suppression::now(SuppressedFor::OptOut, None);
        assert_eq!(written.reason, "opt_out");
        assert_eq!(Suppression::read(&written.written()), Some(written));
    }
}
