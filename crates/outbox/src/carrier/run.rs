//! The loop: connect, carry, wait; again after whatever goes wrong.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::database::text_of;
use super::pass::pass;
use super::store::Store;
use super::{Carrier, DatabaseError};

/// How often the table is looked at without a notification.
const POLL: Duration = Duration::from_secs(1);

/// How often it is counted what waits.
const LOOK: Duration = Duration::from_secs(5);

/// Longer than Postgres may take for each statement of a pass.
const PASS_WITHIN: Duration = Duration::from_secs(120);

/// How long it waits before it connects again: doubled from the first to the second.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Carrier {
    /// Carries until it is told to stop. What it has begun then it ends.
    pub(super) async fn carry(&self, mut stop: watch::Receiver<bool>) {
        let mut pause = PAUSE;
        while !*stop.borrow() {
            let since = Instant::now();
            match self.connected(&mut stop).await {
                Ok(()) => return,
                Err(error) => self.lost(&error, pause),
            }
            if since.elapsed() > LONGEST_PAUSE {
                pause = PAUSE;
            }
            tokio::select! {
                () = sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn lost(&self, error: &DatabaseError, pause: Duration) {
        self.state.postgres(Some(error.to_string()));
        self.metrics.connected(false);
        tracing::warn!(seconds = pause.as_secs_f64(), "nothing is carried: {error}");
    }

    /// Carries over one connection. Returns when it is told to stop.
    async fn connected(&self, stop: &mut watch::Receiver<bool>) -> Result<(), DatabaseError> {
        self.state.beat();
        let mut store = until(stop, self.database.connect()).await.transpose()?;
        let Some(store) = &mut store else {
            return Ok(());
        };
        let failed = |error: tokio_postgres::Error| DatabaseError::Lost(text_of(&error));
        store.listen().await.map_err(failed)?;
        self.state.postgres(None);
        self.metrics.connected(true);
        tracing::info!(table = %self.database.table(), "jobs are carried");
        let mut looked: Option<Instant> = None;
        while !*stop.borrow() {
            self.state.beat();
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                let look = timeout(PASS_WITHIN, self.look(store)).await;
                look.map_err(|_| silent())?.map_err(failed)?;
                looked = Some(Instant::now());
            }
            let passed = timeout(PASS_WITHIN, pass(store, &self.queues, &self.metrics)).await;
            let passed = passed
                .map_err(|_| DatabaseError::Lost("no answer within two minutes".to_owned()))?;
            if !passed.map_err(failed)? {
                self.idle(store, stop).await;
            }
        }
        Ok(())
    }

    /// Counts what waits, and takes what another carrier did not know.
    async fn look(&self, store: &Store) -> Result<(), tokio_postgres::Error> {
        self.metrics.looked(&store.look().await?);
        let known = self.queues.kinds.iter();
        let version = |v: u32| i32::try_from(v).unwrap_or(i32::MAX);
        let (kinds, versions): (Vec<&str>, Vec<i32>) =
            known.map(|spec| (spec.kind, version(spec.version))).unzip();
        let released = store.release(&kinds, &versions).await?;
        if released > 0 {
            tracing::info!(
                rows = released,
                "rows wait again whose kind this carrier knows"
            );
        }
        Ok(())
    }

    /// Waits until there may be something to do.
    async fn idle(&self, store: &mut Store, stop: &mut watch::Receiver<bool>) {
        let poll = Instant::now() + POLL;
        let next = self.queues.back_at().map_or(poll, |back| back.min(poll));
        tokio::select! {
            () = store.told() => {}
            () = sleep_until(next) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

fn silent() -> DatabaseError {
    DatabaseError::Lost("no answer within two minutes".to_owned())
}

/// What comes of it, unless it is told to stop before.
async fn until<T>(stop: &mut watch::Receiver<bool>, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        came = future => Some(came),
        _ = stop.wait_for(|stop| *stop) => None,
    }
}
