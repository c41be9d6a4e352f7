//! What operators have done: written in the script that does it, and read again.

use std::time::Duration;

use redis::Value;

use crate::enqueue::millis;
use crate::value::{Fields, Reply, shown};
use crate::{Queue, QueueError, script};

/// How long entries are kept. The script lets go of them in chunks, so a few older ones may still be there.
const KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// How many entries are read in one call.
const PAGE: usize = 1000;

/// Who does something, and why: what the audit will say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
}

impl Signed {
    /// By whom, and why.
    pub fn new(by: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            by: by.into(),
            reason: reason.into(),
        }
    }
}

/// One thing that an operator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id in the stream, `<ms>-<n>`. An act of many steps is one entry, which has a new id after each.
    pub id: String,
    /// When, in ms since the epoch by Redis's clock; of many steps the last.
    pub at_ms: u64,
    /// Who; `longshore` where an operation stopped itself or came to its end.
    pub by: String,
    /// What: `pause`, `resume`, `lift`, `replay`, `replay_stopped`, `replay_cancel`, `replay_resume`, `replay_done`, `edit`,
    /// `cancel`, `stop` (running jobs were asked to), `forget`, `forget_done`, `forget_cancel`, `forget_resume`, `forget_mapping`, `reschedule`, `discard` (each also with `_done`, `_cancel`, `_resume`, as an operation), `export`, `reveal`, `export_mappings`, `import_mappings`,
    /// `suppress`, `unsuppress`, `cron_run`, `cron_pause`, `cron_resume`, `outbox_retry`, `outbox_discard`.
    pub action: String,
    /// What it was done to: a queue, ids, `group:<group>`, or `all` of the queue.
    pub target: String,
    /// Why; may be empty.
    pub reason: String,
    /// What came of it, where the count does not say.
    pub result: String,
    /// To how many letters it was done.
    pub count: Option<u64>,
    /// The operation or command it belongs to, where that has an id.
    pub act: Option<String>,
    /// Why it cannot be read, if it cannot: somebody else has written it.
    pub broken: Option<String>,
}

/// What is to be written down before something is shown or taken away.
#[derive(Debug, Clone, Default)]
pub struct Note<'a> {
    /// What is done, as [`AuditEntry::action`] has it.
    pub action: &'a str,
    /// What it is done to.
    pub target: &'a str,
    /// What came of it so far.
    pub result: &'a str,
    /// With the same id and action as the last entry, this one takes its place, and counts are added.
    pub act: &'a str,
    /// To how many letters.
    pub count: Option<u64>,
}

impl Queue {
    /// Writes down what an operator is about to see or take away. Changes write themselves down.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses: then nothing may be shown.
    pub async fn note(&self, signed: &Signed, note: &Note<'_>) -> Result<(), QueueError> {
        script::AUDIT
            .on(&[&self.keys.audit])
            .arg(&signed.by)
            .arg(note.action)
            .arg(note.target)
            .arg(&signed.reason)
            .arg(note.result)
            .arg(note.act)
            .arg(note.count.map(|n| n.to_string()).unwrap_or_default())
            .run::<u8>(&self.link)
            .await
            .map(drop)
    }

    /// What operators did in the last `since` (400 days at the most), newest first, at most `limit` entries.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn audit(
        &self,
        since: Option<Duration>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, QueueError> {
        let since = since.map_or(KEPT, |since| since.min(KEPT));
        let from = self.now_ms().await?.saturating_sub(millis(since));
        self.audit_before("+", from, limit).await
    }

    /// What operators did at `from_ms` or later and before this entry, newest first, at most `limit` entries. `before` is the id
    /// of an entry, which itself is meant, too; with `(` before it, it is not; `+` is the newest.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses, or `before` is none of these.
    pub async fn audit_before(
        &self,
        before: &str,
        from_ms: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, QueueError> {
        let mut entries = Vec::new();
        let mut before = before.to_owned();
        while entries.len() < limit {
            let want = PAGE.min(limit - entries.len());
            let mut command = redis::cmd("XREVRANGE");
            command.arg(&self.keys.audit).arg(&before).arg(from_ms);
            let value: Value = self.link.command(command.arg("COUNT").arg(want)).await?;
            let mut answer = Reply::new(value)?;
            let got = answer.len();
            while !answer.is_empty() {
                let mut row = answer.list()?;
                let id = row.shown()?;
                entries.push(entry(&id, &row.next()?));
                before = format!("({id}");
            }
            if got < want {
                break;
            }
        }
        Ok(entries)
    }
}

fn entry(id: &str, fields: &Fields) -> AuditEntry {
    // A target may be an id, and an id any bytes.
    let field = |name: &str| shown(fields.get(name).unwrap_or_default().to_vec());
    let is_ours = ["by", "action", "target"]
        .iter()
        .all(|name| fields.text(name).is_some());
    let at = id.split('-').next().and_then(|ms| ms.parse().ok());
    AuditEntry {
        id: id.to_owned(),
        at_ms: at.unwrap_or_default(),
        by: field("by"),
        action: field("action"),
        target: field("target"),
        reason: field("reason"),
        result: field("result"),
        count: field("count").parse().ok(),
        act: Some(field("act")).filter(|act| !act.is_empty()),
        broken: (!is_ours).then(|| format!("the entry {id} is not of the audit's form")),
    }
}
