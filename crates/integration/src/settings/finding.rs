//! What is wrong with a configuration, where, and what to do about it.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Allowed, but likely not meant.
    Warning,
    /// Nothing starts before it is put right.
    Error,
}

/// One thing to put right. Holds no value of a secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The key, `worker.drain_seconds`; a flag, `--profile`; or a file that cannot be read as a whole.
    pub key: String,
    /// Where the value came from: `config/local.toml:12`, `LONGSHORE_WORKER__DRAIN_SECONDS`, `built-in`. `None` where
    /// the trouble is that there is no value.
    pub origin: Option<String>,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub cure: String,
}

/// `error: redis.namespace (config/local.toml:3): is empty; use 1 to 64 of a-z, 0-9, _ and -`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.severity {
            Severity::Warning => "warning: ",
            Severity::Error => "error: ",
        })?;
        f.write_str(&self.key)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        write!(f, ": {}; {}", self.problem, self.cure)
    }
}

/// All findings of one configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// The findings, in the order in which the configuration is read.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any of them is more than a warning.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds an error.
    pub fn error(
        &mut self,
        key: impl fmt::Display,
        origin: Option<String>,
        problem: impl Into<String>,
        cure: impl Into<String>,
    ) {
        self.push(Finding {
            severity: Severity::Error,
            key: key.to_string(),
            origin,
            problem: problem.into(),
            cure: cure.into(),
        });
    }
}

/// One finding a line.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, finding) in self.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
