//! A job that was claimed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::{JobId, MAX_PAYLOAD_BYTES};

use crate::enqueue::millis;
use crate::header::Header;
use crate::packed::{Unpacked, unpack};
use crate::{ClaimContext, RawId, Replayed, RunState, Stamp, trace_id};

/// A job that is ours until it is settled, as it stood in Redis. Nothing in it has been decoded: one that cannot be
/// must not touch its neighbours.
#[derive(Clone)]
pub struct Claimed {
    /// Its id.
    pub id: RawId,
    /// What proves that it is ours.
    pub token: Arc<str>,
    /// Its payload; `None` when there is none under its id, or it was too large to be read.
    pub payload: Option<Vec<u8>>,
    /// The size of a payload that is larger than [`MAX_PAYLOAD_BYTES`](longshore_job::MAX_PAYLOAD_BYTES): it was not read.
    pub too_large: Option<u64>,
    /// It had a record, and that is gone: nobody knows whether it ran before.
    pub lost_record: bool,
    /// What stood before its payload (`lua/part/header.lua`), as it is.
    pub header: Vec<u8>,
    /// It had completed or died before: its id was listed twice.
    pub has_ended: bool,
    /// When it was enqueued, in ms since the epoch; plain apalis-redis does not say.
    pub enqueued_at_ms: Option<u64>,
    /// When it was first due, in ms since the epoch: what its expiry is counted from. Retries do not move it.
    pub first_due_ms: u64,
    /// When it expires, in ms since the epoch, if its producer said so.
    pub expires_at_ms: Option<u64>,
    /// When it was claimed, in ms since the epoch by Redis's clock.
    pub claimed_at_ms: u64,
    /// W3C trace context of the producer.
    pub traceparent: Option<String>,
    /// W3C trace state of the producer.
    pub tracestate: Option<String>,
    /// The idempotency key it was enqueued with, `<kind>:<key>`.
    pub key: Option<Arc<str>>,
    /// What its record says of earlier runs.
    pub run: RunState,
    /// Its route, and what its call's verdict goes back with.
    pub context: ClaimContext,
    /// When it was claimed.
    pub at: Stamp,
}

impl Claimed {
    /// The trace that it belongs to, if its producer named one.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        trace_id(self.traceparent.as_deref()?)
    }

    /// Whether it is too late to run it. `default` is its kind's expiry, which holds where its producer said nothing,
    /// whoever pushed it.
    #[must_use]
    pub fn has_expired(&self, default: Option<Duration>) -> bool {
        let by_default = || Some(self.first_due_ms.saturating_add(millis(default?)));
        self.expires_at_ms
            .or_else(by_default)
            .is_some_and(|expires| expires <= self.claimed_at_ms)
    }

    /// How long it had waited by then, from when it was due; `None` where it ran before.
    pub(super) fn waited(&self, now_ms: u64) -> Option<Duration> {
        let fresh = self.run == RunState::default();
        fresh.then(|| Duration::from_millis(now_ms.saturating_sub(self.first_due_ms)))
    }
}

impl Claimed {
    /// Takes apart what stands of it in `data`.
    pub(super) fn set_value(&mut self, value: Option<Vec<u8>>, now_ms: u64) {
        let read = value.as_deref().and_then(Header::read);
        let length = read.as_ref().map_or(0, |(_, length)| *length);
        let header = read.map(|(header, _)| header).unwrap_or_default();
        self.lost_record = header.has_record;
        self.payload = value.map(|mut value| {
            self.header = value[..length].to_vec();
            value.drain(..length);
            value
        });
        if let Some(payload) = self
            .payload
            .take_if(|payload| payload.len() > MAX_PAYLOAD_BYTES)
        {
            self.too_large = u64::try_from(payload.len()).ok();
        }
        self.enqueued_at_ms = (length > 0).then_some(header.at_ms);
        // Where nobody wrote it down, the id says when it was made. A producer's clock may be ahead: that gives it no more
        // time.
        let made = || self.id.job_id().map_or(now_ms, JobId::timestamp_ms);
        let first_due = header.due_ms.or(self.enqueued_at_ms);
        self.first_due_ms = first_due.unwrap_or_else(made).min(now_ms);
        self.expires_at_ms = header.expires_ms;
        self.traceparent = header.traceparent;
        self.tracestate = header.tracestate;
        self.key = header.key.map(Into::into);
        self.context.has_lane = header.lane.is_some();
    }

    /// Reads what a run needs of its record. Anybody can write there: what does not read is as good as absent.
    pub(super) fn set_record(&mut self, packed: Option<&[u8]>) {
        let Unpacked { fields, whole } = packed.map(unpack).unwrap_or_default();
        let mut run = None;
        for (name, value) in fields {
            let Ok(value) = std::str::from_utf8(value) else {
                continue;
            };
            match name {
                b"run" => run = RunState::read(value),
                b"end" => self.has_ended = true,
                b"op" => self.context.replayed = Replayed::parse(value),
                _ => {}
            }
        }
        self.run = run.unwrap_or_default();
        // A record that does not say what became of earlier runs is as good as none.
        self.lost_record &= run.is_none() || !whole;
        self.run.may_have_been_sent |= self.lost_record;
    }
}

impl fmt::Debug for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimed")
            .field("id", &self.id)
            .field("token", &self.token)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
