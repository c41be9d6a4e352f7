//! Correcting the args of a dead letter, or of a job that waits.

use longshore_job::clip_reason;

use crate::{HistoryEntry, JobState, Queue, QueueError, RawId, Signed, script};

/// What came of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// Its args are other ones now.
    Yes,
    /// They were so already.
    Same,
    /// It is here, where it cannot be edited: nothing was changed.
    Elsewhere(JobState),
    /// The queue does not know it (any more).
    Unknown,
    /// Somebody else has edited it meanwhile: nothing was changed.
    Changed,
    /// Its person was forgotten, and its args are gone for good.
    Forgotten,
    /// A request of it may have been carried out: not without force, and nothing was changed.
    OutcomeUnknown,
}

/// An edit of one job.
#[derive(Debug, Clone)]
pub struct Edit<'a> {
    /// The job.
    pub id: &'a RawId,
    /// Its payload as it was read.
    pub from: &'a [u8],
    /// Its payload from then on, checked.
    pub to: &'a [u8],
    /// The args that are replaced, in JSON, for its history.
    pub old_args: &'a str,
    /// How many attempts it had.
    pub attempt: u32,
    /// Also where a request with the old args may have been carried out.
    pub force: bool,
    /// Only a dead letter, and not a job that waits.
    pub only_dead: bool,
}

impl Queue {
    /// Replaces the payload of a dead letter, or of a job that waits. The generation of its idempotency key goes up, and the old args are kept
    /// in its history.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn edit(&self, edit: &Edit<'_>, signed: &Signed) -> Result<Edited, QueueError> {
        let entry = HistoryEntry {
            attempt: edit.attempt,
            worker: signed.by.clone(),
            outcome: HistoryEntry::EDITED.to_owned(),
            reason: Some(clip_reason(&signed.reason).into_owned()),
            old_args: Some(edit.old_args.to_owned()),
            ..HistoryEntry::default()
        };
        let entry = serde_json::to_string(&entry)
            .unwrap_or_else(|error| unreachable!("texts and numbers become JSON: {error}"));
        let edited: String = script::EDIT
            .on(&self.keys.of_waiting())
            .arg(edit.id.as_bytes())
            .arg(edit.from)
            .arg(edit.to)
            .arg(if edit.force { "force" } else { "" })
            .arg(&signed.by)
            .arg(&signed.reason)
            .arg(entry)
            .arg(if edit.only_dead { "dead" } else { "" })
            .run(&self.link)
            .await?;
        match edited.as_str() {
            "edited" => Ok(Edited::Yes),
            "same" => Ok(Edited::Same),
            "changed" => Ok(Edited::Changed),
            "forgotten" => Ok(Edited::Forgotten),
            "unsure" => Ok(Edited::OutcomeUnknown),
            "unknown" => Ok(Edited::Unknown),
            home => Ok(Edited::Elsewhere(JobState::of_home(home)?)),
        }
    }
}
