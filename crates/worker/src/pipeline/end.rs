use longshore_job::{JobError, Outcome, Undecodable};
use longshore_queue::StopRequest;

/// How a claimed job ended here.
#[derive(Debug)]
pub(crate) enum End {
    /// Its handler ran.
    Ran(Result<Outcome, JobError>),
    /// It cannot be read.
    Undecodable(Undecodable),
    /// It expired before it could run.
    Expired,
    /// It expired likewise, but a request of an earlier run may have been carried out, and its provider cannot be asked.
    ExpiredUnknown,
    /// No handler here knows its kind.
    KindUnknown(String),
    /// Its args are newer than this worker.
    Newer {
        /// Their version.
        version: u32,
        /// The newest version of its kind that is known here.
        known: u32,
    },
    /// It had ended before: its id was listed twice.
    ListedTwice,
    /// It was stopped before anything went out.
    NeverSent,
    /// Too few replicas of Redis know of its claim, and nothing went out.
    NotCopied,
    /// Somebody asked it to stop, and it has: before its next request.
    Stopped {
        /// Who asked, and why.
        request: StopRequest,
        /// An earlier request of this run may have been carried out.
        sent: bool,
    },
    /// Its lease was lost: what becomes of it is not ours to say.
    LeaseLost,
}

impl End {
    /// The end of a run that did not come to its own.
    pub(super) fn unfinished(sent: bool, reason: &str, code: &str, provider: Option<&str>) -> Self {
        Self::Ran(Err(JobError::unfinished(sent, reason, code, provider)))
    }
}
