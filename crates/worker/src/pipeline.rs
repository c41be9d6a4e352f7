//! What happens to a claimed job here: one service, which apalis drives.
//!
//! Its `call` is the whole of it, and reads from the outside in. Each step is an async fn around the rest, and has a file
//! of its own. They are no tower layers: only apalis knows tasks, and our steps would each have to find the job in one.

mod dispatch;
pub(crate) mod end;
mod isolate;
mod limit;
mod quoted;
mod settle;
mod trace;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_redis::RedisTask;
use futures_util::future::BoxFuture;
use tower::Service;

pub(crate) use end::End;
pub use isolate::{CurrentJob, current_job};

use crate::entry::Entry;
use crate::station::Station;

/// The steps, as the service that apalis drives.
pub(crate) struct Pipeline {
    station: Arc<Station>,
}

impl Pipeline {
    pub(crate) fn new(station: &Arc<Station>) -> Self {
        Self {
            station: Arc::clone(station),
        }
    }
}

impl Service<RedisTask> for Pipeline {
    type Response = ();
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<(), Infallible>>;

    /// At any time: no job is claimed without a free slot.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: RedisTask) -> Self::Future {
        let run = JobRun::of(&self.station, &task);
        Box::pin(async move {
            run.settle(run.trace(run.isolate(run.limit(run.dispatch()))))
                .await;
            Ok(())
        })
    }
}

/// One run of a claimed job: what each step is given.
#[derive(Clone)]
struct JobRun {
    station: Arc<Station>,
    entry: Arc<Entry>,
}

impl JobRun {
    /// The run of the job behind a task.
    fn of(station: &Arc<Station>, task: &RedisTask) -> Self {
        let entry = task.data().get::<Arc<Entry>>();
        Self {
            station: Arc::clone(station),
            entry: Arc::clone(entry.expect("the backend puts its entry into every task")),
        }
    }
}
