//! Who enqueued a job.

use std::fmt;

/// Who enqueued a job, where that was said. A cron entry says it in another place ([`CronOrigin`](crate::CronOrigin)).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EnqueuedBy {
    /// A program, by the name that its client has.
    Client(String),
    /// A person at the command line.
    Operator(String),
    /// The run of another job, by the id of that.
    Job(String),
}

impl EnqueuedBy {
    /// The most characters of a name.
    pub const MOST_CHARS: usize = 64;

    /// A person, whatever the name: it is cut where it is too long.
    #[must_use]
    pub fn operator(name: &str) -> Self {
        let plain = name.chars().filter(|c| !c.is_control());
        Self::Operator(plain.take(Self::MOST_CHARS).collect())
    }

    /// Whether a program may be called so: 1 to 64 characters, none of them a control character.
    #[must_use]
    pub fn fits(name: &str) -> bool {
        (1..=Self::MOST_CHARS).contains(&name.chars().count())
            && !name.chars().any(char::is_control)
    }

    /// `client`, `operator` or `job`.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Operator(_) => "operator",
            Self::Job(_) => "job",
        }
    }

    /// Its name, or the job's id.
    #[must_use]
    pub fn name(&self) -> &str {
        let (Self::Client(name) | Self::Operator(name) | Self::Job(name)) = self;
        name
    }

    /// As a header has it: the first letter of what it is, and the name.
    pub(crate) fn encode(&self) -> String {
        format!("{}{}", &self.what()[..1], self.name())
    }

    /// Reads that. Anything else says nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (what, name) = text.split_at_checked(1)?;
        let name = name.to_owned();
        match what {
            "c" => Some(Self::Client(name)),
            "o" => Some(Self::Operator(name)),
            "j" => Some(Self::Job(name)),
            _ => None,
        }
    }
}

/// `client checkout`.
impl fmt::Display for EnqueuedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what(), self.name())
    }
}
