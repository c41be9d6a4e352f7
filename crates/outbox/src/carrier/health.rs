//! How the carrier does, and what it says of itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use longshore_listener::Health;
use longshore_queue::Link;

use super::metrics::Metrics;

/// A carrier whose loop has made no turn for so long has stopped. Each statement ends within a minute, and a pass within two.
const STOPPED_AFTER: Duration = Duration::from_secs(180);

/// How the carrier does.
#[derive(Debug, Clone)]
pub(crate) struct State(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    link: Link,
    /// When the loop made its last turn.
    beat: Mutex<Instant>,
    /// What is wrong with Postgres.
    postgres: Mutex<Option<String>>,
}

impl State {
    pub(crate) fn new(link: Link) -> Self {
        Self(Arc::new(Inner {
            link,
            beat: Mutex::new(Instant::now()),
            postgres: Mutex::new(Some("not connected to Postgres yet".to_owned())),
        }))
    }

    pub(crate) fn beat(&self) {
        *lock(&self.0.beat) = Instant::now();
    }

    pub(crate) fn postgres(&self, problem: Option<String>) {
        *lock(&self.0.postgres) = problem;
    }
}

/// A panic elsewhere leaves whole values behind.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the carrier says of itself.
pub(crate) struct CarrierHealth {
    pub(crate) state: State,
    pub(crate) metrics: Arc<Metrics>,
}

impl Health for CarrierHealth {
    /// An outage of Postgres or Redis is no stop: the loop goes on asking.
    fn stopped(&self) -> Option<String> {
        let since = lock(&self.state.0.beat).elapsed();
        (since >= STOPPED_AFTER)
            .then(|| format!("nothing has been looked at for {} s", since.as_secs()))
    }

    async fn not_ready(&self) -> Option<String> {
        let postgres = lock(&self.state.0.postgres).clone();
        match postgres {
            Some(problem) => Some(problem),
            None => self.state.0.link.not_ready().await,
        }
    }

    fn metrics(&self) -> String {
        self.metrics.text()
    }
}
