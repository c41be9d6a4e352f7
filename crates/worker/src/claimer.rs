//! Takes jobs for free slots, and sleeps until there is work.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_job::{Backoff, Reconnect};
use longshore_queue::{Claim, ClaimState, LinkOptions, QueueError};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until};

use crate::entry::Entry;
use crate::retell::retell;
use crate::station::Station;

/// How often an idle process looks by itself: a plain apalis program gives no signal, and its jobs are to be picked
/// up within a second.
const LOOK_EVERY: Duration = Duration::from_millis(920);

/// How long one wait for the signal lasts.
const SIGNAL_WAIT: Duration = Duration::from_secs(25);

/// The longest wait after a call that failed.
const RETRY_LONGEST: Duration = Duration::from_secs(1);

/// The loop. Ends when the station stops; a claim that is under way is waited for, so that what it took is known.
pub(crate) async fn run(station: Arc<Station>) {
    let mut reconnect = Reconnect::new(Duration::from_millis(50), RETRY_LONGEST);
    let mut stop = station.stop.subscribe();
    while !station.stopping() {
        station.claimer.mark();
        if station.lease().is_none() {
            // The keeper is joining.
            let mut standing = station.standing.subscribe();
            tokio::select! {
                _ = standing.wait_for(|standing| standing.lease.is_some()) => {}
                () = sleep(RETRY_LONGEST) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            continue;
        }
        match turn(&station).await {
            Ok(Next::Again) => reconnect.reset(),
            Ok(Next::Idle(next_due)) => {
                reconnect.reset();
                idle(&station, next_due).await;
            }
            Err(error) => {
                if reconnect.is_fresh() {
                    tracing::warn!(queue = station.queue.name(), %error, "claiming waits for Redis");
                }
                station.claims.store(false, Ordering::Release);
                station.doubt();
                // Whatever a failed claim took is found by a sweep.
                station.sweep_wanted.store(true, Ordering::Release);
                let wait = reconnect.next_backoff().unwrap_or(RETRY_LONGEST);
                tokio::select! {
                    () = sleep(wait) => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            }
        }
    }
    station.idle.send_replace(false);
}

enum Next {
    /// There may be more.
    Again,
    /// There is nothing, and nothing is due before this.
    Idle(Option<Duration>),
}

/// One turn: sweep if wanted, wait for slots, claim.
async fn turn(station: &Arc<Station>) -> Result<Next, QueueError> {
    if station.forgot.load(Ordering::Acquire) {
        retell(station).await?;
    }
    if station.sweep_wanted.swap(false, Ordering::AcqRel) {
        match crate::sweeper::sweep(station).await {
            Ok(()) => station.sweeps.store(true, Ordering::Release),
            // Whatever it is that Redis refuses, other jobs must not wait for it. The next beat asks again.
            Err(error @ QueueError::Refused { .. }) => {
                if station.sweeps.swap(false, Ordering::AcqRel) {
                    tracing::error!(queue = station.queue.name(), %error, "rescue does not work");
                }
            }
            Err(error) => {
                station.sweep_wanted.store(true, Ordering::Release);
                return Err(error);
            }
        }
    }
    let Some(mut slots) = free_slots(station).await else {
        return Ok(Next::Again);
    };
    let Some(lease) = station.lease() else {
        return Ok(Next::Again);
    };
    // Whatever it claimed would fail here, a probe too.
    let hosts = &station.hosts;
    if hosts.is_short() || hosts.lacks_credentials(&station.queue.provider().name) {
        return Ok(Next::Idle(None));
    }
    let doubts = station.doubts();
    let started = Instant::now();
    let want = slots.num_permits();
    let claim = station
        .queue
        .claim(&lease, want, station.settings.max_running)
        .await?;
    station.claims.store(true, Ordering::Release);
    station.say(claim.state);
    station.metrics.claim_seconds(started.elapsed());
    let Claim {
        state,
        jobs,
        next_due,
    } = claim;
    if state == ClaimState::Lost {
        station.lose_lease(&lease);
        return Ok(Next::Again);
    }
    if state == ClaimState::Forgot {
        station.note_forgot();
        return Ok(Next::Again);
    }
    let got = jobs.len();
    for claimed in jobs {
        if let Some(slot) = slots.split(1) {
            let timeout = station.settings.timeout;
            station.hand_over(Arc::new(Entry::new(
                claimed,
                Arc::clone(&lease),
                timeout,
                slot,
                doubts,
            )));
        }
    }
    if got == want && state == ClaimState::Ok {
        Ok(Next::Again)
    } else {
        Ok(Next::Idle(next_due))
    }
}

/// All free slots, at least one; `None` when something else wants attention first.
async fn free_slots(station: &Arc<Station>) -> Option<OwnedSemaphorePermit> {
    // With Redis slow, outcomes pile up: those first.
    let most = station.settings.concurrency * 4 + 256;
    if station.unsettled.load(Ordering::Acquire) > most {
        tokio::select! {
            () = station.settled_some.notified() => {}
            () = sleep(RETRY_LONGEST) => {}
        }
        return None;
    }
    let mut stop = station.stop.subscribe();
    let mut slots = tokio::select! {
        slot = Arc::clone(&station.slots).acquire_owned() => slot.ok()?,
        // Full slots are progress too; and a sweep must not wait for them.
        () = station.work.notified() => return None,
        () = sleep(Duration::from_secs(5)) => return None,
        _ = stop.wait_for(|stop| *stop) => return None,
    };
    let more = station.slots.available_permits().min(999);
    if more > 0
        && let Ok(more) =
            Arc::clone(&station.slots).try_acquire_many_owned(u32::try_from(more).unwrap_or(1))
    {
        slots.merge(more);
    }
    Some(slots)
}

/// Waits until there is work, or may be.
async fn idle(station: &Arc<Station>, mut next_due: Option<Duration>) {
    let mut stop = station.stop.subscribe();
    // What was claimed last is to start before the listener is woken.
    yield_now().await;
    // A signal that says there is work is of use only to those who can take it.
    station.idle.send_replace(!station.hosts.misses_any());
    loop {
        station.claimer.mark();
        let due = next_due.filter(|due| *due < LOOK_EVERY);
        let until = Instant::now() + due.unwrap_or(LOOK_EVERY);
        tokio::select! {
            () = station.work.notified() => break,
            () = sleep_until(until) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
        if due.is_some() || station.lease().is_none() {
            break;
        }
        let found = station.queue.peek(next_due.is_some()).await;
        if found.as_ref().is_ok_and(|peek| peek.replays) {
            station.replays.notify_one();
        }
        match found {
            // A job that runs nowhere, for all we know: a claim that Redis carried out after we gave it up.
            Ok(peek)
                if peek.running > 0
                    && station.ledger.len() == 0
                    && station.alone.load(Ordering::Acquire) =>
            {
                station.sweep_wanted.store(true, Ordering::Release);
                break;
            }
            Ok(peek) if peek.work => break,
            Ok(peek) => next_due = peek.next_due,
            // The claim says it better.
            Err(_) => break,
        }
    }
    station.idle.send_replace(false);
}

/// Waits for the signal while the claimer is idle, on a connection of its own. A signal that is of no use here is
/// handed on.
pub(crate) async fn listen(station: Arc<Station>) {
    let link = station.queue.link();
    let options = LinkOptions {
        response_timeout: SIGNAL_WAIT + Duration::from_secs(5),
        ..link.options()
    };
    let blocking = station.queue.over(link.another(options));
    let mut idle = station.idle.subscribe();
    let mut stop = station.stop.subscribe();
    loop {
        tokio::select! {
            _ = idle.wait_for(|idle| *idle) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let got = tokio::select! {
            got = blocking.wait_for_signal(SIGNAL_WAIT) => got,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match got {
            Ok(true) if *idle.borrow_and_update() => {
                station.work.notify_one();
                // Nothing more before the claimer has gone to work: it is to be woken first.
                let _ = idle.changed().await;
            }
            // Too busy for it now: somebody else may be idle. If that fails, their next look finds the work.
            Ok(true) => drop(station.queue.hand_on().await),
            Ok(false) => {}
            Err(_) => {
                // Redis may be another one when it is back: the next heartbeat finds out.
                station.doubt();
                station.beat_now.notify_one();
                sleep(RETRY_LONGEST).await;
            }
        }
    }
}
