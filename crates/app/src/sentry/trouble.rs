//! What is told, before it is an event.

use std::panic::PanicHookInfo;

use longshore_job::{Answer, Blame, Cause, Class};
use longshore_worker::{CurrentJob, NewDeadLetter, current_job};

use crate::failure::Failure;

/// So much of a reason is kept, in characters. It is redacted on the way out.
const REASON_CHARS: usize = 1000;

/// Something that somebody should look at.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// A job has become a dead letter.
    Dead(Box<Letter>),
    /// A queue has paused itself: the provider refuses our credentials.
    Refused { queue: String, provider: String },
    /// Something panicked. The message stays where it is: it may quote an address.
    Panic {
        /// File, line and column.
        place: String,
        thread: String,
        job: Option<CurrentJob>,
    },
    /// A process ended badly.
    Failed {
        command: &'static str,
        what: &'static str,
        reason: String,
    },
    /// More causes at a time than are told apart.
    Others,
}

/// A dead letter.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) queue: String,
    pub(super) job_id: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) attempt: u32,
    pub(super) cause: Cause,
    pub(super) group: String,
    pub(super) answer: Answer,
    pub(super) reason: String,
}

impl Trouble {
    /// `None` for what is no error: a refusal that is the user's mistake (a declined card, a number that is none, an
    /// address that bounced), and a job that came too late. A refusal that is our own mistake (a parameter that is
    /// missing, an unknown template) is an error.
    pub(super) fn dead(letter: &NewDeadLetter<'_>) -> Option<Self> {
        match letter.cause.class {
            Class::Refused if letter.blame != Some(Blame::Theirs) => {}
            Class::Refused | Class::Expired => return None,
            Class::Failed | Class::OutcomeUnknown | Class::Undecodable | Class::Poison => {}
        }
        Some(Self::Dead(Box::new(Letter {
            queue: letter.queue.to_owned(),
            job_id: letter.job_id.map(|id| id.to_string()),
            kind: letter.kind.map(str::to_owned),
            attempt: letter.attempt,
            cause: letter.cause.clone(),
            group: letter.group.to_owned(),
            answer: letter.answer.clone(),
            reason: letter.reason.chars().take(REASON_CHARS).collect(),
        })))
    }

    /// `None` for a wrong input: whoever typed it has been told.
    pub(super) fn failed(command: &'static str, failure: &Failure) -> Option<Self> {
        let (what, reason) = match failure {
            Failure::Failed(reason) => ("failed", reason),
            Failure::Redis(reason) => ("redis", reason),
            Failure::Input(_) => return None,
        };
        Some(Self::Failed {
            command,
            what,
            reason: reason.chars().take(REASON_CHARS).collect(),
        })
    }

    /// Called in the thread that panics.
    pub(super) fn panic(panic: &PanicHookInfo<'_>) -> Self {
        let thread = std::thread::current();
        Self::Panic {
            place: panic
                .location()
                .map(ToString::to_string)
                .unwrap_or_default(),
            thread: thread.name().unwrap_or("unnamed").to_owned(),
            job: current_job(),
        }
    }

    /// What is one to Sentry. Of a dead letter it is the group that `dead groups` shows.
    pub(super) fn fingerprint(&self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Dead(letter) => &[&letter.group],
            Self::Refused { queue, provider } => &["credentials refused", provider, queue],
            Self::Panic { place, .. } => &["panic", place],
            Self::Failed { command, what, .. } => &["process", command, what],
            Self::Others => &["others"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}
