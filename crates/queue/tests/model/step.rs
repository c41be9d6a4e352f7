//! What can happen to a queue. Jobs and workers are meant by numbers, taken modulo how many there are, so that a history
//! stays one when a step of it is left out.

use proptest::prelude::*;

use crate::lanes::{LANES, LaneNo};

/// How many keys there are.
pub(crate) const KEYS: u8 = 2;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// Some jobs of one lane, at once or for later; with a key, one of them.
    Enqueue {
        jobs: u8,
        lane: LaneNo,
        later: bool,
        key: Option<(u8, Args)>,
    },
    /// A producer repeats the enqueue of a job whose answer it has lost.
    EnqueueAgain {
        job: u8,
    },
    /// All that waits for its time is due.
    Due,
    Claim {
        worker: u8,
        want: u8,
    },
    /// A claim whose answer is lost on its way back.
    LoseClaim {
        worker: u8,
        want: u8,
    },
    /// A worker says how so many of its jobs ended, the oldest first.
    Settle {
        worker: u8,
        jobs: u8,
        end: End,
    },
    /// The same, with a word of each job's call on the provider.
    SettleSaying {
        worker: u8,
        jobs: u8,
        end: End,
        word: Word,
    },
    /// A run of a worker asks for a further call; if it has none, a job of another queue does.
    Ask {
        worker: u8,
        job: u8,
    },
    /// A call that was asked for says what it found.
    Tell {
        worker: u8,
        word: Word,
    },
    /// So much time goes by that what holds calls back is over.
    HoldsOver,
    /// An operator lifts what holds calls back.
    Lift,
    /// A worker has other credentials.
    Credentials {
        worker: u8,
    },
    /// Redis's clock goes back by an hour, or ahead.
    Jump {
        back: bool,
    },
    /// A worker says again how the jobs ended that it settled last: the answer was lost.
    SettleAgain {
        worker: u8,
    },
    /// So much time goes by that a worker remembers nothing of what it has settled.
    ForgetSettled {
        worker: u8,
    },
    /// A worker beats no more.
    Freeze {
        worker: u8,
    },
    /// A worker looks for jobs of those that are lost, and for its own that it does not know.
    Sweep {
        worker: u8,
    },
    Pause,
    Resume,
    /// An operator replays so many dead letters, the oldest first.
    Replay {
        letters: u8,
    },
    /// An operator discards one.
    Discard {
        letter: u8,
    },
    /// An operator cancels one, wherever it is, and has it stopped if it runs; by force, also if it may have been sent.
    Cancel {
        job: u8,
        force: bool,
    },
    /// An operator puts one off, or has it due now.
    Reschedule {
        job: u8,
        later: bool,
    },
    /// An operator has one run that waits for its time.
    RunNow {
        job: u8,
    },
    /// An operator edits the args of one.
    Edit {
        job: u8,
        force: bool,
    },
    /// A process has the ticks of a cron entry made.
    Cron(Tick),
    /// Another program pushes a job; with what it writes beside the payload, or without.
    Push {
        with_meta: bool,
    },
    /// A copy of Redis is made.
    Save,
    /// Redis is what it was at the last copy.
    Restore,
    /// The same, by a clock that is an hour behind: nobody lifts what holds claims back.
    RestoreBehind,
}

/// One process's look at a cron entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    pub(crate) process: u8,
    /// It looks anew; if not, it goes by what it has seen before.
    pub(crate) look: bool,
    /// Up to which tick, by its clock: so many from three before the mark that it saw.
    pub(crate) to: u8,
    /// The answer is lost, and it asks again.
    pub(crate) lost: bool,
}

/// Which args a job with a key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Args {
    These,
    Those,
}

/// What a call says of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Silent,
    Well,
    Ill,
    Wait { long: bool },
    Refused,
}

/// How jobs end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    /// The attempt failed.
    Failed,
    /// It is put back until later, at no attempt.
    Later,
    /// It is put back at once.
    Back,
    /// It never ran.
    Untouched,
    Dead,
}

