//! Histories that found a fault once.

use crate::step::{End, Step};

/// Each by what it is about.
pub(crate) const ALL: &[(&str, &[Step])] = &[
    (
        "a discarded job whose id a restored Redis still lists",
        DISCARDED,
    ),
    (
        "a job that may have been sent, told to a Redis that forgot it",
        SENT,
    ),
];

const fn enqueue(jobs: u8) -> Step {
    Step::Enqueue {
        jobs,
        lane: 0,
        later: false,
        key: None,
    }
}

/// It came back as a dead letter without a payload.
const DISCARDED: &[Step] = &[
    enqueue(3),
    Step::Save,
    Step::Claim { worker: 2, want: 1 },
    Step::Restore,
    Step::Settle {
        worker: 2,
        jobs: 1,
        end: End::Dead,
    },
    Step::Discard { letter: 0 },
];

/// It looked as if it never ran.
const SENT: &[Step] = &[
    Step::Save,
    enqueue(1),
    Step::Freeze { worker: 1 },
    Step::Claim { worker: 1, want: 1 },
    Step::Sweep { worker: 0 },
    Step::Claim { worker: 0, want: 1 },
    Step::Restore,
    Step::Settle {
        worker: 0,
        jobs: 1,
        end: End::Untouched,
    },
];
