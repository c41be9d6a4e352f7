//! The console as a process of its own: its two listeners, its end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use longshore_listener::{BindError, Bounds, Health, Ports, TrustedProxies};
use longshore_queue::Link;
use prometheus_client::collector::Collector;
use tokio::sync::watch;

use crate::console::Console;
use crate::metrics::Metrics;
use crate::shared::Shared;

/// Where to listen.
#[derive(Debug, Clone)]
pub struct ConsoleOptions {
    /// Where people reach it. Port 0 picks a free one.
    pub http_addr: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` are. Not to be reached from outside.
    pub private_addr: SocketAddr,
    /// The proxies in front of the first: their word is taken for whom a request comes from.
    pub trusted_proxies: TrustedProxies,
}

/// What a process serves beside the pages.
pub struct ConsoleParts {
    /// The connection of the operator, for `/readyz`.
    pub link: Link,
    /// What `/metrics` tells beside our own, under names that begin with `longshore_`.
    pub collectors: Vec<Box<dyn Collector>>,
}

/// A console that listens and does not answer yet.
pub struct ConsoleListening {
    ports: Ports,
    proxies: TrustedProxies,
    parts: ConsoleParts,
    console: Console,
}

/// Redis is all that it needs. That it answers says that it makes progress: the same threads serve people.
struct ConsoleHealth {
    link: Link,
    metrics: Arc<Metrics>,
}

impl Health for ConsoleHealth {
    async fn not_ready(&self) -> Option<String> {
        self.link.not_ready().await
    }

    fn metrics(&self) -> String {
        self.metrics.text()
    }
}

impl Console {
    /// Binds both addresses. What comes from then on waits for [`ConsoleListening::serve`].
    ///
    /// # Errors
    /// When an address cannot be used.
    pub async fn listen(
        self,
        options: ConsoleOptions,
        parts: ConsoleParts,
    ) -> Result<ConsoleListening, BindError> {
        Ok(ConsoleListening {
            ports: Ports::bind(options.http_addr, options.private_addr).await?,
            console: self.with_trusted_proxies(options.trusted_proxies.clone()),
            proxies: options.trusted_proxies,
            parts,
        })
    }
}

impl ConsoleListening {
    /// Where people reach it, with the port that was picked.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.ports.http_addr()
    }

    /// Where health and metrics are, with the port that was picked.
    #[must_use]
    pub fn private_addr(&self) -> SocketAddr {
        self.ports.private_addr()
    }

    /// Serves until `stop` is ready. Then takes no more connections, ends all streams, answers the requests that are under way, and
    /// returns. Health is told until the end.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        tracing::info!(
            http_addr = %self.http_addr(),
            private_addr = %self.private_addr(),
            "the console is served"
        );
        let (router, shared) = self.console.stoppable();
        let metrics = Metrics::new(self.parts.collectors, &shared);
        let health = ConsoleHealth {
            link: self.parts.link,
            metrics: Arc::clone(&metrics),
        };
        let bounds = Bounds {
            proxies: self.proxies,
            ..Bounds::public("console")
        };
        let counts = Arc::clone(&metrics);
        let routes = |stopping| routes(router, counts, shared, stopping);
        let listeners = &metrics.listeners;
        self.ports
            .serve(bounds, health, listeners, stop, routes)
            .await;
    }
}

/// The pages, counted; their streams end when the process stops.
fn routes(
    router: Router,
    metrics: Arc<Metrics>,
    shared: Arc<Shared>,
    mut stopping: watch::Receiver<bool>,
) -> Router {
    tokio::spawn(async move {
        // An error is that nobody is left who could say it.
        let _ = stopping.wait_for(|stopping| *stopping).await;
        shared.live.stop();
    });
    router.layer(from_fn_with_state(metrics, counted))
}

/// Counts requests, and how long they took.
async fn counted(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let is_post = request.method() == Method::POST;
    let answer = next.run(request).await;
    metrics.answered(is_post, answer.status().as_u16(), begun.elapsed());
    answer
}

impl fmt::Debug for ConsoleParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleParts").finish_non_exhaustive()
    }
}

impl fmt::Debug for ConsoleListening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleListening")
            .field("http_addr", &self.http_addr())
            .field("private_addr", &self.private_addr())
            .finish_non_exhaustive()
    }
}
