//! How the stand-in calls back.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How messages go on after they were accepted, and how it is told. As it begins: each at once, in order, once, signed
/// with the auth token that the message was created with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Callbacks {
    /// The auth token that callbacks are signed with, instead of the one that the message was created with. A
    /// message that was created with an API key shows none: without one here its callbacks are signed with
    /// [`TwilioSandbox::AUTH_TOKEN`](super::TwilioSandbox::AUTH_TOKEN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<String>,
    /// Signs with SHA-256 and this key instead, and says so in a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_key: Option<SharedKey>,
    /// Messages stay queued, and nothing is told, until this is taken back.
    pub held: bool,
    /// Tells everything twice.
    pub twice: bool,
    /// Tells the end first, and what was before it afterwards.
    pub reversed: bool,
    /// Numbers that nothing can be delivered to, and the error code of it: 30003 is a phone that is switched off.
    pub undelivered: BTreeMap<String, u32>,
    /// Where texts that people send are posted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_url: Option<String>,
}

/// A text that somebody sends to one of our numbers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundText {
    /// Their number, `+4790000000`.
    pub from: String,
    /// The text: `STOP`, `START`, or anything.
    pub body: String,
    /// Our account. Without it, the one that last sent a text.
    #[serde(default)]
    pub account_sid: Option<String>,
    /// Our number. Without it, the one that last sent a text.
    #[serde(default)]
    pub to: Option<String>,
}

/// Hides who it is, and what they say.
impl fmt::Debug for InboundText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundText").finish_non_exhaustive()
    }
}

/// A text was not posted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPosted {
    /// There is no address to post it to.
    #[error("nobody is told of it: inbound_url of PUT /sandbox/callbacks is not set")]
    Nowhere,
    /// It is not known whose number it is for.
    #[error("no text was sent yet, so account_sid and to have to be given")]
    NoAccount,
}

/// A key for signatures that are not made with the auth token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedKey {
    /// Its id, which the header names.
    pub id: String,
    /// The key itself.
    pub secret: String,
}

/// Hides the key.
impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// One status callback that was made, after its last try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledBack {
    /// The message it was about.
    pub sid: String,
    /// The status it told.
    pub status: String,
    /// The status that it was answered with; none when there was no answer.
    pub answer: Option<u16>,
    /// How often it was tried.
    pub tries: u32,
}
