//! Who a mail goes to.

use std::collections::HashSet;
use std::fmt;

use longshore_job::{InvalidArgs, is_email_address};
use serde::{Deserialize, Serialize};

/// The most addresses of one mail: what SendGrid takes in one request.
const MOST: usize = 1000;

/// An address and the name to show with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with email and perhaps name"
)]
pub struct Recipient {
    /// The address, `local@domain.tld`.
    pub email: String,
    /// The name, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Recipient {
    /// This address, without a name.
    #[must_use]
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            name: None,
        }
    }

    /// The same, with a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What is wrong with it; `at` is the arg that it is.
    fn check(&self, at: &str) -> Result<(), InvalidArgs> {
        let name_fits =
            |name: &String| name.chars().count() <= 256 && !name.chars().any(char::is_control);
        InvalidArgs::all([
            InvalidArgs::unless(
                is_email_address(&self.email),
                &format!("{at}.email"),
                "is not an email address of the form local@domain.tld",
            ),
            InvalidArgs::unless(
                self.name.as_ref().is_none_or(name_fits),
                &format!("{at}.name"),
                "must be at most 256 characters without control characters",
            ),
        ])
    }
}

impl From<&str> for Recipient {
    fn from(email: &str) -> Self {
        Self::new(email)
    }
}

impl From<String> for Recipient {
    fn from(email: String) -> Self {
        Self::new(email)
    }
}

/// Checks everybody whom a mail names.
pub(super) fn check(
    to: &Recipient,
    cc: &[Recipient],
    bcc: &[Recipient],
    reply_to: Option<&Recipient>,
) -> Result<(), InvalidArgs> {
    let addresses = 1 + cc.len() + bcc.len();
    if addresses > MOST {
        let what = format!("goes to {addresses} addresses, with to and bcc; a mail takes {MOST}");
        return Err(InvalidArgs::field("cc", what));
    }
    let numbered = |at: &'static str, list: &[Recipient]| -> Vec<_> {
        let checked = list.iter().enumerate();
        checked
            .map(|(n, recipient)| recipient.check(&format!("{at}[{n}]")))
            .collect()
    };
    let reply_to = reply_to.map(|to| to.check("reply_to"));
    let own = [to.check("to")].into_iter().chain(reply_to);
    let copies = numbered("cc", cc).into_iter().chain(numbered("bcc", bcc));
    InvalidArgs::all(own.chain(copies).chain([each_once(to, cc, bcc)]))
}

/// SendGrid refuses a mail that names an address twice, whatever its case.
fn each_once(to: &Recipient, cc: &[Recipient], bcc: &[Recipient]) -> Result<(), InvalidArgs> {
    let mut seen: HashSet<String> = HashSet::from([to.email.to_lowercase()]);
    let copies = [("cc", cc), ("bcc", bcc)];
    InvalidArgs::all(copies.into_iter().flat_map(|(at, list)| {
        let twice = list.iter().enumerate().filter_map(|(n, recipient)| {
            let is_new = seen.insert(recipient.email.to_lowercase());
            let what = "is an address that gets the mail already, by to, cc or bcc";
            (!is_new).then(|| Err(InvalidArgs::field(&format!("{at}[{n}].email"), what)))
        });
        twice.collect::<Vec<_>>()
    }))
}

/// Addresses and names are personal.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient").finish_non_exhaustive()
    }
}
