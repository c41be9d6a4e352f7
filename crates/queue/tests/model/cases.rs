//! Histories that found a fault once.

use crate::step::{Args, End, Step, Word};

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
    (
        "a probe whose time is over, and whose call went well before our credentials were refused",
        LATE_PROBE,
    ),
    (
        "a key of a job that may have been sent, and is discarded",
        SENT_AND_DISCARDED,
    ),
    (
        "a key of a job that may have been sent, and is cancelled",
        SENT_AND_CANCELLED,
    ),
    ("a lease that nobody has any more, of a time to come", AHEAD),
    (
        "a job that its worker has settled and forgot, and that runs again by a Redis that is restored",
        UNKNOWN,
    ),
    ("a job with more runs than its history has entries", OFTEN),
    (
        "a discarded job that may have been sent, and whose producer enqueues it once more",
        DISCARDED_AND_AGAIN,
    ),
    (
        "a job of a lost worker, which was asked to stop it",
        ASKED_AND_LOST,
    ),
    (
        "a job that was asked to stop in a Redis that forgot that it has another worker by now",
        ASKED_BEFORE,
    ),
];

/// Its request may have gone out, so it is not cancelled.
const ASKED_AND_LOST: &[Step] = &[
    enqueue(1),
    Step::Claim { worker: 0, want: 1 },
    CANCEL,
    Step::Freeze { worker: 0 },
    Step::Sweep { worker: 1 },
];

/// Nobody asked that one.
const ASKED_BEFORE: &[Step] = &[
    enqueue(1),
    Step::Claim { worker: 0, want: 1 },
    Step::Cancel {
        job: 0,
        force: true,
    },
    Step::Save,
    saying(0, 1, End::Dead, Word::Silent),
    Step::ForgetSettled { worker: 0 },
    Step::Replay { letters: 1 },
    Step::Claim { worker: 1, want: 1 },
    Step::Restore,
    saying(1, 1, End::Failed, Word::Silent),
];

const CANCEL: Step = Step::Cancel {
    job: 0,
    force: false,
};

const fn enqueue(jobs: u8) -> Step {
    Step::Enqueue {
        jobs,
        lane: 0,
        later: false,
        key: None,
    }
}

const fn saying(worker: u8, jobs: u8, end: End, word: Word) -> Step {
    Step::SettleSaying {
        worker,
        jobs,
        end,
        word,
    }
}

/// It ended the pause that the next probe had found.
const LATE_PROBE: &[Step] = &[
    enqueue(4),
    Step::Claim { worker: 0, want: 2 },
    saying(0, 2, End::Back, Word::Ill),
    Step::HoldsOver,
    Step::Claim { worker: 0, want: 1 },
    Step::HoldsOver,
    Step::Claim { worker: 1, want: 1 },
    saying(1, 1, End::Back, Word::Refused),
    saying(0, 1, End::Completed, Word::Well),
];

/// It looked as if it never ran.
const UNKNOWN: &[Step] = &[
    enqueue(1),
    Step::Claim { worker: 0, want: 1 },
    Step::Save,
    saying(0, 1, End::Failed, Word::Silent),
    Step::ForgetSettled { worker: 0 },
    Step::Restore,
    Step::Sweep { worker: 0 },
];

/// Its jobs would have waited for that time.
const AHEAD: &[Step] = &[
    Step::Save,
    Step::Freeze { worker: 0 },
    Step::Sweep { worker: 1 },
    Step::Claim { worker: 0, want: 1 },
    Step::RestoreBehind,
];

const WITH_A_KEY: Step = Step::Enqueue {
    jobs: 1,
    lane: 0,
    later: false,
    key: Some((0, Args::These)),
};

/// Its key is not free.
const SENT_AND_DISCARDED: &[Step] = &[
    WITH_A_KEY,
    Step::Claim { worker: 0, want: 1 },
    Step::Freeze { worker: 0 },
    Step::Sweep { worker: 1 },
    Step::Claim { worker: 1, want: 1 },
    saying(1, 1, End::Dead, Word::Silent),
    Step::Discard { letter: 0 },
    WITH_A_KEY,
];

/// Nor is this one's.
const SENT_AND_CANCELLED: &[Step] = &[
    WITH_A_KEY,
    Step::Claim { worker: 0, want: 1 },
    Step::Freeze { worker: 0 },
    Step::Sweep { worker: 1 },
    Step::Cancel {
        job: 0,
        force: true,
    },
    WITH_A_KEY,
];

/// All of its runs failed.
const OFTEN: &[Step] = &{
    let mut steps = [enqueue(1); 1 + 12 * 3];
    let mut run = 0;
    while run < 12 {
        steps[1 + run * 3] = Step::Claim { worker: 0, want: 1 };
        steps[2 + run * 3] = Step::Settle {
            worker: 0,
            jobs: 1,
            end: End::Failed,
        };
        steps[3 + run * 3] = Step::Due;
        run += 1;
    }
    steps
};

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

/// Its key was over a day later, although the job waited.
const DISCARDED_AND_AGAIN: &[Step] = &[
    Step::Enqueue {
        jobs: 1,
        lane: 3,
        later: false,
        key: Some((0, Args::These)),
    },
    Step::Claim { worker: 0, want: 5 },
    Step::Freeze { worker: 0 },
    Step::Sweep { worker: 2 },
    Step::Claim { worker: 2, want: 5 },
    saying(2, 5, End::Dead, Word::Silent),
    Step::Discard { letter: 0 },
    Step::EnqueueAgain { job: 0 },
];
