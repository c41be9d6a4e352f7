//! Stand-ins: what a service would answer, on this machine.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// A stand-in for a service: for development, demonstrations and tests. `longshore sandbox` runs those of a program.
#[derive(Clone, Copy)]
pub struct Sandbox {
    /// Whom it stands in for, as configuration has it: `google_maps`.
    pub name: &'static str,
    /// Where it listens unless told otherwise: `127.0.0.1:9482`.
    pub addr: &'static str,
    /// Where it posts its events unless told otherwise; `None` where it posts none, or as each request says.
    pub posts_to: Option<&'static str>,
    /// Starts it.
    pub start: &'static StartStandIn,
}

/// Starts a stand-in.
pub type StartStandIn = dyn Fn(SandboxAt) -> Starting + Send + Sync;

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("name", &self.name)
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

/// Where a stand-in is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxAt {
    /// Where it listens; port 0 picks a free one.
    pub addr: SocketAddr,
    /// Where it posts its events.
    pub posts_to: Option<String>,
}

/// A stand-in, being started.
pub type Starting = Pin<Box<dyn Future<Output = io::Result<RunningStandIn>>>>;

type Stopping = Pin<Box<dyn Future<Output = ()>>>;

/// A stand-in that listens, until it is stopped or dropped.
pub struct RunningStandIn {
    origin: String,
    note: Option<String>,
    stop: Box<dyn FnOnce() -> Stopping>,
}

impl RunningStandIn {
    /// A running stand-in. `origin` is for the provider's `base_url`. `stop` returns once its address is free.
    pub fn new<S: Future<Output = ()> + 'static>(
        origin: String,
        stop: impl FnOnce() -> S + 'static,
    ) -> Self {
        Self {
            origin,
            note: None,
            stop: Box::new(|| Box::pin(stop())),
        }
    }

    /// Adds a note: what users of this stand-in must know.
    #[must_use]
    pub fn with_note(self, note: String) -> Self {
        Self {
            note: Some(note),
            ..self
        }
    }

    /// Its origin: `http://127.0.0.1:9482`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The note: what users of this stand-in must know.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Stops it, and returns once its address is free.
    pub async fn stop(self) {
        (self.stop)().await;
    }
}

impl fmt::Debug for RunningStandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningStandIn")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
