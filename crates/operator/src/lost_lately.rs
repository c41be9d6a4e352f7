//! How many jobs have lost their worker lately.

use longshore_queue::LostLately;
use serde::Serialize;

use crate::time::rfc3339;

/// The jobs of the last hour whose worker was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostRow {
    /// How many. A request of each may have been carried out, and made again.
    pub jobs: u64,
    /// When the last of them was found, RFC 3339.
    pub last_at: String,
}

impl From<LostLately> for LostRow {
    fn from(lately: LostLately) -> Self {
        Self {
            jobs: lately.jobs,
            last_at: rfc3339(lately.last_at_ms),
        }
    }
}