pub(crate) fn any() -> impl Strategy<Value = Step> {
    let worker = || 0..3_u8;
    let end = || {
        prop_oneof![
            4 => Just(End::Completed),
            2 => Just(End::Failed),
            1 => Just(End::Later),
            1 => Just(End::Back),
            1 => Just(End::Untouched),
            2 => Just(End::Dead),
        ]
    };
    let lane = prop_oneof![4 => Just(0), 6 => 0..LANES];
    let args = prop_oneof![3 => Just(Args::These), 1 => Just(Args::Those)];
    let key = proptest::option::weighted(0.6, (0..KEYS, args));
    prop_oneof![
        6 => (1..5_u8, lane, proptest::bool::weighted(0.2), key)
            .prop_map(|(jobs, lane, later, key)| Step::Enqueue { jobs, lane, later, key }),
        1 => any_job().prop_map(|job| Step::EnqueueAgain { job }),
        2 => Just(Step::Due),
        8 => (worker(), 0..6_u8).prop_map(|(worker, want)| Step::Claim { worker, want }),
        1 => (worker(), 1..6_u8).prop_map(|(worker, want)| Step::LoseClaim { worker, want }),
        9 => (worker(), 1..6_u8, end())
            .prop_map(|(worker, jobs, end)| Step::Settle { worker, jobs, end }),
        6 => (worker(), 1..4_u8, end(), word())
            .prop_map(|(worker, jobs, end, word)| Step::SettleSaying { worker, jobs, end, word }),
        2 => (worker(), any_job()).prop_map(|(worker, job)| Step::Ask { worker, job }),
        1 => (worker(), word()).prop_map(|(worker, word)| Step::Tell { worker, word }),
        3 => Just(Step::HoldsOver),
        1 => Just(Step::Lift),
        1 => worker().prop_map(|worker| Step::Credentials { worker }),
        2 => proptest::bool::ANY.prop_map(|back| Step::Jump { back }),
        1 => worker().prop_map(|worker| Step::SettleAgain { worker }),
        1 => worker().prop_map(|worker| Step::ForgetSettled { worker }),
        2 => worker().prop_map(|worker| Step::Freeze { worker }),
        3 => worker().prop_map(|worker| Step::Sweep { worker }),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        2 => (1..4_u8).prop_map(|letters| Step::Replay { letters }),
        2 => any_job().prop_map(|letter| Step::Discard { letter }),
        2 => (any_job(), proptest::bool::ANY).prop_map(|(job, force)| Step::Cancel { job, force }),
        2 => (any_job(), proptest::bool::weighted(0.7))
            .prop_map(|(job, later)| Step::Reschedule { job, later }),
        1 => any_job().prop_map(|job| Step::RunNow { job }),
        2 => (any_job(), proptest::bool::ANY).prop_map(|(job, force)| Step::Edit { job, force }),
        3 => tick().prop_map(Step::Cron),
        1 => proptest::bool::ANY.prop_map(|with_meta| Step::Push { with_meta }),
        1 => Just(Step::Save),
        1 => Just(Step::Restore),
        1 => Just(Step::RestoreBehind),
    ]
}

fn tick() -> impl Strategy<Value = Tick> {
    let look = proptest::bool::weighted(0.7);
    let lost = proptest::bool::weighted(0.3);
    (0..2_u8, look, 0..7_u8, lost).prop_map(|(process, look, to, lost)| Tick {
        process,
        look,
        to,
        lost,
    })
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        1 => Just(Word::Silent),
        4 => Just(Word::Well),
        5 => Just(Word::Ill),
        1 => proptest::bool::ANY.prop_map(|long| Word::Wait { long }),
        2 => Just(Word::Refused),
    ]
}

fn any_job() -> impl Strategy<Value = u8> {
    proptest::num::u8::ANY
}
