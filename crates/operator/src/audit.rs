//! What operators did, as rows.

use longshore_queue::AuditEntry;
use serde::Serialize;

use crate::dead::UNREADABLE;
use crate::time::rfc3339;

/// One thing that an operator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// What it is called within its queue, `<ms>-<n>`. An act that goes on is one entry, and has a new name after each step.
    pub id: String,
    /// When, RFC 3339; of many steps the last.
    pub at: String,
    /// In which queue.
    pub queue: String,
    /// Who; `longshore` where a replay stopped itself or came to its end.
    pub by: String,
    /// What: `pause`, `resume`, `replay`, `edit`, `discard`, `export`, `reveal`, …
    pub action: String,
    /// What it was done to: a queue, jobs by their ids, or `group <group>`.
    pub target: String,
    /// Why.
    pub reason: Option<String>,
    /// What came of it.
    pub result: Option<String>,
    /// The replay operation it belongs to.
    pub replay: Option<String>,
    /// The operation or command it belongs to, where that has an id.
    #[serde(skip)]
    pub act: Option<String>,
    /// Why it cannot be read as a whole, if it cannot: somebody else has written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl AuditRow {
    pub(crate) fn new(queue: &str, entry: AuditEntry) -> Self {
        let target = match entry.target.strip_prefix("group:") {
            Some(group) => format!("group {group}"),
            None if entry.target == "all" => queue.to_owned(),
            None if entry.target == "named" => "named jobs".to_owned(),
            None => entry.target,
        };
        let what = match entry.action.as_str() {
            "cancel" | "stop" | "forget" | "reschedule" | "search" => "job",
            _ => "dead letter",
        };
        let letters = entry.count.map(|count| match count {
            1 => format!("1 {what}"),
            n => format!("{n} {what}s"),
        });
        let result = Some(times_read(&entry.result)).filter(|result| !result.is_empty());
        let parts: Vec<_> = letters.into_iter().chain(result).collect();
        let is_replay = entry.action.starts_with("replay");
        Self {
            id: entry.id,
            at: rfc3339(entry.at_ms),
            queue: queue.to_owned(),
            by: entry.by,
            action: entry.action,
            target,
            reason: Some(entry.reason).filter(|reason| !reason.is_empty()),
            result: Some(parts.join(", ")).filter(|result| !result.is_empty()),
            replay: entry.act.clone().filter(|_| is_replay),
            act: entry.act,
            broken: entry.broken,
        }
    }

    /// The audit of this queue cannot be read at all.
    pub(crate) fn broken(queue: &str, why: String) -> Self {
        let entry = AuditEntry {
            id: String::new(),
            at_ms: 0,
            by: UNREADABLE.to_owned(),
            action: UNREADABLE.to_owned(),
            target: queue.to_owned(),
            reason: String::new(),
            result: String::new(),
            count: None,
            act: None,
            broken: Some(why),
        };
        Self::new(queue, entry)
    }
}

/// `5/s until 1795952745734`, as the script writes it down, with a time that people read.
fn times_read(result: &str) -> String {
    let Some((before, until)) = result.split_once(" until ") else {
        return result.to_owned();
    };
    let until = until.parse().map_or_else(|_| until.to_owned(), rfc3339);
    format!("{before} until {until}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_until_when_in_words() {
        assert_eq!(
            times_read("5/s until 1795952745734"),
            "5/s until 2026-11-29T11:45:45.734Z"
        );
        assert_eq!(times_read("3 letters"), "3 letters");
        assert_eq!(times_read("1/s until then"), "1/s until then");
    }
}
