//! Queues as JSON.

use longshore_operator::QueueRow;
use serde_json::Value;

use crate::failure::Failure;

/// What nobody knows of a queue whose primary is away.
const COUNTED: &[&str] = &[
    "pending",
    "scheduled",
    "running",
    "retryable",
    "dead",
    "completed",
    "cancelled",
    "workers",
    "per_minute",
    "breakers",
    "holds",
];

/// The rows as JSON. What is not known is null, and not 0.
pub(super) fn json_rows(rows: &[QueueRow]) -> Result<Vec<Value>, Failure> {
    let row = |row: &QueueRow| {
        let mut json = serde_json::to_value(row).map_err(Failure::failed)?;
        if row.away.is_some() {
            for name in COUNTED {
                json[*name] = Value::Null;
            }
        }
        Ok(json)
    };
    rows.iter().map(row).collect()
}
