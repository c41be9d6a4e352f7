//! Connections: taken, served, ended.
//!
//! It has its own accept loop instead of `axum::serve`, which has no time limit for headers and no limit on
//! connections: a few thousand clients that send a byte a minute would be enough to keep everybody else out.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout, timeout_at};
use tower::ServiceExt;

use crate::body::{AnswerBody, Bounded, Incoming};
use crate::bounds::Bounds;
use crate::log_limit::LogLimit;
use crate::metrics::Metrics;
use crate::peer::{CallerAddr, Peer};
use crate::register::{Place, Register};

/// The longest header, and what is buffered of each connection, in bytes. Twilio's URLs have at most 4,000.
const BUFFER_BYTES: usize = 16 * 1024;

/// How long requests under way may take once the process is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// A connection takes no more requests after so long, so that callers spread over new processes. The request under way is answered.
const MAX_AGE: Duration = Duration::from_secs(300);

/// How often it is looked whether a connection's client has stopped reading.
const LOOK: Duration = Duration::from_secs(10);

/// After an error, such as too many open files: some will be closed by then.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a new connection waits for one of those that are being answered to end.
const ROOM_WITHIN: Duration = Duration::from_secs(1);

/// A listener, bounded.
#[derive(Debug)]
pub struct Listener {
    register: Arc<Register>,
    errors: LogLimit,
    /// A descriptor that is kept back, for one more connection when there are no others.
    spare: Option<File>,
    /// It was given up for a connection that is not accepted yet.
    is_lent: bool,
}

impl Listener {
    /// One with these limits. `metrics` says how full it is.
    #[must_use]
    pub fn new(bounds: Bounds, metrics: &Metrics) -> Self {
        Self {
            register: Register::new(bounds, metrics),
            errors: LogLimit::default(),
            spare: None,
            is_lent: false,
        }
    }

    /// Serves until `stop` is true (or its sender gone). Then it takes no more connections, and returns when the requests
    /// under way are answered, or ten seconds later.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        router: Router,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.accept(&listener) => accepted,
            };
            let Some((stream, from)) = accepted else {
                continue;
            };
            if let Some(place) = self.place(from).await {
                let serving = serve(stream, from, place, router.clone(), stop.clone());
                connections.spawn(serving);
            }
        }
        drop(listener);
        // Each of them is told by `stop`, and bounds itself.
        while connections.join_next().await.is_some() {}
    }

    /// The next connection. `None` after an error.
    async fn accept(&mut self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
        if self.spare.is_none() && !self.is_lent {
            self.spare = File::open("/dev/null").ok();
        }
        match listener.accept().await {
            Ok(accepted) => {
                self.is_lent = false;
                return Some(accepted);
            }
            // It was gone before we came to it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // The system says that there are no descriptors also when nobody is waiting to be accepted.
            Err(error) if is_out_of_descriptors(&error) && !somebody_waits(listener) => {
                sleep(PAUSE).await;
            }
            Err(error) => {
                self.log(&error);
                if is_out_of_descriptors(&error) {
                    self.register.free_descriptor();
                    if self.spare.take().is_some() {
                        self.is_lent = true;
                        return None;
                    }
                }
                sleep(PAUSE).await;
            }
        }
        None
    }

    fn log(&self, error: &io::Error) {
        if let Some(unlogged) = self.errors.pass() {
            let listener = self.register.bounds().name;
            tracing::warn!(listener, %error, unlogged, "a connection cannot be accepted");
        }
    }

    /// A place for a connection. `None` if there is none, since all others are being answered.
    async fn place(&self, from: SocketAddr) -> Option<Place> {
        let give_up = Instant::now() + ROOM_WITHIN;
        loop {
            let place = self.register.admit(from.ip());
            if place.is_some() {
                return place;
            }
            let left = self.register.left.notified();
            if timeout_at(give_up, left).await.is_err() {
                self.register.refused();
                return None;
            }
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error is that nobody is left who could say it.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}

/// Whether a connection waits to be accepted.
fn somebody_waits(listener: &TcpListener) -> bool {
    let mut polled = [PollFd::new(listener, PollFlags::IN)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut polled, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

/// Serves a connection until either side is done with it, or it has to make room.
async fn serve(
    stream: TcpStream,
    from: SocketAddr,
    mut place: Place,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let handle = place.handle.clone();
    let bounds = handle.bounds().clone();
    let header_within = bounds.header_within;
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (mut head, body) = request.into_parts();
        let has_body = !hyper::body::Body::is_end_stream(&body);
        let caller = CallerAddr {
            connected: from.ip(),
            named: bounds.proxies.named(from.ip(), &head.headers),
        };
        handle.has_header(Peer::of(caller.named), has_body);
        head.extensions.insert(caller);
        let sent =
            has_body.then(|| Incoming::new(Bounded::new(&head, body, handle.clone(), &bounds)));
        let body = sent.clone().map_or_else(Body::empty, Body::new);
        head.extensions.insert(handle.clone());
        let request = hyper::Request::from_parts(head, body);
        let answering = router.clone().oneshot(request);
        let handle = handle.clone();
        async move {
            let answer = answering.await?;
            if let Some(sent) = sent {
                sent.discard().await;
            }
            Ok::<_, std::convert::Infallible>(answer.map(|inner| AnswerBody { inner, handle }))
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_within)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let (mut look, mut is_old) = (interval(LOOK), false);
    let old = sleep(MAX_AGE);
    tokio::pin!(old);
    loop {
        // An error is a connection that broke, or was too slow: nobody is left to tell.
        tokio::select! {
            _ = &mut serving => return,
            _ = &mut place.closed => return,
            () = stopped(&mut stop) => break,
            () = &mut old, if !is_old => {
                is_old = true;
                serving.as_mut().graceful_shutdown();
            }
            _ = look.tick() => if place.handle.is_stuck() {
                return;
            },
        }
    }
    serving.as_mut().graceful_shutdown();
    tokio::select! {
        _ = timeout(GRACE, serving) => {}
        _ = &mut place.closed => {}
    }
}

#[cfg(test)]
mod tests;
