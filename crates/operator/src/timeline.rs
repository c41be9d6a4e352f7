//! The story of one job, from its enqueue on, as far as Redis keeps it.

use serde::Serialize;

use crate::job::{HistoryRow, JobView};
use crate::time::ms_of;

/// What a line of the story tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoryKind {
    /// It was enqueued.
    Enqueued,
    /// Earlier lines are not kept.
    NotKept,
    /// A run of it that counts.
    Attempt,
    /// A run that found out whether its provider works again.
    Probe,
    /// It was put back, at the cost of no attempt.
    PutBack,
    /// An operator changed it: `edited`, `replayed`, `cancelled`.
    Act,
    /// Its person was forgotten.
    Forgotten,
    /// It is parked: no worker knows its kind.
    Parked,
    /// Somebody asked its worker to stop it.
    AskedToStop,
    /// It became a dead letter.
    Died,
    /// What its provider said of its message later.
    Delivery,
    /// A worker has it now.
    Running,
    /// When it runs next.
    Next,
}

/// A line of the story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoryRow {
    /// When, RFC 3339; `None` where that is not known.
    pub at: Option<String>,
    /// What it tells.
    pub kind: StoryKind,
    /// In a few words.
    pub what: String,
    /// Who did it: a program, an operator, a worker.
    pub by: Option<String>,
    /// The run or the operator's act, where it is one.
    pub entry: Option<HistoryRow>,
}

impl StoryRow {
    fn new(at: Option<&String>, kind: StoryKind, what: impl Into<String>) -> Self {
        Self {
            at: at.cloned(),
            kind,
            what: what.into(),
            by: None,
            entry: None,
        }
    }

    fn by(self, by: Option<String>) -> Self {
        Self { by, ..self }
    }
}

/// One job's story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobStory {
    /// Its lines, the earliest first.
    pub rows: Vec<StoryRow>,
    /// What is not kept of it.
    pub not_kept: Vec<String>,
}

impl JobView {
    /// The story of the job.
    #[must_use]
    pub fn story(&self) -> JobStory {
        let mut rows = vec![self.enqueued()];
        if self.history_dropped > 0 {
            let what = match self.history_dropped {
                1 => "an earlier entry is not kept".to_owned(),
                n => format!("{n} earlier entries are not kept"),
            };
            rows.push(StoryRow::new(None, StoryKind::NotKept, what));
        }
        rows.extend(self.history.iter().map(of_entry));
        rows.extend(self.put_back());
        rows.extend(self.parked_since.as_ref().map(|since| {
            let what = "set apart: no worker that claimed it knows its kind";
            StoryRow::new(Some(since), StoryKind::Parked, what)
        }));
        rows.extend(self.asked_to_stop.as_ref().map(|asked| {
            let force = if asked.force { " by force" } else { "" };
            let reason = asked.reason.as_ref().map(|reason| format!(": {reason}"));
            let what = format!("asked to stop{force}{}", reason.unwrap_or_default());
            StoryRow::new(Some(&asked.time), StoryKind::AskedToStop, what)
                .by(Some(asked.by.clone()))
        }));
        if let (Some(group), Some(ended)) = (&self.group, &self.ended_at) {
            let what = format!("became a dead letter of group {group}");
            rows.push(StoryRow::new(Some(ended), StoryKind::Died, what));
        }
        let forgot = self.history.iter().any(|row| row.outcome == "forgotten");
        rows.extend(self.forgotten_at.as_ref().filter(|_| !forgot).map(|at| {
            let what = "its person was forgotten: its args are gone for good";
            StoryRow::new(Some(at), StoryKind::Forgotten, what)
        }));
        let delivered = self.delivered();
        rows.extend(delivered.clone().filter(|row| row.at.is_some()));
        // Entries of one millisecond stay in the order in which they were written.
        rows[1..].sort_by_key(|row| row.at.as_deref().map(ms_of));
        // What has not been heard of yet comes after all that has happened.
        rows.extend(delivered.filter(|row| row.at.is_none()));
        rows.extend(self.now());
        JobStory {
            rows,
            not_kept: self.not_kept(),
        }
    }

    fn enqueued(&self) -> StoryRow {
        let by = match (&self.cron, &self.enqueued_by) {
            (Some(cron), _) => {
                let by_hand = if cron.by_hand { ", by hand" } else { "" };
                Some(format!(
                    "cron entry {}, tick {}{by_hand}",
                    cron.entry, cron.tick
                ))
            }
            (None, Some(by)) => Some(format!("{} {}", by.by, by.name)),
            (None, None) => None,
        };
        StoryRow::new(self.enqueued_at.as_ref(), StoryKind::Enqueued, "enqueued").by(by)
    }

    fn put_back(&self) -> Option<StoryRow> {
        let last = self.put_back.as_ref()?;
        let mut what = format!("put back: {}", last.outcome);
        for part in last
            .provider
            .iter()
            .cloned()
            .chain(last.status.map(|n| n.to_string()))
        {
            what += &format!(" {part}");
        }
        if let Some(reason) = &last.reason {
            what += &format!(": {reason}");
        }
        let kind = match last.probe {
            true => StoryKind::Probe,
            false => StoryKind::PutBack,
        };
        Some(StoryRow::new(Some(&last.time), kind, what).by(Some(last.worker.clone())))
    }

    fn delivered(&self) -> Option<StoryRow> {
        let delivery = self.delivery.as_ref()?;
        let state = match (&delivery.state, &delivery.code) {
            (Some(state), Some(code)) => format!("{state}: {code}"),
            (Some(state), None) => state.clone(),
            (None, _) => "no report on the message yet".to_owned(),
        };
        let what = format!("{state} (message {})", delivery.message);
        Some(StoryRow::new(
            delivery.at.as_ref(),
            StoryKind::Delivery,
            what,
        ))
    }

    fn now(&self) -> Option<StoryRow> {
        if let Some(next) = &self.next_run_at {
            return Some(StoryRow::new(Some(next), StoryKind::Next, "due to run"));
        }
        let worker = self.worker.as_ref()?;
        let row = StoryRow::new(None, StoryKind::Running, "running now");
        Some(row.by(Some(worker.clone())))
    }

    fn not_kept(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.waits > 1 {
            said.push(format!(
                "it was put back {} times; only the last time is kept",
                self.waits
            ));
        }
        said.push("reschedules, runs by hand and reveals stand in the audit".to_owned());
        said
    }
}

fn of_entry(entry: &HistoryRow) -> StoryRow {
    let kind = match entry.outcome.as_str() {
        "edited" | "replayed" | "cancelled" => StoryKind::Act,
        "forgotten" => StoryKind::Forgotten,
        _ if entry.probe => StoryKind::Probe,
        _ => StoryKind::Attempt,
    };
    let what = match kind {
        StoryKind::Attempt => format!("attempt {}: {}", entry.attempt, entry.outcome),
        StoryKind::Probe => format!("probe: {}", entry.outcome),
        _ => entry.outcome.clone(),
    };
    StoryRow {
        entry: Some(entry.clone()),
        ..StoryRow::new(Some(&entry.time), kind, what).by(Some(entry.worker.clone()))
    }
}
