//! Histories: steps at random, and between them such as follow one another where things go wrong. Left to chance alone, most
//! histories would end before anything is lost twice, or a probe is late.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::step::{Args, End, Step, Tick, Word, any};

/// So many steps or scenes at the most: long enough for a job to die, be replayed, get lost and die again.
const LONGEST: usize = 60;

pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    let worker = || 0..3_u8;
    let of = |scene: fn(u8, u8) -> Vec<Step>| {
        (worker(), 1..3_u8).prop_map(move |(one, next)| scene(one, (one + next) % 3))
    };
    let scene = prop_oneof![
        60 => any().prop_map(|step| vec![step]),
        2 => of(lost),
        2 => of(died),
        2 => of(tripped),
        2 => of(probed),
        1 => of(refused),
        1 => of(forgot),
        1 => of(set_back),
        1 => of(used_up),
    ];
    vec(scene, 1..=LONGEST).prop_map(|scenes| scenes.concat())
}

fn settle(worker: u8, jobs: u8, end: End, word: Word) -> Step {
    Step::SettleSaying {
        worker,
        jobs,
        end,
        word,
    }
}

/// A worker is lost with what it runs, and another one finds that.
fn lost(worker: u8, other: u8) -> Vec<Step> {
    vec![
        Step::Claim { worker, want: 2 },
        Step::Freeze { worker },
        Step::Sweep { worker: other },
        Step::Claim {
            worker: other,
            want: 3,
        },
    ]
}

/// Jobs die, and an operator replays them.
fn died(worker: u8, _: u8) -> Vec<Step> {
    vec![
        settle(worker, 3, End::Dead, Word::Silent),
        Step::Replay { letters: 3 },
        Step::Claim { worker, want: 4 },
    ]
}

/// Calls fail until the breaker opens, and one is late.
fn tripped(worker: u8, _: u8) -> Vec<Step> {
    vec![
        Step::Claim { worker, want: 4 },
        settle(worker, 2, End::Back, Word::Ill),
        settle(worker, 1, End::Back, Word::Well),
    ]
}

/// A probe goes out, is late, and another one follows.
fn probed(worker: u8, other: u8) -> Vec<Step> {
    let asks = |worker| Step::Ask { worker, job: 0 };
    vec![
        Step::HoldsOver,
        Step::Claim { worker, want: 4 },
        Step::HoldsOver,
        Step::Claim {
            worker: other,
            want: 4,
        },
        asks(worker),
        settle(other, 1, End::Completed, Word::Ill),
    ]
}

/// Our credentials are refused while other calls are under way.
fn refused(worker: u8, other: u8) -> Vec<Step> {
    vec![
        Step::Claim { worker, want: 4 },
        settle(worker, 1, End::Back, Word::Refused),
        settle(worker, 1, End::Completed, Word::Well),
        Step::Credentials { worker: other },
        Step::Claim {
            worker: other,
            want: 2,
        },
    ]
}

/// Jobs run on two workers one after the other, and Redis forgets that.
fn forgot(worker: u8, other: u8) -> Vec<Step> {
    vec![
        Step::Save,
        Step::Claim { worker, want: 2 },
        settle(worker, 2, End::Back, Word::Silent),
        Step::Claim {
            worker: other,
            want: 2,
        },
        settle(other, 2, End::Completed, Word::Silent),
        Step::Restore,
    ]
}

/// Ticks are made, the clock goes back, and they come again.
fn set_back(process: u8, _: u8) -> Vec<Step> {
    let process = process % 2;
    let tick = |to| {
        Step::Cron(Tick {
            process,
            look: true,
            to,
            lost: false,
        })
    };
    vec![tick(6), tick(6), tick(0), tick(5)]
}

/// A job with a key dies and is discarded, and another one wants the key.
fn used_up(worker: u8, _: u8) -> Vec<Step> {
    let enqueue = Step::Enqueue {
        jobs: 1,
        lane: 3,
        later: false,
        key: Some((0, Args::These)),
    };
    vec![
        enqueue,
        Step::Claim { worker, want: 5 },
        settle(worker, 5, End::Dead, Word::Silent),
        Step::Discard { letter: 255 },
        Step::Discard { letter: 254 },
        enqueue,
    ]
}
