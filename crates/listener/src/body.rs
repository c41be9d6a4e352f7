//! Reading a request's body, within limits of size, time and memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONNECTION, EXPECT, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::bounds::Bounds;
use crate::register::Handle;

/// So many times the largest body is read of one that is too large, and thrown away: a client that is not done with
/// sending would not look at the answer.
const DISCARDED: usize = 8;

/// But not more of it than this.
const MOST_DISCARDED: usize = 8 << 20;

/// So much of a body takes a second more: a large one may come over a slow line, and a small one may not trickle.
const BYTES_PER_SECOND: usize = 1 << 20;

/// When a client that was sent away for now should come again.
const RETRY_AFTER_SECONDS: u64 = 5;

/// Why there is no body. As an answer: 413, 408, 503 with `Retry-After`, or 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is over the limit of size.
    #[error("the body is too large")]
    TooLarge,
    /// It did not come in time.
    #[error("the body did not come in time")]
    TooSlow,
    /// There is no memory for it now.
    #[error("too many requests at once: send it again")]
    Busy,
    /// It broke off, or its chunks are malformed.
    #[error("the body broke off")]
    Broken,
}

impl IntoResponse for Unread {
    fn into_response(self) -> Response {
        let status = match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::BAD_REQUEST,
        };
        let mut answer = (status, format!("{self}\n")).into_response();
        let headers = answer.headers_mut();
        // What is left of the body would be read as the next request.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if self == Self::Busy {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        answer
    }
}

/// A body that has been read to its end. Its memory counts until this is dropped, or its request is answered.
#[derive(Debug)]
pub struct Whole {
    /// The body.
    pub bytes: Bytes,
    held: Option<Handle>,
}

impl Whole {
    /// Reads a body to its end. Its limits are those of the listener that took the request.
    ///
    /// # Errors
    /// Which limit was met.
    pub async fn read(head: &Parts, body: Body) -> Result<Self, Unread> {
        let held = head.extensions.get::<Handle>().cloned();
        let collected = body.collect().await.map_err(unread)?;
        Ok(Self {
            bytes: collected.to_bytes(),
            held,
        })
    }

    /// Reads a body of at most so many bytes to its end, where the listener takes larger ones for other paths.
    ///
    /// # Errors
    /// Which limit was met.
    pub async fn read_at_most(head: &Parts, mut body: Body, most: usize) -> Result<Self, Unread> {
        let held = head.extensions.get::<Handle>().cloned();
        let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let waits = head.headers.contains_key(EXPECT);
        let mut bytes = Vec::with_capacity(declared.min(most));
        let mut length = 0_usize;
        loop {
            let large = length.max(declared);
            if is_hopeless(large, most, waits) {
                return Err(Unread::TooLarge);
            }
            let Some(frame) = body.frame().await else {
                break;
            };
            let data = frame.map_err(unread)?.into_data().unwrap_or_default();
            length = length.saturating_add(data.len());
            match (length.max(declared) > most, &held) {
                (false, _) => bytes.extend_from_slice(&data),
                // What is held of it is for others.
                (true, Some(held)) => held.release(),
                (true, None) => {}
            }
        }
        match length > most {
            true => Err(Unread::TooLarge),
            false => Ok(Self {
                bytes: bytes.into(),
                held,
            }),
        }
    }
}

fn unread(error: axum::Error) -> Unread {
    let unread = error.into_inner().downcast::<Unread>();
    unread.map_or(Unread::Broken, |unread| *unread)
}

