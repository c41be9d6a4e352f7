//! What a process remembers of a queue's timeline, so that it notices a Redis that forgot.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::QueueError;
use crate::link::At;
use crate::value::Reply;

/// A moment in a queue's life, as claims and settles count it. Later ones are greater.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stamp {
    nonce: Arc<str>,
    seq: u64,
}

impl Stamp {
    /// Which timeline it is: `<n>.<ms>.<worker>`.
    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// For ordering: stamps of a later timeline come after those of earlier ones.
    #[must_use]
    pub fn place(&self) -> (u64, u64) {
        let number = self.nonce.split('.').next().and_then(|n| n.parse().ok());
        (number.unwrap_or(0), self.seq)
    }

    /// Its place in that timeline.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }
}

/// The timeline that the claims, settles and heartbeats of one process are on. Shared by the clones of a
/// [`Queue`](crate::Queue).
#[derive(Default)]
pub(crate) struct Timeline(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    /// The timeline, and the highest seq seen of it.
    newest: Stamp,
    /// The worker that joined last, and the seq of its last claim or settle that was answered.
    worker: String,
    own: u64,
}

impl Timeline {
    /// What a call of this worker over this connection says of it.
    pub(crate) fn to_arg(&self, worker: &str, at: &At) -> String {
        let remembered = self.lock();
        let own = match remembered.worker == worker {
            true => remembered.own,
            false => 0,
        };
        let Stamp { nonce, seq } = &remembered.newest;
        format!("{nonce} {seq} {worker} {own} {}", at.server)
    }

    /// Notes what a call was answered that went well. `worker`: whose claim or settle it was. One that has joined anew meanwhile counts no
    /// call of before as its own.
    pub(crate) fn advance(&self, stamp: &Stamp, worker: Option<&str>) {
        let mut remembered = self.lock();
        if remembered.newest.nonce.is_empty() {
            remembered.newest.nonce = Arc::clone(&stamp.nonce);
        }
        if remembered.newest.nonce != stamp.nonce {
            return;
        }
        remembered.newest.seq = remembered.newest.seq.max(stamp.seq);
        if worker == Some(&*remembered.worker) {
            remembered.own = remembered.own.max(stamp.seq);
        }
    }

    /// The process has joined as this worker, which has claimed and settled nothing yet.
    pub(crate) fn join(&self, worker: &str) {
        let mut remembered = self.lock();
        worker.clone_into(&mut remembered.worker);
        remembered.own = 0;
    }

    /// Goes over to another timeline: everything was told there, by this worker, whose last call that was.
    pub(crate) fn adopt(&self, stamp: &Stamp, worker: &str) {
        let mut remembered = self.lock();
        remembered.newest = stamp.clone();
        remembered.own = match remembered.worker == worker {
            true => stamp.seq,
            false => 0,
        };
    }

    /// Whose claims and settles count on it; empty before a worker has joined.
    pub(crate) fn worker(&self) -> String {
        self.lock().worker.clone()
    }

    /// The newest moment that is known.
    pub(crate) fn newest(&self) -> Stamp {
        self.lock().newest.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline").finish_non_exhaustive()
    }
}

/// Reads `timeline, seq` from an answer.
pub(crate) fn stamp(answer: &mut Reply) -> Result<Stamp, QueueError> {
    Ok(Stamp {
        nonce: answer.next::<String>()?.into(),
        seq: answer.next()?,
    })
}

/// The worker behind a claim token, `<worker>:<n>`; empty when it is not of that form.
pub(crate) fn worker_of(token: &str) -> &str {
    let worker = token.rsplit_once(':').map_or("", |(worker, _)| worker);
    match worker.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => worker,
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_of_the_worker_that_joined_last_are_its_own() {
        let timeline = Timeline::default();
        let at = |seq| Stamp {
            nonce: "1.0.w".into(),
            seq,
        };
        let known = || {
            let Remembered { newest, own, .. } = &*timeline.lock();
            (newest.seq, *own)
        };
        timeline.join("before");
        timeline.advance(&at(1), Some("before"));
        assert_eq!(known(), (1, 1));
        timeline.join("now");
        assert_eq!(known(), (1, 0));
        timeline.advance(&at(3), Some("before"));
        assert_eq!(known(), (3, 0), "it was on its way");
        timeline.adopt(&at(4), "before");
        assert_eq!((timeline.worker().as_str(), known()), ("now", (4, 0)));
        timeline.advance(&at(5), Some("now"));
        timeline.adopt(&at(6), "now");
        assert_eq!(known(), (6, 6));
    }
}
