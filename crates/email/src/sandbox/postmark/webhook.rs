//! How the stand-in tells what becomes of mails.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Who is told of events, and how mails go on after they were accepted. As it begins: nobody, and each is delivered. What
/// is set here counts for what is told from then on. Addresses are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostmarkWebhook {
    /// Where events are posted to. User and password stand in it, as at Postmark: `http://user:password@127.0.0.1:9465/webhooks/postmark`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Tells everything twice, with the same ids.
    pub twice: bool,
    /// Addresses that do not exist: a hard bounce.
    pub bounced: BTreeSet<String>,
    /// Addresses whose server does not take our mails now: a soft bounce.
    pub soft_bounced: BTreeSet<String>,
    /// Addresses that call each mail spam.
    pub spam_reported: BTreeSet<String>,
    /// Addresses that unsubscribe.
    pub unsubscribed: BTreeSet<String>,
}

/// One event that was posted, after the last try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostmarkPosted {
    /// Its kind: `Delivery`, `Bounce`, `SpamComplaint`, `SubscriptionChange`.
    pub event: String,
    /// The status that it was answered with; none when there was no answer.
    pub answer: Option<u16>,
    /// How often it was tried.
    pub tries: u32,
}
