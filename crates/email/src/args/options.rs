//! What a mail may have beside its words and its recipients.

use std::collections::{BTreeMap, HashSet};

use longshore_job::InvalidArgs;
use serde::{Deserialize, Serialize};

/// The longest subject, in characters: what fits into one line of a mail (RFC 5322, 2.1.1).
const LONGEST_SUBJECT: usize = 998;

/// As many categories as SendGrid takes, and as long as it takes them.
const MOST_CATEGORIES: usize = 10;
const LONGEST_CATEGORY: usize = 255;

/// The most headers of one mail, and the longest line that one of them may make.
const MOST_HEADERS: usize = 20;
const LONGEST_HEADER: usize = 998;

/// As many groups as SendGrid shows.
const MOST_GROUPS: usize = 25;

/// Headers that a mail has from its args, from us, or from a provider. In lower case.
const OWNED: [&str; 19] = [
    "authentication-results",
    "bcc",
    "cc",
    "date",
    "delivered-to",
    "dkim-signature",
    "domainkey-signature",
    "from",
    "message-id",
    "mime-version",
    "received",
    "received-spf",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
    "x-original-to",
    "x-smtpapi",
];

/// What such headers begin with.
const OWNED_PREFIXES: [&str; 5] = ["arc-", "content-", "resent-", "x-pm-", "x-sg-"];

/// What the recipient of a mail can unsubscribe from, by SendGrid's numbers (its `asm`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with group_id and perhaps groups_to_display"
)]
pub struct UnsubscribeGroup {
    /// The group that the mail belongs to. SendGrid drops the mail where its recipient has left the group.
    pub group_id: u32,
    /// The groups that are shown to a recipient who unsubscribes: at most 25.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups_to_display: Vec<u32>,
}

/// The group alone.
impl From<u32> for UnsubscribeGroup {
    fn from(group_id: u32) -> Self {
        Self {
            group_id,
            groups_to_display: Vec::new(),
        }
    }
}

impl UnsubscribeGroup {
    pub(super) fn check(&self) -> Result<(), InvalidArgs> {
        let groups = self.groups_to_display.len();
        InvalidArgs::unless(
            groups <= MOST_GROUPS,
            "unsubscribe_group.groups_to_display",
            format_args!("has {groups} groups, at most {MOST_GROUPS} are shown"),
        )
    }
}

pub(super) fn check_subject(subject: &str) -> Result<(), InvalidArgs> {
    let fits = (1..=LONGEST_SUBJECT).contains(&subject.chars().count())
        && !subject.chars().any(char::is_control)
        && !subject.trim().is_empty();
    let what = format!("must be 1 to {LONGEST_SUBJECT} characters on one line, not only blanks");
    InvalidArgs::unless(fits, "subject", what)
}

pub(super) fn check_categories(categories: &[String]) -> Result<(), InvalidArgs> {
    let count = categories.len();
    if count > MOST_CATEGORIES {
        let what = format!("has {count}, a mail takes at most {MOST_CATEGORIES}");
        return Err(InvalidArgs::field("categories", what));
    }
    let mut seen = HashSet::new();
    InvalidArgs::all(categories.iter().enumerate().map(|(n, category)| {
        let fits = (1..=LONGEST_CATEGORY).contains(&category.chars().count())
            && !category.chars().any(char::is_control);
        let at = format!("categories[{n}]");
        let what = format!("must be 1 to {LONGEST_CATEGORY} characters without control characters");
        InvalidArgs::unless(fits, &at, what)?;
        InvalidArgs::unless(seen.insert(category), &at, "stands there twice")
    }))
}

/// A name that is refused is quoted only where it is one of ours: in its place may stand anything.
pub(super) fn check_headers(headers: &BTreeMap<String, String>) -> Result<(), InvalidArgs> {
    let count = headers.len();
    if count > MOST_HEADERS {
        let what = format!("has {count}, a mail takes at most {MOST_HEADERS}");
        return Err(InvalidArgs::field("headers", what));
    }
    let mut seen = HashSet::new();
    InvalidArgs::all(headers.iter().map(|(name, value)| {
        let lower = name.to_ascii_lowercase();
        let at = |what: String| Err(InvalidArgs::field("headers", what));
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
            return at("a name must be printable ASCII without blanks and colons".to_owned());
        }
        if OWNED.contains(&lower.as_str()) {
            return at(format!(
                "`{lower}` is not for a job to set: the mail has it from elsewhere"
            ));
        }
        if let Some(prefix) = OWNED_PREFIXES.iter().find(|p| lower.starts_with(**p)) {
            return at(format!(
                "one that begins with `{prefix}` is not for a job to set"
            ));
        }
        let printable = |b: u8| b.is_ascii_graphic() || b == b' ';
        if value.trim().is_empty() || !value.bytes().all(printable) {
            return at(
                "a value must be printable ASCII on one line, and not only blanks".to_owned(),
            );
        }
        if name.len() + ": ".len() + value.len() > LONGEST_HEADER {
            return at(format!(
                "name and value may have {LONGEST_HEADER} characters together"
            ));
        }
        match seen.insert(lower) {
            true => Ok(()),
            false => at("a name stands there twice, in another case".to_owned()),
        }
    }))
}
