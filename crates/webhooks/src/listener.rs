//! Connections: how many, how long, and how they end.
//!
//! It has its own accept loop instead of `axum::serve`, which has no time limit for headers and no limit on
//! connections: a few thousand clients that send a byte a minute would be enough to keep everybody else out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// How long a header may take to come, and how long a connection may wait for its next request.
const HEADER_WITHIN: Duration = Duration::from_secs(10);

/// The longest header, and what is buffered of each connection, in bytes. Twilio's URLs have at most 4,000.
const BUFFER_BYTES: usize = 16 * 1024;

/// How long requests under way may take once their connection is to end.
const GRACE: Duration = Duration::from_secs(10);

/// A connection takes no more requests after so long: a client that sends requests and never reads an answer would
/// have it for ever.
const MAX_AGE: Duration = Duration::from_secs(300);

/// After an error, such as too many open files: some will be closed by then.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves at most `most` connections at once until `stop` is true (or its sender gone), then takes no more, and
/// returns when the requests under way are answered, or ten seconds later. Further connections wait in the system's
/// backlog until others end.
pub(crate) async fn run(
    listener: TcpListener,
    most: usize,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(most));
    let mut connections = JoinSet::new();
    loop {
        let (stream, slot) = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &slots) => accepted,
        };
        connections.spawn(serve(stream, slot, router.clone(), stop.clone()));
    }
    drop(listener);
    // Each of them is told by `stop`, and bounds itself.
    while connections.join_next().await.is_some() {}
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error is that nobody is left who could say it.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The next connection, and the slot that it takes.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await;
    let slot = slot.unwrap_or_else(|closed| unreachable!("nobody closes it: {closed}"));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            // It was gone before we came to it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Serves a connection until either side is done with it.
async fn serve(
    stream: TcpStream,
    _slot: OwnedSemaphorePermit,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    // An error is a connection that broke, or was too slow: nobody is left to tell.
    tokio::select! {
        _ = &mut serving => return,
        () = stopped(&mut stop) => {}
        () = sleep(MAX_AGE) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = timeout(GRACE, serving).await;
}

#[cfg(test)]
mod tests;
