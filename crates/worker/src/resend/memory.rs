//! What Redis may have forgotten, as far as this process knows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use longshore_queue::Link;

/// What Redis has forgotten, or may have, as far as this station knows.
pub(crate) struct RedisMemory {
    /// Redis forgot, and has not been sent yet what is remembered here.
    forgotten: AtomicBool,
    /// Held by whoever sends it.
    pub(super) sending: tokio::sync::Mutex<()>,
    /// How often something has happened after which Redis may have forgotten a claim: a connection lost, a new timeline.
    interruptions: AtomicU64,
    /// It counts the connections lost by whoever had a call on them.
    link: Link,
}

impl RedisMemory {
    /// Of what stands in the Redis of this link.
    pub(crate) fn new(link: &Link) -> Self {
        Self {
            forgotten: AtomicBool::new(false),
            sending: tokio::sync::Mutex::new(()),
            interruptions: AtomicU64::new(0),
            link: link.clone(),
        }
    }

    /// Whether Redis has forgotten something that it has not been sent again.
    pub(crate) fn has_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::Acquire)
    }

    /// Notes that Redis has forgotten something: it is to be sent before the next claim, and the next verdict.
    pub(crate) fn note_forgotten(&self) {
        self.forgotten.store(true, Ordering::Release);
    }

    /// It has been sent all that is remembered here.
    pub(super) fn was_sent(&self) {
        self.forgotten.store(false, Ordering::Release);
    }

    /// How often Redis may have forgotten a claim. A job whose claim is older than the last time has to ask whether it is
    /// ours before it sends.
    pub(crate) fn interruptions(&self) -> u64 {
        self.interruptions.load(Ordering::Acquire) + self.link.lost()
    }

    /// Notes that Redis may have forgotten a claim.
    pub(crate) fn note_interruption(&self) {
        self.interruptions.fetch_add(1, Ordering::AcqRel);
    }
}
