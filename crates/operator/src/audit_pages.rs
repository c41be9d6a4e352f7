//! The audit, searched page by page.

use serde::Serialize;

use crate::audit::AuditRow;
use crate::away::ask_each;
use crate::error::OperatorError;
use crate::operator::Operator;

/// At most so many entries of each queue are looked at for one page.
const MOST_LOOKED: usize = 2_000;

/// Which entries are meant: those of which all of this is true. Nothing set means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Of this queue.
    pub queue: Option<String>,
    /// Done by somebody whose name has this in it.
    pub by: Option<String>,
    /// This was done.
    pub action: Option<String>,
    /// Done to something whose name has this in it.
    pub target: Option<String>,
    /// Done at this time or later, in ms since the epoch.
    pub since_ms: Option<u64>,
}

impl AuditQuery {
    fn means(&self, row: &AuditRow) -> bool {
        let has = |wanted: &Option<String>, text: &str| {
            let lower = text.to_lowercase();
            wanted
                .as_ref()
                .is_none_or(|wanted| lower.contains(&wanted.to_lowercase()))
        };
        let same =
            |wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| row.action == *wanted);
        has(&self.by, &row.by)
            && same(&self.action)
            && (has(&self.target, &row.target)
                || row
                    .result
                    .as_deref()
                    .is_some_and(|of| has(&self.target, of))
                || row.act.as_deref().is_some_and(|of| has(&self.target, of)))
    }
}

/// Some entries, and where to go on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AuditPage {
    /// The entries, the newest first.
    pub rows: Vec<AuditRow>,
    /// Where the next page begins; `None` = all were looked at.
    pub next: Option<String>,
}

/// Where a page ends: `<ms>-<n>.<queue>`. Of entries with one id, those of later queues come later.
fn cursor(text: &str) -> Option<(&str, &str)> {
    let (id, queue) = text.split_once('.')?;
    let (ms, n) = id.split_once('-')?;
    let is_number = |text: &str| text.parse::<u64>().is_ok();
    (is_number(ms) && is_number(n)).then_some((id, queue))
}

/// An entry's id, for ordering.
fn place(id: &str) -> (u64, u64) {
    let (ms, n) = id.split_once('-').unwrap_or((id, ""));
    (ms.parse().unwrap_or(0), n.parse().unwrap_or(0))
}

impl Operator {
    /// What operators did and is meant, the newest first, from where an earlier page ended.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn audit_page(
        &self,
        query: &AuditQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<AuditPage, OperatorError> {
        let from = query.since_ms.unwrap_or(0);
        let after = after.and_then(cursor);
        let mut rows: Vec<AuditRow> = Vec::new();
        let mut broken = Vec::new();
        // What is older than this in a queue that was not looked through to its end comes with a later page.
        let mut seen_from = (0, 0);
        let asked = self.some_or_all(query.queue.as_deref())?;
        let asked = ask_each(asked, async |info, queue| {
            let before = match after {
                None => "+".to_owned(),
                Some((id, of)) if *info.name > *of => id.to_owned(),
                Some((id, _)) => format!("({id}"),
            };
            queue.audit_before(&before, from, MOST_LOOKED).await
        });
        for (info, _, entries) in asked.await? {
            match entries {
                Ok(entries) => {
                    if let Some(last) = entries.get(MOST_LOOKED - 1) {
                        seen_from = seen_from.max(place(&last.id));
                    }
                    let entries = entries.into_iter();
                    rows.extend(entries.map(|entry| AuditRow::new(&info.name, entry)));
                }
                Err(why) => broken.push(AuditRow::broken(&info.name, why)),
            }
        }
        rows.retain(|row| place(&row.id) >= seen_from);
        rows.sort_by(|a, b| {
            let newest = place(&b.id).cmp(&place(&a.id));
            newest.then_with(|| a.queue.cmp(&b.queue))
        });
        let last_seen = rows.last().map(at);
        let mut meant: Vec<_> = rows.into_iter().filter(|row| query.means(row)).collect();
        let next = match meant.len() > limit {
            true => {
                meant.truncate(limit);
                meant.last().map(at)
            }
            false => last_seen.filter(|_| seen_from > (0, 0)),
        };
        // What cannot be read is said once, on the first page.
        if after.is_none() {
            broken.append(&mut meant);
            meant = broken;
        }
        Ok(AuditPage { rows: meant, next })
    }
}

fn at(row: &AuditRow) -> String {
    format!("{}.{}", row.id, row.queue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_an_entry_is_a_cursor() {
        assert_eq!(cursor("17-0.email"), Some(("17-0", "email")));
        for text in ["", "17.email", "x-0.email", "17-0", "+.email"] {
            assert_eq!(cursor(text), None, "{text}");
        }
        assert!(place("9-1") < place("10-0"));
    }
}
