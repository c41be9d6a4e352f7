//! What verdicts say for the notices to the application.

use longshore_job::{NoticeFilter, NoticeType};

use super::Verdict;
use crate::decide::Fate;
use crate::notices::words;
use crate::script::ScriptCall;

/// Which ends the application is told of, and what it is told of each. Jobs that are cancelled here are noticed by the script.
pub(super) fn with_notices(
    call: ScriptCall,
    verdicts: &[Verdict],
    wanted: Option<&NoticeFilter>,
) -> ScriptCall {
    let Some(wanted) = wanted else {
        return call.arg("");
    };
    let noted: Vec<&Verdict> = verdicts
        .iter()
        .filter(|verdict| verdict.is_noticed_by(wanted))
        .collect();
    let mut call = call.arg(words(Some(wanted))).arg(noted.len());
    for verdict in noted {
        let cause = match &verdict.fate {
            Fate::Dead { cause } => Some(cause),
            _ => None,
        };
        call = call
            .arg(verdict.id.as_bytes())
            .arg(verdict.kind.as_deref().unwrap_or_default())
            .arg(cause.map_or("", |cause| cause.class.as_str()))
            .arg(
                cause
                    .and_then(|cause| cause.code.as_deref())
                    .unwrap_or_default(),
            );
    }
    call
}

impl Verdict {
    /// Whether the application is told of the end that it is.
    #[must_use]
    pub fn is_noticed_by(&self, wanted: &NoticeFilter) -> bool {
        let end = match self.fate {
            Fate::Completed { .. } => NoticeType::Completed,
            Fate::Dead { .. } => NoticeType::Dead,
            _ => return false,
        };
        wanted.wants(&end) && wanted.wants_kind(self.kind.as_deref())
    }
}
