//! What a rehearsal of a replay says (`rehearse.rs` finds it out).

use serde::Serialize;

use crate::queues::{BreakerRow, FallbackRow, HoldRow, PauseRow};

/// What a replay would do, as far as the fleet, its configuration here and its providers' rules tell. A letter may count in several places: one that has expired may not decode either.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rehearsal {
    /// How many dead letters are meant.
    pub letters: u64,
    /// How many of them were looked at. The numbers below are of these.
    pub looked: u64,
    /// Which of them were looked at.
    pub sample: Sample,
    /// How many of them would be carried out: they decode, their handler is known, they have not expired, and the configuration
    /// refuses them not.
    pub would_run: u64,
    /// How many would die again, since this program's configuration has what they need no more, by the cause: the largest first.
    pub refused: Vec<RefusedRow>,
    /// How many stay dead: their person was forgotten, and their args are gone.
    pub forgotten: u64,
    /// How many would die again: nothing is sent to their address any more.
    pub suppressed: u64,
    /// How many would die again, since they do not decode.
    pub undecodable: u64,
    /// How many would wait apart, and die again after a while: neither this program nor a worker of their queue knows their kind.
    pub unknown_kind: u64,
    /// How many would wait apart as well: this program knows their kind, and no living worker of their queue does.
    pub no_worker_knows: u64,
    /// How many would be carried out as far as can be told: workers know their kind, and this program does not.
    pub workers_know: u64,
    /// How many would be put back until a worker comes that knows their version of the args.
    pub newer: u64,
    /// How many would die again, since they have expired; those of them that may have been carried out as unknown, unless
    /// their provider can be asked.
    pub expired: u64,
    /// Each would get its time again, so that none has expired.
    pub fresh_expiry: bool,
    /// How many may have been carried out already: a request of theirs went out, and no answer came.
    pub outcome_unknown: u64,
    /// How many reached their recipient, by what the provider has said since.
    pub delivered: u64,
    /// How many the provider took on, and they did not reach their recipient.
    pub delivery_failed: u64,
    /// How many the provider took on, and has not said how they ended.
    pub accepted: u64,
    /// How many of the delivered ones would be sent a second time: nobody is asked before.
    pub delivered_again: u64,
    /// How many of `outcome_unknown` would be carried out without a question: their effect may happen twice.
    pub may_double: u64,
    /// How many of `outcome_unknown` are so old that the provider may have forgotten their idempotency keys. What they made is
    /// looked for before anything is sent, so they do not double.
    pub key_forgotten: u64,
    /// How long it would take at the rate that was asked for, if nothing holds it up, in seconds.
    pub seconds: Option<u64>,
    /// The queues they would wait in, and what holds those back.
    pub queues: Vec<RehearsedQueue>,
}

/// Which letters a rehearsal has looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sample {
    /// All that are meant.
    #[default]
    All,
    /// Half of them are those that died first, half are those that died last.
    OldestAndNewest,
    /// Those that died first.
    Oldest,
}

impl Sample {
    /// What the numbers of a rehearsal are of, in words: `of them`, `of the oldest 500 and the newest 500`.
    #[must_use]
    pub fn words(self, looked: u64) -> String {
        match self {
            Self::All => "of them".to_owned(),
            Self::OldestAndNewest => {
                let oldest = looked.div_ceil(2);
                format!("of the oldest {oldest} and the newest {}", looked - oldest)
            }
            Self::Oldest => format!("of the oldest {looked}"),
        }
    }
}

/// Letters that the configuration would have refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// Why. Names no person.
    pub reason: String,
    /// How many.
    pub letters: u64,
}

/// How a queue stands whose letters would be replayed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RehearsedQueue {
    /// Its name.
    pub queue: String,
    /// How many letters are of it.
    pub letters: u64,
    /// How many jobs wait there already.
    pub pending: u64,
    /// How many workers there are. With none, nothing would run.
    pub workers: u64,
    /// Who paused it, if somebody did.
    pub paused: Option<PauseRow>,
    /// The breakers of its providers.
    pub breakers: Vec<BreakerRow>,
    /// Who takes its jobs while the breaker of its own provider is open.
    pub fallback: Option<FallbackRow>,
    /// Until when its provider told us to stay away, RFC 3339, if that is to come.
    pub held_until: Option<String>,
    /// All that the fleet holds back there, that and its breakers among it.
    pub holds: Vec<HoldRow>,
    /// Its provider is not configured here: what its configuration would refuse is not known.
    pub not_configured_here: bool,
}
