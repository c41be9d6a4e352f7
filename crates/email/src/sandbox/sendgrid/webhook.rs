//! How the stand-in tells what becomes of mails.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Who is told of events, and how mails go on after they were accepted. As it begins: nobody, and each is delivered. What
/// is set here counts for what is told from then on. Addresses are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventWebhook {
    /// Where events are posted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Nothing is told until this is taken back. Then all of it is, in one list.
    pub held: bool,
    /// Tells everything twice, with the same ids.
    pub twice: bool,
    /// Tells the newest first.
    pub reversed: bool,
    /// Addresses that do not exist: a hard bounce, 5.1.1.
    pub bounced: BTreeSet<String>,
    /// The same, found out only after the mail was delivered. Such a bounce names no message.
    pub bounced_late: BTreeSet<String>,
    /// Addresses whose server does not take our mails now: a soft bounce.
    pub blocked: BTreeSet<String>,
    /// Addresses that SendGrid sends nothing to, and why: `Bounced Address`.
    pub dropped: BTreeMap<String, String>,
    /// Addresses that call each mail spam.
    pub spam_reported: BTreeSet<String>,
    /// Addresses that unsubscribe.
    pub unsubscribed: BTreeSet<String>,
    /// How long before it is sent a list says that it was signed, in seconds.
    pub signed_seconds_ago: u64,
    /// How often a list that was not taken is posted again; three times where this is not set. The pauses begin with 50 ms and
    /// double.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

/// One list of events that was posted, after the last try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsPosted {
    /// Their kinds, in their order: `processed`, `delivered`.
    pub events: Vec<String>,
    /// The jobs that their mails were sent for.
    #[serde(default)]
    pub jobs: Vec<String>,
    /// The status that it was answered with; none when there was no answer.
    pub answer: Option<u16>,
    /// How often it was tried.
    pub tries: u32,
}
