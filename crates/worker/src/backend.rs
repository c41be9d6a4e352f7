//! apalis's seam: our queue as an [`apalis::prelude::Backend`].

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis::prelude::{Backend, TaskBuilder, TaskId, WorkerContext};
use apalis_core::backend::BackendConfig;
use apalis_core::backend::finalize::Ephemeral;
use apalis_redis::{Config, RedisTask};
use tower::layer::util::Identity;

use crate::entry::Entry;
use crate::station::Station;

/// Hands claimed jobs to apalis. It does nothing itself: the claimer claims for free slots, the keeper beats, the
/// settler writes, each on its own, so that nothing apalis does can hold them up, and no error of Redis's ever
/// reaches apalis, which would end the worker and drop its running jobs.
pub(crate) struct QueueBackend {
    station: Arc<Station>,
    config: Config,
}

impl QueueBackend {
    pub(crate) fn new(station: Arc<Station>) -> Self {
        let keys = station.queue.keys();
        let name = keys.active.trim_end_matches(":active");
        Self {
            config: Config::default().queue(name),
            station,
        }
    }
}

/// apalis's word for a job is task: this is the one place where the words meet.
fn task(entry: Arc<Entry>) -> RedisTask {
    TaskBuilder::new(Vec::new())
        .task_id(TaskId::from_string(entry.claimed.id.to_string()))
        .attempt(entry.claimed.run.used as usize)
        .data(entry)
        .build()
}

impl Backend for QueueBackend {
    type Task = RedisTask;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<RedisTask, Infallible>>> {
        let next = self.station.handover.poll(cx);
        next.map(|entry| entry.map(|entry| Ok(task(entry))))
    }

    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for QueueBackend {
    type Args = Vec<u8>;
    type Id = TaskId;
    /// Payload bytes stay undecoded until our own pipeline decodes them: one that cannot be must not end the worker.
    type Kind = Ephemeral;
    type Config = Config;
    type Layer = Identity;

    fn config(&self) -> &Config {
        &self.config
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
