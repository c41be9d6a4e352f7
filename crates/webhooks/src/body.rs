//! Reading a request's body, within limits of size, time and memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::EXPECT;
use axum::http::request::Parts;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// The largest body that is taken: 1 MiB. A callback of Twilio's has 1 KiB.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// So much is read of a body that is too large, and thrown away: a client that is not done with sending would not
/// look at the answer.
const MAX_DISCARDED_BYTES: usize = 8 << 20;

/// How long a body may take to come.
const WITHIN: Duration = Duration::from_secs(10);

/// All bodies that are being read together, in KiB: 64 MiB. Every connection with a body of its own at the limit
/// would be 1 GiB, and nothing of that is known to be a provider's yet.
const BUDGET_KIB: usize = 64 << 10;

/// The memory for bodies. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A body, and its part of the budget for as long as it is kept.
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    _held: Option<OwnedSemaphorePermit>,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLarge,
    TooSlow,
    /// The budget is used up.
    Busy,
    /// It broke off, or its chunks are malformed.
    Broken,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET_KIB)))
    }

    /// Makes the part that is held as large as `bytes`; says whether that was possible.
    fn grow(&self, held: &mut Option<OwnedSemaphorePermit>, bytes: usize) -> bool {
        let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        // No more than MAX_BYTES comes here.
        let lacks = u32::try_from(bytes.div_ceil(1024).saturating_sub(has)).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&self.0).try_acquire_many_owned(lacks) else {
            return false;
        };
        match held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        true
    }

    /// Reads a body to its end.
    pub(crate) async fn read(&self, head: &Parts, mut body: Body) -> Result<Whole, Unread> {
        let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let waits = head.headers.contains_key(EXPECT);
        if declared > MAX_DISCARDED_BYTES || (declared > MAX_BYTES && waits) {
            return Err(Unread::TooLarge);
        }
        let deadline = Instant::now() + WITHIN;
        let (mut bytes, mut held) = (Vec::new(), None);
        let mut length = 0;
        loop {
            let Ok(frame) = timeout_at(deadline, body.frame()).await else {
                return Err(match length.max(declared) > MAX_BYTES {
                    true => Unread::TooLarge,
                    false => Unread::TooSlow,
                });
            };
            let frame = match frame {
                Some(Ok(frame)) => frame,
                Some(Err(_)) => return Err(Unread::Broken),
                None if length > MAX_BYTES => return Err(Unread::TooLarge),
                None => break,
            };
            // Trailers say nothing here.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            length += data.len();
            if length > MAX_DISCARDED_BYTES {
                return Err(Unread::TooLarge);
            }
            if length.max(declared) > MAX_BYTES {
                (bytes, held) = (Vec::new(), None);
            } else if self.grow(&mut held, length) {
                bytes.extend_from_slice(&data);
            } else {
                return Err(Unread::Busy);
            }
        }
        Ok(Whole {
            bytes: bytes.into(),
            _held: held,
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn read(budget: &Budget, bytes: usize) -> Result<Whole, Unread> {
        let (head, ()) = Request::new(()).into_parts();
        // Of a stream, no length is known beforehand.
        let chunks = vec![7; bytes];
        let chunks: Vec<_> = chunks.chunks(10_000).map(Bytes::copy_from_slice).collect();
        let chunks = futures(chunks);
        budget.read(&head, chunks).await
    }

    fn futures(chunks: Vec<Bytes>) -> Body {
        let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);
        Body::from_stream(futures_util::stream::iter(chunks))
    }

    #[tokio::test]
    async fn a_body_at_the_limit_is_read_and_one_byte_more_is_not() {
        let budget = Budget::new();
        let whole = read(&budget, MAX_BYTES)
            .await
            .unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(whole.bytes.len(), MAX_BYTES);
        assert_eq!(budget.0.available_permits(), BUDGET_KIB - 1024);
        drop(whole);
        for bytes in [MAX_BYTES + 1, MAX_DISCARDED_BYTES + 1] {
            let unread = read(&budget, bytes).await.err();
            assert_eq!(unread, Some(Unread::TooLarge), "{bytes}");
        }
        assert_eq!(
            budget.0.available_permits(),
            BUDGET_KIB,
            "all is given back"
        );
    }

    #[tokio::test]
    async fn together_they_stay_within_the_budget() {
        let budget = Budget::new();
        let mut kept = Vec::new();
        for n in 0..64 {
            kept.push(
                read(&budget, MAX_BYTES)
                    .await
                    .unwrap_or_else(|e| panic!("{n}: {e:?}")),
            );
        }
        assert_eq!(read(&budget, 1).await.err(), Some(Unread::Busy));
        assert!(read(&budget, 0).await.is_ok(), "nothing takes no room");
        kept.pop();
        assert!(read(&budget, 1).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let (head, ()) = Request::new(()).into_parts();
        let silent =
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let begun = Instant::now();
        let unread = Budget::new().read(&head, silent).await.err();
        assert_eq!(
            (unread, begun.elapsed().as_secs()),
            (Some(Unread::TooSlow), 10)
        );
    }
}
