//! Who looks at the page, and what they may do.

use std::net::IpAddr;

use longshore_operator::Signed;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsoleRole {
    /// Looks at everything but personal data, and changes nothing.
    Viewer,
    /// Does all that the command line does.
    Operator,
}

impl ConsoleRole {
    /// `viewer` or `operator`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }
}

/// Somebody whom the program around the console has let in. It puts this into the extensions of a request; then the console
/// asks for no login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Their name, as the audit will say it.
    pub name: String,
    /// What they may do.
    pub role: ConsoleRole,
}

/// How it is known who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KnownBy {
    /// By a login here: the session's id.
    Session(String),
    /// By the header of a proxy, or by the program around the console.
    Others,
    /// Nobody is asked: a console of one's own machine.
    Open,
}

/// Somebody who looks at the page.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) role: ConsoleRole,
    pub(crate) known_by: KnownBy,
    /// Where their request came from, as far as that is known.
    pub(crate) address: Option<IpAddr>,
}

impl Who {
    /// Whether they may change something.
    pub(crate) fn can_act(&self) -> bool {
        self.role == ConsoleRole::Operator
    }

    /// The id of the session that they are known by.
    pub(crate) fn session(&self) -> Option<&str> {
        match &self.known_by {
            KnownBy::Session(id) => Some(id),
            KnownBy::Others | KnownBy::Open => None,
        }
    }

    /// What the audit will say: `console: ada@10.0.0.7`.
    pub(crate) fn signed(&self, reason: &str) -> Signed {
        let by = match self.address {
            Some(address) => format!("console: {}@{address}", self.name),
            None => format!("console: {}", self.name),
        };
        Signed::new(&by, longshore_job::clip_reason(reason))
    }
}
