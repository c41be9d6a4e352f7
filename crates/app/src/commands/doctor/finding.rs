//! One thing that was looked at.

use longshore_operator::ThisProgram;
use serde::Serialize;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    Warning,
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: String,
    pub(super) status: Status,
    pub(super) finding: String,
    /// What to do; `None` where all is well.
    pub(super) cure: Option<String>,
}

pub(super) fn ok(check: &str, finding: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        status: Status::Ok,
        finding: own(finding),
        cure: None,
    }
}

pub(super) fn warning(check: &str, finding: impl Into<String>, cure: impl Into<String>) -> Finding {
    Finding {
        status: Status::Warning,
        cure: Some(own(cure)),
        ..ok(check, finding)
    }
}

pub(super) fn error(check: &str, finding: impl Into<String>, cure: impl Into<String>) -> Finding {
    Finding {
        status: Status::Error,
        cure: Some(own(cure)),
        ..ok(check, finding)
    }
}

/// With the commands as this program has them.
fn own(text: impl Into<String>) -> String {
    ThisProgram::get().commands(&text.into()).into_owned()
}
