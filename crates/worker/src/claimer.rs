//! Takes jobs for free slots, and sleeps until there is work.

mod holds;
pub(crate) mod state;

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Backoff, Reconnect};
use longshore_queue::{Channel, Claim, ClaimState, Heard, Lease, QueueError, Spare, Wakes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until};

use crate::entry::Entry;
use crate::resend::resend;
use crate::station::Station;
use crate::sweeper::{Swept, sweep};
use holds::Holds;
use state::Sweeping;

/// How often an idle process looks by itself: a plain apalis program wakes nobody, and its jobs are to be picked
/// up within a second.
const LOOK_EVERY: Duration = Duration::from_millis(920);

/// How soon a claimer with slots to spare looks again by itself where jobs come fast: so much later they start.
const LOOK_AGAIN: Duration = Duration::from_millis(3);

/// After so many looks in a row others have their turn: some 50 ms, so that the fleet shares what comes fast.
const LOOKS_IN_A_ROW: u32 = 16;

/// So often, before a claim, runs that are about to end are let end first.
const YIELDS: usize = 16;

/// The longest wait after a call that failed.
const RETRY_LONGEST: Duration = Duration::from_secs(1);

/// Claims until the station stops; a claim that is under way is waited for, so that what it took is known.
pub(crate) async fn run(station: Arc<Station>, wakes: Arc<Wakes>) {
    let told = Arc::downgrade(&station);
    let channel = wakes.channel(&station.queue, move |heard| {
        let Some(station) = told.upgrade() else {
            return;
        };
        match heard {
            Heard::Work => station.claimer.wake(),
            Heard::Ended(_) | Heard::Private(..) | Heard::Stop => {}
            Heard::Broken => {
                // Redis may be another one when it is back: the next heartbeat finds out.
                station.redis_memory.note_interruption();
                station.keeper.want_beat();
            }
        }
    });
    listen_for_asks(&station, &wakes);
    let mut claimer = Claimer {
        slots: Arc::new(Semaphore::new(station.settings.concurrency)),
        station,
        wakes,
        channel,
        reconnect: Reconnect::new(Duration::from_millis(50), RETRY_LONGEST),
        holds: Holds::default(),
        rescues: true,
        looks: 0,
    };
    claimer.run().await;
}

/// Has the keeper look at once when jobs of this process are asked to stop, and when somebody may have said so unheard.
fn listen_for_asks(station: &Arc<Station>, wakes: &Wakes) {
    let told = Arc::downgrade(station);
    wakes.stop_channel(&station.queue, &station.process, move |_| {
        if let Some(station) = told.upgrade() {
            station.keeper.want_beat();
        }
    });
}

struct Claimer {
    station: Arc<Station>,
    /// One for each job that may run at the same time.
    slots: Arc<Semaphore>,
    /// By which it is woken, and where.
    wakes: Arc<Wakes>,
    channel: Channel,
    reconnect: Reconnect,
    holds: Holds,
    /// The last sweep was not refused.
    rescues: bool,
    /// How often in a row it has looked again by itself.
    looks: u32,
}

enum Next {
    /// There may be more.
    Again,
    /// There will be some: nobody is woken for them before this.
    Soon(Duration),
    /// There is nothing, and nothing is due before this.
    Idle(Option<Duration>),
    /// Jobs wait, and the slot that is left is kept for one of high priority.
    Kept(Option<Duration>),
}

impl Claimer {
    async fn run(&mut self) {
        let station = Arc::clone(&self.station);
        while !station.is_stopping() {
            station.claimer.mark();
            if station.keeper.lease().is_none() {
                // The keeper is joining.
                tokio::select! {
                    () = station.keeper.joined() => {}
                    () = sleep(RETRY_LONGEST) => {}
                    () = station.stopping() => {}
                }
                continue;
            }
            match self.turn().await {
                Ok(Next::Again) => self.reconnect.reset(),
                Ok(Next::Soon(wait)) => {
                    self.reconnect.reset();
                    // Nothing cuts it short: what comes just before its end is found only after it.
                    tokio::select! {
                        () = sleep(wait) => {}
                        () = station.stopping() => {}
                    }
                }
                Ok(Next::Idle(next_due)) => {
                    self.reconnect.reset();
                    self.wait_for_work(next_due).await;
                }
                Ok(Next::Kept(next_due)) => {
                    self.reconnect.reset();
                    self.wait_for_slot(next_due).await;
                }
                Err(error) => self.wait_for_redis(&error).await,
            }
        }
    }

