//! What the end of a run means. The one place that decides; `settle` only carries it out.

#[cfg(feature = "decide")]
mod door;
mod report;
#[cfg(feature = "decide")]
mod run;
#[cfg(test)]
mod tests;

use std::time::Duration;

use longshore_job::{Cause, Class, OnUnknown, RetrySchedule, UndecodableWhy};

#[cfg(feature = "decide")]
pub use door::Door;
pub use report::{report_of_call, report_of_run};
#[cfg(feature = "decide")]
pub use run::decide;

use crate::{CallReport, HistoryEntry, RunState};

/// A job that is lost with its worker this often is dead: it may be what kills them.
pub const MAX_LOST: u32 = 3;

/// No throttle holds a job back for longer, whatever a provider says.
pub const MAX_THROTTLE: Duration = Duration::from_secs(3600);

/// What follows the failures of a kind's jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// When failed attempts are made again.
    pub schedule: RetrySchedule,
    /// What follows an unknown outcome.
    pub on_unknown: OnUnknown,
}

/// Where a job goes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It is done.
    Completed {
        /// What is kept of it.
        result: Option<serde_json::Value>,
    },
    /// The attempt failed and is made again.
    Retry {
        /// How long from now.
        after: Duration,
    },
    /// Given back until later, at the cost of no attempt.
    Later {
        /// How long from now.
        after: Duration,
    },
    /// Pending, at the cost of no attempt, and only for a worker that knows its kind.
    Parked {
        /// Its kind.
        kind: String,
    },
    /// To the head of the queue, to run again at once.
    Back,
    /// Never run: to the head of the queue, its record as it was.
    Untouched,
    /// A dead letter.
    Dead {
        /// Why.
        cause: Cause,
    },
    /// Cancelled: it was asked to stop, and its run stopped before its next request.
    Cancelled,
    /// It has already ended; only the claim is forgotten.
    Forget,
}

/// A fate, and the job's run state from then on.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Where it goes.
    pub fate: Fate,
    /// What its record says from then on.
    pub state: RunState,
    /// The word for what happened, as the history has it.
    pub outcome: &'static str,
    /// What its call says of the provider.
    pub report: CallReport,
}

impl Decision {
    /// Each call of the run was told of when it ended, so its last one does not count once more. What holds claims back is
    /// said again: that changes nothing where it is known, and a run that only could not get its credentials has told of no
    /// call.
    #[must_use]
    pub fn of_calls_told(self) -> Self {
        let report = match self.report {
            CallReport::Well | CallReport::Ill | CallReport::NotReached => CallReport::Nothing,
            report => report,
        };
        Self { report, ..self }
    }

    /// Something of the run may have been carried out, by the fallback or not, whatever its end says.
    #[must_use]
    pub fn in_doubt(mut self, by_fallback: bool) -> Self {
        if !self.state.may_have_been_sent {
            self.state.may_have_been_sent = true;
            self.state.by_fallback = by_fallback;
        }
        self
    }

    /// The run failed since this machine is short of something: that says nothing of the provider.
    #[must_use]
    pub fn of_our_own(self) -> Self {
        Self {
            report: CallReport::Nothing,
            ..self
        }
    }
}

/// Decides what becomes of a job whose worker was lost while it ran, claimed for the fallback or not. Its request may
/// have gone out.
#[must_use]
pub fn decide_lost(state: RunState, by_fallback: bool, policy: &Policy) -> Decision {
    let lost = RunState {
        lost: state.lost + 1,
        may_have_been_sent: true,
        // What the provider may have already it may still have.
        by_fallback: match state.may_have_been_sent {
            true => state.by_fallback,
            false => by_fallback,
        },
        ..state
    };
    let fate = if lost.lost >= MAX_LOST {
        Fate::Dead {
            cause: Cause::without_provider(Class::Poison, "worker lost three times"),
        }
    } else {
        match policy.on_unknown {
            OnUnknown::Retry | OnUnknown::Verify => Fate::Back,
            OnUnknown::Hold => Fate::Dead {
                cause: Cause::without_provider(Class::OutcomeUnknown, "worker lost"),
            },
        }
    };
    Decision {
        fate,
        state: lost,
        outcome: "lost",
        report: CallReport::Nothing,
    }
}

/// Decides what becomes of a job that was asked to stop, and whose run stopped. `sent`: a request of this run may have been
/// carried out; by the fallback or not.
#[must_use]
pub fn decide_stopped(state: RunState, sent: bool, by_fallback: bool) -> Decision {
    let state = RunState {
        may_have_been_sent: state.may_have_been_sent || sent,
        by_fallback: match state.may_have_been_sent {
            true => state.by_fallback,
            false => sent && by_fallback,
        },
        ..state
    };
    Decision {
        fate: Fate::Cancelled,
        state,
        outcome: HistoryEntry::CANCELLED,
        report: CallReport::Nothing,
    }
}

/// Decides what becomes of a parked job whose kind no worker of its queue knew for as long as it may wait. What its record
/// says of its runs is left.
#[must_use]
pub fn decide_unknown_kind(state: RunState) -> Decision {
    Decision {
        fate: Fate::Dead {
            cause: Cause::without_provider(
                Class::Undecodable,
                UndecodableWhy::UnknownKind.as_str(),
            ),
        },
        state,
        outcome: "undecodable",
        report: CallReport::Nothing,
    }
}
