//! What holds claims back, without Redis: a time that the provider named, refused credentials, its breaker, its limiter.

use std::collections::BTreeSet;

use longshore_job::Pass;
use longshore_queue::{CallReport, ClaimContext, ClaimState, HoldCause, Route};

/// How long the breaker is open, how long a probe may take, and how long refused credentials wait for theirs.
pub(crate) const OPEN_MS: i64 = 1_800_000;
pub(crate) const PROBE_MS: i64 = 900_000;
const REFUSED_MS: i64 = 60_000;
/// So many failures in a row open it.
pub(crate) const FAILURES: u32 = 2;

/// A hold: so long from when it was made, and by how much what is written of it was moved since. It is void while it seems to
/// have been made later than now.
#[derive(Debug, Clone, Copy)]
struct Hold {
    moved_ms: i64,
    for_ms: i64,
}

impl Hold {
    fn new(for_ms: i64) -> Self {
        Self {
            moved_ms: 0,
            for_ms,
        }
    }

    fn left(&self) -> i64 {
        match self.moved_ms > 0 {
            true => 0,
            false => (self.for_ms + self.moved_ms).max(0),
        }
    }

    fn holds(&self) -> bool {
        self.left() > 0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Closed,
    Open,
    Half,
}

/// The queue's provider.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    told: Option<Hold>,
    /// The version that was refused, and until when the next probe waits.
    refused: Option<(u8, Hold)>,
    stands: Stands,
    epoch: u64,
    open: Hold,
    failures: u32,
    /// By how much the limiter's last call was moved.
    limiter: Option<i64>,
    let_through: bool,
}

impl Default for Provider {
    fn default() -> Self {
        Self {
            told: None,
            refused: None,
            stands: Stands::Closed,
            epoch: 0,
            open: Hold::new(0),
            failures: 0,
            limiter: None,
            let_through: false,
        }
    }
}

impl Provider {
    /// What a claim with these credentials is told, and whether what it takes is a probe.
    pub(crate) fn look(&self, version: u8) -> (ClaimState, bool) {
        if self.told.is_some_and(|hold| hold.holds()) {
            return (ClaimState::Held, false);
        }
        let mut probe = false;
        if let Some((refused, wait)) = self.refused {
            if refused == version && wait.holds() {
                return (ClaimState::Refused, false);
            }
            probe = true;
        }
        if self.stands != Stands::Closed {
            if self.open.holds() {
                return (ClaimState::Open, false);
            }
            probe = true;
        }
        (ClaimState::Ok, probe)
    }

    /// Of a limiter whose last call is of a time to come, one call is safe.
    pub(crate) fn is_void(&self) -> bool {
        self.limiter.is_some_and(|moved| moved > 0)
    }

    /// Something was taken. Returns the epoch that goes with it.
    pub(crate) fn taken(&mut self, probe: bool, version: u8) -> u64 {
        self.limiter = Some(0);
        if probe {
            self.send_probe(version);
        }
        self.epoch
    }

    fn send_probe(&mut self, version: u8) {
        if self.refused.is_some() {
            self.refused = Some((version, Hold::new(REFUSED_MS)));
        }
        if self.stands != Stands::Closed {
            self.change(Stands::Half, PROBE_MS);
        }
    }

    fn change(&mut self, to: Stands, for_ms: i64) {
        self.stands = to;
        self.open = Hold::new(for_ms);
        self.failures = 0;
        self.epoch += 1;
    }

    /// What one is told who asks for a call; `probing`: the epoch of the probe that it was claimed as.
    pub(crate) fn ask(&mut self, probing: Option<u64>, version: u8) -> Result<Pass, ClaimState> {
        let (state, mut probe) = self.look(version);
        if state != ClaimState::Ok {
            // A probe may pass what its own being out holds back, and only the one that is out.
            let is_out = |epoch| match self.stands {
                Stands::Closed => true,
                Stands::Open => false,
                Stands::Half => self.epoch == epoch,
            };
            if state == ClaimState::Held || !probing.is_some_and(is_out) {
                return Err(state);
            }
            probe = true;
        } else if probe {
            self.send_probe(version);
        }
        Ok(Pass {
            epoch: self.epoch,
            probe,
        })
    }

    /// What the end of a call says. Those of one settle come one after the other, and then `reported`.
    pub(crate) fn report(&mut self, report: &CallReport, context: ClaimContext, version: u8) {
        let probe = context.route == Route::Probe;
        let is_now = context.epoch == self.epoch;
        match report {
            CallReport::Well => {
                self.let_through |= probe && is_now;
                if is_now {
                    self.count(true);
                }
                return;
            }
            CallReport::Ill => {
                if is_now {
                    self.count(false);
                }
                return;
            }
            CallReport::Hold(wait) => {
                let hold = Hold::new(i64::try_from(wait.as_millis()).expect("fits"));
                if self.told.is_none_or(|told| told.left() <= hold.for_ms) {
                    self.told = Some(hold);
                }
            }
            CallReport::Refused { .. } => self.refused = Some((version, Hold::new(REFUSED_MS))),
            _ => {}
        }
        // A probe that found nothing out leaves it to the next one.
        if probe && is_now && self.stands == Stands::Half {
            self.change(Stands::Open, 0);
        }
    }

    fn count(&mut self, well: bool) {
        match (self.stands, well) {
            (Stands::Half, true) => self.change(Stands::Closed, 0),
            (Stands::Half, false) => self.change(Stands::Open, OPEN_MS),
            (Stands::Closed, true) => self.failures = 0,
            (Stands::Closed, false) => {
                self.failures += 1;
                if self.failures >= FAILURES {
                    self.change(Stands::Open, OPEN_MS);
                }
            }
            (Stands::Open, _) => {}
        }
    }

    pub(crate) fn reported(&mut self) {
        if std::mem::take(&mut self.let_through) {
            self.refused = None;
        }
    }

    /// An operator lifts what holds. A breaker stays open, for one probe to go at once.
    pub(crate) fn lift(&mut self) {
        self.told = self.told.filter(|told| !told.holds());
        self.refused = None;
        if self.stands != Stands::Closed && self.open.holds() {
            self.change(Stands::Open, 0);
        }
    }

    /// What is written of holds is moved.
    pub(crate) fn move_holds(&mut self, by_ms: i64) {
        let refused = self.refused.as_mut().map(|(_, wait)| wait);
        let all = [self.told.as_mut(), refused, Some(&mut self.open)];
        for hold in all.into_iter().flatten() {
            hold.moved_ms += by_ms;
        }
    }

    pub(crate) fn move_limiter(&mut self, by_ms: i64) {
        self.limiter = self.limiter.map(|moved| moved + by_ms);
    }

    /// What an operator is shown.
    pub(crate) fn holds(&self) -> BTreeSet<&'static str> {
        let mut holds = BTreeSet::new();
        if self.told.is_some_and(|told| told.holds()) {
            holds.insert(HoldCause::RetryAfter.as_str());
        }
        if self.refused.is_some() {
            holds.insert(HoldCause::Credentials.as_str());
        }
        if self.stands != Stands::Closed && self.open.holds() {
            holds.insert(HoldCause::Breaker.as_str());
        }
        holds
    }

    /// Its breaker's state, as an operator is shown it.
    pub(crate) fn breaker(&self) -> &'static str {
        match self.stands {
            Stands::Closed => "closed",
            Stands::Open => "open",
            Stands::Half => "half-open",
        }
    }
}
