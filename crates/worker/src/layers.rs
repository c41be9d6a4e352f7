//! The layers around a job, from the outside in: settle, trace, isolate, time limit, dispatch.
//!
//! Each is an async fn around the rest; [`Around`] makes it a tower layer.

mod dispatch;
mod isolate;
mod quoted;
mod settle;
mod time_limit;
mod trace;

use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_core::error::BoxDynError;
use apalis_redis::RedisTask;
use futures_util::future::BoxFuture;
use longshore_job::{JobError, Outcome, Undecodable};
use tower::{Layer, Service};

pub(crate) use dispatch::Dispatch;
pub use isolate::{Running, running};
pub(crate) use settle::SettleLayer;

use crate::entry::Entry;
use crate::station::Station;

/// How a claimed job ended here.
#[derive(Debug)]
pub(crate) enum End {
    /// Its handler ran.
    Ran(Result<Outcome, JobError>),
    /// It cannot be read.
    Undecodable(Undecodable),
    /// It expired before it could run.
    Expired,
    /// The same, but that a request of an earlier run may have been carried out, and its provider cannot be asked.
    ExpiredUnknown,
    /// No handler here knows its kind.
    KindUnknown(String),
    /// Its args are newer than this worker.
    Newer,
    /// It had ended before: its id was listed twice.
    ListedTwice,
    /// It was stopped before anything went out.
    NeverSent,
    /// Too few replicas of Redis know of its claim, and nothing went out.
    NotCopied,
    /// Its lease was lost: what becomes of it is not ours to say.
    LeaseLost,
}

type Rest = BoxFuture<'static, End>;
type Wrap = fn(Arc<Station>, Arc<Entry>, Rest) -> Rest;

/// An async fn around the rest, as a tower layer.
#[derive(Clone)]
pub(crate) struct Around {
    station: Arc<Station>,
    wrap: Wrap,
}

impl Around {
    fn new(station: &Arc<Station>, wrap: Wrap) -> Self {
        Self {
            station: Arc::clone(station),
            wrap,
        }
    }

    /// A span for the run, under the producer's trace.
    pub(crate) fn trace(station: &Arc<Station>) -> Self {
        Self::new(station, |station, entry, rest| {
            Box::pin(trace::around(station, entry, rest))
        })
    }

    /// A task of its own, so that a panic ends only this job and a run can be dropped.
    pub(crate) fn isolate(station: &Arc<Station>) -> Self {
        Self::new(station, |station, entry, rest| {
            Box::pin(isolate::around(station, entry, rest))
        })
    }

    /// The time limit, the kind's or else the queue's.
    pub(crate) fn time_limit(station: &Arc<Station>) -> Self {
        Self::new(station, |station, entry, rest| {
            Box::pin(time_limit::around(station, entry, rest))
        })
    }
}

impl<S> Layer<S> for Around {
    type Service = AroundService<S>;

    fn layer(&self, inner: S) -> AroundService<S> {
        AroundService {
            around: self.clone(),
            inner,
        }
    }
}

#[derive(Clone)]
pub(crate) struct AroundService<S> {
    around: Around,
    inner: S,
}

impl<S> Service<RedisTask> for AroundService<S>
where
    S: Service<RedisTask, Response = End, Error = BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = End;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<End, BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, task: RedisTask) -> Self::Future {
        let entry = entry_of(&task);
        let rest = self.inner.call(task);
        let rest =
            Box::pin(async move { rest.await.unwrap_or_else(|error| End::from_apalis(&error)) });
        let wrapped = (self.around.wrap)(Arc::clone(&self.around.station), entry, rest);
        Box::pin(async move { Ok(wrapped.await) })
    }
}

impl End {
    /// Our own services do not fail; an error can only be apalis's own.
    fn from_apalis(error: &BoxDynError) -> Self {
        Self::Ran(Err(JobError::transient(format!("apalis: {error}"))))
    }
}

/// The job behind a task.
fn entry_of(task: &RedisTask) -> Arc<Entry> {
    task.data()
        .get::<Arc<Entry>>()
        .map(Arc::clone)
        .expect("the backend puts its entry into every task")
}
