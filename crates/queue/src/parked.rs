//! Jobs of kinds that the workers that claimed them do not know. They stand apart (`lua/part/parked.lua`).

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use crate::decide::decide_unknown_kind;
use crate::enqueue::millis;
use crate::group::Group;
use crate::value::Reply;
use crate::{
    ClaimContext, Decision, Fate, HistoryEntry, Lease, Queue, QueueError, RawId, RunState, Verdict,
    script,
};

/// So many calls look through the parked jobs at once; the next look goes on. Each buries up to 200.
const MOST_CALLS: usize = 20;

impl Queue {
    /// Looks through the parked jobs: buries those whose kind no worker of the queue knew for `after`, and notes for which
    /// there is a worker. Somebody has to call it now and then, whoever it is; more than once a second does nothing.
    ///
    /// Returns a verdict for each job that is a dead letter now, with `reason` in its history. They are written.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. Some may have been buried by then.
    pub async fn bury_parked(
        &self,
        lease: &Lease,
        after: Duration,
        reason: &str,
    ) -> Result<Vec<Verdict>, QueueError> {
        let decision = decide_unknown_kind(RunState::default());
        let entry = HistoryEntry {
            worker: lease.worker().to_string(),
            outcome: decision.outcome.to_owned(),
            reason: Some(reason.to_owned()),
            ..HistoryEntry::default()
        };
        let Fate::Dead { cause } = &decision.fate else {
            return Ok(Vec::new());
        };
        let group = Group {
            kind: None,
            cause: cause.clone(),
        };
        let letter = Letter::new(&group, &self.version, &entry);
        let (mut cursor, mut go_on, mut buried) = ("0".to_owned(), "", Vec::new());
        for _ in 0..MOST_CALLS {
            let mut answer = self.bury(&cursor, after, &letter, go_on).await?;
            let (next, again): (String, u8) = (answer.next()?, answer.next()?);
            let mut letters = answer.list()?;
            while !letters.is_empty() {
                let (id, attempt) = (letters.id()?, letters.next()?);
                let history = HistoryEntry {
                    attempt,
                    ..entry.clone()
                };
                buried.push(verdict(id, &decision, history));
            }
            go_on = "on";
            if again == 1 {
                continue;
            }
            cursor = next;
            if cursor == "0" {
                break;
            }
        }
        Ok(buried)
    }

    /// One call of `bury.lua`; `go_on` says that it is not the first of this look.
    async fn bury(
        &self,
        cursor: &str,
        after: Duration,
        letter: &Letter,
        go_on: &str,
    ) -> Result<Reply, QueueError> {
        let k = &self.keys;
        let value: Value = script::BURY
            .on(&[
                &k.parked,
                &k.kinds,
                &k.sought,
                &k.inflight,
                &k.records,
                &k.dead,
                &k.groups,
                &k.stats,
                &k.idle,
                &k.letters,
                &k.parked_kinds,
                &k.active,
                &k.lanes,
                &k.lane,
                &k.tenants,
                &k.turns,
                &k.timeline,
                &k.notices,
                &k.operations,
                &k.data,
            ])
            .arg(cursor)
            .arg(millis(after))
            .arg(&letter.group)
            .arg(&letter.described)
            .arg(&letter.line)
            .arg(go_on)
            .arg(letter.why)
            .run(&self.link)
            .await?;
        Reply::new(value)
    }
}

/// What the script writes of each job that it buries.
struct Letter {
    group: String,
    described: String,
    /// The history entry, without its beginning: the number of the attempt is told by each job's record.
    line: String,
    /// Why it is dead, for the application.
    why: &'static str,
}

impl Letter {
    fn new(group: &Group, version: &str, entry: &HistoryEntry) -> Self {
        let line = serde_json::to_string(entry).unwrap_or_default();
        let line = line.strip_prefix(r#"{"attempt":0"#).unwrap_or_default();
        Self {
            group: group.id(),
            described: group.described(version),
            line: line.to_owned(),
            why: group.cause.class.as_str(),
        }
    }
}

/// What was written of one job.
fn verdict(id: RawId, decision: &Decision, history: HistoryEntry) -> Verdict {
    Verdict {
        id,
        token: Arc::from(""),
        kind: None,
        fate: decision.fate.clone(),
        state: decision.state,
        history: Some(history),
        key: None,
        put_back: None,
        payload_bytes: 0,
        report: decision.report.clone(),
        context: ClaimContext::default(),
    }
}
