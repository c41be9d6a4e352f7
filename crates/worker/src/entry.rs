//! One job while it is here.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use longshore_job::trace::Span;
use longshore_job::{OnUnknown, Reach, Unreached};
use longshore_queue::{Claimed, Door, Lease, NewJob, Queue, Route, RunState, Stamp, StopRequest};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::task::AbortHandle;

use crate::clock::Moment;
use crate::lock::lock;

/// A job that a run has made.
#[derive(Debug, Clone)]
pub(crate) struct Follower {
    pub(crate) queue: Queue,
    pub(crate) job: NewJob,
}

/// A claimed job, from its claim until its outcome is written.
pub(crate) struct Entry {
    pub(crate) claimed: Claimed,
    /// The lease it was claimed under.
    pub(crate) lease: Arc<Lease>,
    /// How long a run may take, as its queue says.
    queue_timeout: Duration,
    /// The same as its kind says, once that is known.
    timeout: OnceLock<Duration>,
    /// Its kind, once known, as its handler names it (so that metrics and groups stay bounded).
    pub(crate) kind: OnceLock<&'static str>,
    /// What follows an unknown outcome of it, once its args are known.
    pub(crate) on_unknown: OnceLock<OnUnknown>,
    /// Which credentials were in use when its run began: of its queue's provider, and of the one that stands in.
    pub(crate) credentials: OnceLock<[Option<String>; 2]>,
    started: OnceLock<Moment>,
    ended: AtomicBool,
    /// It has kept a checkpoint.
    progressed: AtomicBool,
    /// It waits until replicas know of its claim.
    uncopied: AtomicBool,
    /// Of these providers it tells after each call by itself.
    reported: Mutex<Vec<String>>,
    pub(crate) door: Door,
    /// A second request does no harm, once its args are known.
    pub(crate) may_repeat: OnceLock<bool>,
    /// That it is asked to stop.
    stop: Mutex<Option<StopRequest>>,
    stop_asked: Notify,
    /// How many interruptions there had been when it was last known to be ours (`RedisMemory::interruptions`).
    ours_as_of: AtomicU64,
    /// When it was claimed, on the queue's timeline.
    at: Mutex<Stamp>,
    followers: Mutex<Vec<Follower>>,
    /// The host that it did not reach last.
    unreached: Mutex<Option<(Unreached, Arc<dyn Reach>)>>,
    abort: Mutex<Option<AbortHandle>>,
    slot: Mutex<Option<OwnedSemaphorePermit>>,
    /// The span of its run, where runs are traced.
    pub(crate) span: OnceLock<Span>,
}

impl Entry {
    pub(crate) fn new(
        claimed: Claimed,
        lease: Arc<Lease>,
        queue_timeout: Duration,
        slot: OwnedSemaphorePermit,
        ours_as_of: u64,
    ) -> Self {
        let door = Door::new(claimed.run.may_have_been_sent);
        Self {
            at: Mutex::new(claimed.at.clone()),
            ours_as_of: AtomicU64::new(ours_as_of),
            followers: Mutex::default(),
            claimed,
            lease,
            queue_timeout,
            timeout: OnceLock::new(),
            kind: OnceLock::new(),
            on_unknown: OnceLock::new(),
            credentials: OnceLock::new(),
            started: OnceLock::new(),
            ended: AtomicBool::new(false),
            progressed: AtomicBool::new(false),
            uncopied: AtomicBool::new(false),
            reported: Mutex::default(),
            door,
            may_repeat: OnceLock::new(),
            stop: Mutex::default(),
            stop_asked: Notify::new(),
            unreached: Mutex::default(),
            abort: Mutex::default(),
            slot: Mutex::new(Some(slot)),
            span: OnceLock::new(),
        }
    }

