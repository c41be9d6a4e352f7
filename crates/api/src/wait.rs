//! Requests that wait for a job's end: how long, how many of them, and what only they are told.

use std::future::Future;
use std::time::Duration;

use longshore_client::{ClientError, JobStatus, PrivateResult};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::SemaphorePermit;

use crate::door::{Door, Seen};
use crate::error::ApiError;
use crate::fields::duration;
use crate::query::Query;
use crate::tokens::Caller;

/// Nobody waits longer in one request.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long a request that has no other query than `wait` asks to wait; zero without it.
pub(crate) fn asked(query: Option<&str>) -> Result<Duration, ApiError> {
    let mut query = Query::read(query, &["wait"]);
    let wait = match query.get("wait").map(duration) {
        None => Duration::ZERO,
        Some(Ok(wait)) => wait.min(LONGEST_WAIT),
        Some(Err(cure)) => {
            query.wrong("wait", cure);
            Duration::ZERO
        }
    };
    query.done(wait)
}

/// Room for one request that waits, as long as it does.
pub(crate) struct Place<'a> {
    door: &'a Door,
    _own: SemaphorePermit<'a>,
    _of_all: SemaphorePermit<'a>,
    _counted: Counted<'a>,
}

impl Door {
    /// Room for one request more that waits.
    pub(crate) fn place_to_wait<'a>(&'a self, caller: &'a Caller) -> Result<Place<'a>, ApiError> {
        let busy =
            |_| ApiError::unavailable("busy", "too many requests wait: send it again").after(1);
        Ok(Place {
            door: self,
            _own: caller.waiting.try_acquire().map_err(busy)?,
            _of_all: self.waiting.try_acquire().map_err(busy)?,
            _counted: Counted::new(&self.metrics.waiting),
        })
    }
}

impl Place<'_> {
    /// Returns when the job has ended, after the time of the wait, or when this process stops. Whoever settles the job tells.
    /// Returns what only those who wait are told.
    pub(crate) async fn until(
        &self,
        ended: impl Future<Output = Result<JobStatus, ClientError>>,
    ) -> Result<Option<PrivateResult>, ApiError> {
        let mut stop = self.door.stop.clone();
        tokio::select! {
            waited = ended => match waited {
                Ok(status) => Ok(status.private_result),
                Err(ClientError::StillRunning { .. }) => Ok(None),
                Err(error) => Err(self.door.failed(error)),
            },
            // An error is that nobody is left who could say it.
            _ = stop.wait_for(|stop| *stop) => Ok(None),
        }
    }
}

impl Seen {
    /// With what only those who wait are told.
    pub(crate) fn with_private(mut self, private: Option<PrivateResult>) -> Self {
        if let (Some(private), Some(fields)) = (private, self.json.as_object_mut()) {
            fields.insert("private_result".to_owned(), private.expose().clone());
        }
        self
    }
}

/// One that waits, as long as it does.
struct Counted<'a>(&'a Gauge);

impl<'a> Counted<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