    /// One turn: sweep if wanted, wait for slots, claim.
    async fn turn(&mut self) -> Result<Next, QueueError> {
        let station = &self.station;
        if station.redis_memory.has_forgotten() {
            resend(station).await?;
        }
        if let Some(sweeping) = station.claimer.take_sweep() {
            self.sweep(sweeping).await?;
        }
        let station = &self.station;
        let Some(slots) = self.free_slots().await else {
            return Ok(Next::Again);
        };
        let Some(lease) = station.keeper.lease() else {
            return Ok(Next::Again);
        };
        // Whatever it claimed would fail here, a probe too.
        let hosts = &station.hosts;
        if hosts.is_short() || hosts.lacks_credentials(&station.queue.provider().name) {
            return Ok(Next::Idle(None));
        }
        self.claim(&lease, slots).await
    }

    async fn sweep(&mut self, sweeping: Sweeping) -> Result<(), QueueError> {
        match sweep(&self.station, sweeping).await {
            Ok(Swept::Done) => self.rescues = true,
            Ok(Swept::Again) => {
                self.rescues = true;
                self.station.claimer.sweep_next();
            }
            // Whatever it is that Redis refuses, other jobs must not wait for it. The next beat asks again.
            Err(error @ QueueError::Refused { .. }) => {
                if std::mem::take(&mut self.rescues) {
                    tracing::error!(queue = self.station.queue.name(), %error, "rescue does not work");
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Claims jobs for these slots, and hands them over.
    async fn claim(
        &mut self,
        lease: &Arc<Lease>,
        mut slots: OwnedSemaphorePermit,
    ) -> Result<Next, QueueError> {
        let station = &self.station;
        let as_of = station.redis_memory.interruptions();
        let asks = station.keeper.asks();
        let started = Instant::now();
        let want = slots.num_permits();
        let spare = want > station.settings.concurrency / 2 && self.looks < LOOKS_IN_A_ROW;
        // Being woken is of use only to those who can take what there is.
        let listens = self.wakes.stands() && !station.hosts.misses_any();
        let spare = Spare {
            look_in: if spare { LOOK_AGAIN } else { Duration::ZERO },
            channel: listens.then_some(&self.channel),
            keeps_one: station.settings.concurrency > 1,
        };
        let claim = station
            .queue
            .claim_with(lease, want, station.settings.max_running, spare)
            .await?;
        station.claimer.set_answered(true);
        self.holds.note(station, claim.state);
        station.metrics.claim_seconds(started.elapsed());
        let Claim {
            state,
            jobs,
            next_due,
            look_in,
        } = claim;
        self.looks = if look_in.is_some() { self.looks + 1 } else { 0 };
        if state == ClaimState::Lost {
            station.lose_lease(lease);
            return Ok(Next::Again);
        }
        if state == ClaimState::Forgot {
            station.note_forgotten();
            return Ok(Next::Again);
        }
        let got = jobs.len();
        for claimed in jobs {
            if let Some(slot) = slots.split(1) {
                let timeout = station.settings.timeout;
                station.hand_over(Arc::new(Entry::new(
                    claimed,
                    Arc::clone(lease),
                    timeout,
                    slot,
                    as_of,
                )));
            }
        }
        if got > 0 && station.keeper.asks() != asks {
            station.keeper.look_for_asks();
        }
        Ok(match look_in {
            _ if got == want && state == ClaimState::Ok => Next::Again,
            _ if state == ClaimState::Kept => Next::Kept(next_due),
            Some(wait) => Next::Soon(wait),
            None => Next::Idle(next_due),
        })
    }

    /// All free slots, at least one; `None` when something else wants attention first.
    async fn free_slots(&self) -> Option<OwnedSemaphorePermit> {
        let station = &self.station;
        // With Redis slow, outcomes pile up: those first.
        let most = station.settings.concurrency * 4 + 256;
        if station.settler.unwritten() > most {
            tokio::select! {
                () = station.settler.wrote_some() => {}
                () = sleep(RETRY_LONGEST) => {}
            }
            return None;
        }
        let mut slots = tokio::select! {
            slot = Arc::clone(&self.slots).acquire_owned() => slot.ok()?,
            // Full slots are progress too; and a sweep must not wait for them.
            () = station.claimer.woken() => return None,
            () = sleep(Duration::from_secs(5)) => return None,
            () = station.stopping() => return None,
        };
        // What runs may be about to end: one claim for several slots costs little more than one for a single slot.
        let mut free = self.slots.available_permits();
        for _ in 0..YIELDS {
            yield_now().await;
            let before = std::mem::replace(&mut free, self.slots.available_permits());
            if free == before {
                break;
            }
        }
        let more = free.min(999);
        if more > 0
            && let Ok(more) =
                Arc::clone(&self.slots).try_acquire_many_owned(u32::try_from(more).unwrap_or(1))
        {
            slots.merge(more);
        }
        Some(slots)
    }

    /// Waits until there is work, or may be.
    async fn wait_for_work(&self, mut next_due: Option<Duration>) {
        let station = &self.station;
        loop {
            station.claimer.mark();
            let due = next_due.filter(|due| *due < LOOK_EVERY);
            let until = Instant::now() + due.unwrap_or(LOOK_EVERY);
            tokio::select! {
                () = station.claimer.woken() => break,
                () = sleep_until(until) => {}
                () = station.stopping() => break,
            }
            if due.is_some() || station.keeper.lease().is_none() {
                break;
            }
            let found = station.queue.peek(next_due.is_some()).await;
            if found.as_ref().is_ok_and(|peek| peek.replays) {
                station.replayer.wake();
            }
            if found.as_ref().is_ok_and(|peek| peek.notices) {
                station.notifier.wake();
            }
            match found {
                // A job that runs nowhere, for all we know: a claim that Redis carried out after we gave it up.
                Ok(peek)
                    if peek.running > 0
                        && station.ledger.len() == 0
                        && station.keeper.is_alone() =>
                {
                    station.claimer.sweep_next();
                    break;
                }
                Ok(peek) if peek.work => break,
                Ok(peek) => next_due = peek.next_due,
                // The claim says it better.
                Err(_) => break,
            }
        }
    }

    /// Waits until another slot is free than the one that is kept, or it is woken for a job that may have that one.
    async fn wait_for_slot(&self, next_due: Option<Duration>) {
        let station = &self.station;
        let wait = next_due.map_or(LOOK_EVERY, |due| due.min(LOOK_EVERY));
        tokio::select! {
            // Both are given back at once.
            _ = self.slots.acquire_many(2) => {}
            () = station.claimer.woken() => {}
            () = sleep(wait) => {}
            () = station.stopping() => {}
        }
    }

    /// A call of its turn has failed. Waits a little longer each time.
    async fn wait_for_redis(&mut self, error: &QueueError) {
        let station = &self.station;
        if self.reconnect.is_fresh() {
            tracing::warn!(queue = station.queue.name(), %error, "claiming waits for Redis");
        }
        station.claimer.set_answered(false);
        station.redis_memory.note_interruption();
        station.claimer.call_given_up();
        let wait = self.reconnect.next_backoff().unwrap_or(RETRY_LONGEST);
        tokio::select! {
            () = sleep(wait) => {}
            () = station.stopping() => {}
        }
    }
}