/// Whether a body of this length, as far as it is known, is not worth reading to its end. `waits`: its client waits for a word
/// before it sends it.
fn is_hopeless(length: usize, most: usize, waits: bool) -> bool {
    let discarded = most.saturating_mul(DISCARDED - 1).min(MOST_DISCARDED);
    length > most.saturating_add(discarded) || (length > most && waits)
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(held) = &self.held {
            held.release();
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Unread;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Unread> {
        let (head, body) = request.into_parts();
        Self::read(&head, body).await
    }
}

/// The body of a request, bounded, whoever reads it.
pub(crate) struct Bounded {
    inner: hyper::body::Incoming,
    handle: Handle,
    deadline: Pin<Box<Sleep>>,
    begun: Instant,
    within: Duration,
    most: usize,
    length: usize,
    /// What the header says of its length at least.
    declared: usize,
    /// The client waits for a word before it sends the body.
    waits: bool,
    /// The request is answered: nothing is kept of what still comes.
    discards: bool,
    /// Nothing more comes of it.
    is_over: bool,
}

impl Bounded {
    pub(crate) fn new(
        head: &Parts,
        inner: hyper::body::Incoming,
        handle: Handle,
        bounds: &Bounds,
    ) -> Self {
        Self {
            declared: usize::try_from(inner.size_hint().lower()).unwrap_or(usize::MAX),
            waits: head.headers.contains_key(EXPECT),
            inner,
            handle,
            deadline: Box::pin(sleep(bounds.body_within)),
            begun: Instant::now(),
            within: bounds.body_within,
            most: bounds.body_bytes,
            length: 0,
            discards: false,
            is_over: false,
        }
    }

    fn is_too_large(&self) -> bool {
        self.length.max(self.declared) > self.most
    }

    /// Not worth reading to its end.
    fn is_hopeless(&self) -> bool {
        is_hopeless(self.length.max(self.declared), self.most, self.waits)
    }

    /// Notes that more has come: what is long may take longer.
    fn has_come(&mut self, bytes: usize) {
        let seconds = self.length / BYTES_PER_SECOND;
        self.length = self.length.saturating_add(bytes);
        let now = self.length / BYTES_PER_SECOND;
        if now > seconds {
            let more = Duration::from_secs(now as u64);
            self.deadline
                .as_mut()
                .reset(self.begun + self.within + more);
        }
    }
}

impl Bounded {
    /// What comes next.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Unread>>> {
        loop {
            let data = match ready!(self.poll_data(cx)) {
                Some(Ok(data)) => data,
                ended => {
                    // Of one that is too long for our memory the rest may still be thrown away.
                    self.is_over = true;
                    return Poll::Ready(ended);
                }
            };
            self.has_come(data.len());
            if self.is_too_large() || self.discards {
                // What is held of it is for others.
                self.handle.release();
            } else if !self.handle.grow(data.len()) {
                return Poll::Ready(Some(Err(Unread::Busy)));
            } else if !data.is_empty() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Unread>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if self.is_hopeless() {
            return Poll::Ready(Some(Err(Unread::TooLarge)));
        }
        if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(match self.is_too_large() {
                true => Unread::TooLarge,
                false => Unread::TooSlow,
            })));
        }
        Poll::Ready(match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            // Trailers say nothing here.
            Some(Ok(frame)) => Some(Ok(frame.into_data().unwrap_or_default())),
            Some(Err(_)) => Some(Err(Unread::Broken)),
            None if self.is_too_large() => Some(Err(Unread::TooLarge)),
            None => {
                self.handle.has_body();
                None
            }
        })
    }
}

/// The body of a request, for whoever answers it and for what comes after the answer.
#[derive(Clone)]
pub(crate) struct Incoming(Arc<Mutex<Bounded>>);

impl Incoming {
    pub(crate) fn new(body: Bounded) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }

    /// Reads what was not read of it and throws it away, within the limits of any body: a client that is not done with sending would
    /// not look at the answer. One that waits for a word before it sends gets the answer instead.
    pub(crate) async fn discard(&self) {
        {
            let mut body = self.lock();
            if body.is_over || (body.waits && body.length == 0) {
                return;
            }
            body.discards = true;
            body.handle.release();
        }
        let _ = poll_fn(|cx| self.lock().poll_next(cx)).await;
    }

    /// A panic elsewhere leaves a whole value behind.
    fn lock(&self) -> MutexGuard<'_, Bounded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = Unread;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unread>>> {
        let next = ready!(self.lock().poll_next(cx));
        Poll::Ready(next.map(|data| data.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.lock();
        match body.is_too_large() {
            true => SizeHint::default(),
            false => body.inner.size_hint(),
        }
    }
}

/// The body of an answer. Its connection waits for the next request when this is dropped.
pub(crate) struct AnswerBody {
    pub(crate) inner: Body,
    pub(crate) handle: Handle,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.handle.is_working();
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            self.handle.is_to_be_taken(bytes);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.handle.is_answered();
    }
}