    /// The trace that its run stands in: its span's, or else its producer's.
    pub(crate) fn trace_id(&self) -> Option<Cow<'_, str>> {
        match self.span.get() {
            Some(span) => Some(span.trace_id().into()),
            None => self.claimed.trace_id().map(Cow::from),
        }
    }

    /// `traceparent` and `tracestate` for the jobs that its run makes: they follow from the run, or belong at least to its trace.
    pub(crate) fn trace_context(&self) -> (Option<String>, Option<String>) {
        match self.span.get() {
            Some(span) => {
                let (parent, state) = span.trace_context();
                (Some(parent), state)
            }
            None => (
                self.claimed.traceparent.clone(),
                self.claimed.tracestate.clone(),
            ),
        }
    }

    /// How long its run may take: as its kind says, which is known once its payload was read.
    pub(crate) fn timeout(&self) -> Duration {
        *self.timeout.get().unwrap_or(&self.queue_timeout)
    }

    /// Notes how long a run of its kind may take.
    pub(crate) fn set_timeout(&self, timeout: Duration) {
        let _ = self.timeout.set(timeout);
    }

    /// It is asked to stop.
    pub(crate) fn ask_to_stop(&self, request: StopRequest) {
        let force = request.force;
        *lock(&self.stop) = Some(request);
        self.door.ask_to_stop(force);
        self.stop_asked.notify_waiters();
    }

    /// Whether it is to stop before its next request: it is asked to, and no request that this or an earlier run made may have
    /// been carried out, or it is forced.
    pub(crate) fn is_to_stop(&self) -> bool {
        self.door.is_to_stop()
    }

    /// Waits until it is to stop before its next request.
    pub(crate) async fn until_to_stop(&self) {
        loop {
            // Before it is looked at, so that no word is missed in between.
            let asked = self.stop_asked.notified();
            if self.is_to_stop() {
                return;
            }
            asked.await;
        }
    }

    /// Who asked it to stop, where it is to.
    pub(crate) fn stop_request(&self) -> Option<StopRequest> {
        let request = lock(&self.stop).clone();
        request.filter(|_| self.is_to_stop())
    }

    /// Its run begins, and is ended by this; at once if it is closed already.
    pub(crate) fn begin(&self, handle: AbortHandle) {
        let _ = self.started.set(Moment::now());
        if !self.door.is_open() {
            handle.abort();
        }
        *lock(&self.abort) = Some(handle);
    }

    /// Ends its run, if there is one.
    pub(crate) fn abort(&self) {
        if let Some(handle) = lock(&self.abort).take() {
            handle.abort();
        }
    }

    /// Notes a host that it did not reach.
    pub(crate) fn note_unreached(&self, unreached: Unreached, again: Arc<dyn Reach>) {
        *lock(&self.unreached) = Some((unreached, again));
    }

    /// What it did not reach last was for a want of this machine's own.
    pub(crate) fn was_our_own(&self) -> bool {
        let unreached = lock(&self.unreached);
        unreached
            .as_ref()
            .is_some_and(|(unreached, _)| unreached.ours)
    }

    /// The host that it did not reach last.
    pub(crate) fn take_unreached(&self) -> Option<(Unreached, Arc<dyn Reach>)> {
        lock(&self.unreached).take()
    }

    /// Notes that it has kept a checkpoint: it is not what kills its workers.
    pub(crate) fn note_checkpoint(&self) {
        self.progressed.store(true, Ordering::Release);
    }

    /// Notes whether it waits until replicas know of its claim.
    pub(crate) fn set_uncopied(&self, waits: bool) {
        self.uncopied.store(waits, Ordering::Release);
    }

    /// Replicas do not know of its claim: no request has gone out.
    pub(crate) fn is_uncopied(&self) -> bool {
        self.uncopied.load(Ordering::Acquire)
    }

    /// Notes that it has reported a call of this provider: its end says nothing of it that is not counted.
    pub(crate) fn note_reported(&self, provider: &str) {
        let mut reported = lock(&self.reported);
        if !reported.iter().any(|told| told == provider) {
            reported.push(provider.to_owned());
        }
    }

    /// Whether it has reported a call of this provider.
    pub(crate) fn has_reported(&self, provider: &str) -> bool {
        lock(&self.reported).iter().any(|told| told == provider)
    }

    /// Which way its calls go: as it was claimed, but that what the fallback may have goes there again. Unknown is never
    /// failed over, in neither direction.
    pub(crate) fn route(&self, has_fallback: bool) -> Route {
        let run = &self.claimed.run;
        let claimed = self.claimed.context.route;
        match has_fallback && run.may_have_been_sent && run.by_fallback {
            true if !claimed.is_fallback() => Route::Fallback,
            _ => claimed,
        }
    }

    /// What its record says of it by now.
    pub(crate) fn state(&self) -> RunState {
        let state = self.claimed.run;
        match self.progressed.load(Ordering::Acquire) {
            true => RunState { lost: 0, ..state },
            false => state,
        }
    }

    /// Its run is over. Its outcome may still have to be written.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Whether it ran at this moment, and still does.
    pub(crate) fn ran_at(&self, moment: Moment) -> bool {
        let started = self.started.get();
        !self.has_ended() && started.is_some_and(|started| started.ran() > moment.ran())
    }

    /// Its run is over.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Notes that it is known to be ours after so many interruptions.
    pub(crate) fn note_ours_as_of(&self, interruptions: u64) {
        self.ours_as_of.store(interruptions, Ordering::Release);
    }

    /// How many interruptions there had been when it was last known to be ours.
    pub(crate) fn ours_as_of(&self) -> u64 {
        self.ours_as_of.load(Ordering::Acquire)
    }

    /// When it was claimed, on the queue's timeline.
    pub(crate) fn at(&self) -> Stamp {
        lock(&self.at).clone()
    }

    /// Redis forgot its claim, and was sent it at this moment.
    pub(crate) fn set_claimed_at(&self, at: Stamp) {
        *lock(&self.at) = at;
    }

    /// Notes a job that its run has made.
    pub(crate) fn add_follower(&self, follower: Follower) {
        lock(&self.followers).push(follower);
    }

    /// Its run has made other jobs.
    pub(crate) fn has_followers(&self) -> bool {
        !lock(&self.followers).is_empty()
    }

    /// The ids of the jobs that its run has made, at most so many, and how many more there are.
    pub(crate) fn follower_ids(&self, most: usize) -> (Vec<String>, u64) {
        let mut ids: Vec<_> = self.followers().iter().map(|made| made.job.id).collect();
        // One that was made twice under one key is one job.
        ids.dedup();
        let more = ids.len().saturating_sub(most);
        ids.truncate(most);
        (ids.iter().map(ToString::to_string).collect(), more as u64)
    }

    /// The jobs that its run has made.
    pub(crate) fn followers(&self) -> Vec<Follower> {
        lock(&self.followers).clone()
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let payload = self.claimed.payload.as_ref().map_or(0, Vec::len);
        let followers = lock(&self.followers);
        let followers = followers
            .iter()
            .map(|follower| size_of::<Follower>() + follower.job.payload.len());
        size_of::<Self>() + payload + followers.sum::<usize>()
    }

    /// Another job may take its slot.
    pub(crate) fn free_slot(&self) {
        lock(&self.slot).take();
    }

    /// How long its run is over its time, if it is.
    pub(crate) fn overdue(&self) -> Option<Duration> {
        if self.has_ended() {
            return None;
        }
        self.started.get()?.ran().checked_sub(self.timeout())
    }

    /// How long its run has taken.
    pub(crate) fn ran_for(&self) -> Option<Duration> {
        self.started.get().map(|started| started.ran())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("claimed", &self.claimed)
            .finish_non_exhaustive()
    }
}
