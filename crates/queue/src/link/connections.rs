//! The connections that are open: one to each node, opened by the first call that needs it, and dropped when it may be broken.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Instant;

use redis::aio::MultiplexedConnection;
use tokio::sync::{Mutex, OnceCell};

use super::slots::slot_of;
use super::{Link, lock};
use crate::QueueError;

/// The connections of a link.
#[derive(Default)]
pub(super) struct Connections {
    /// By node; without a cluster there is one, without a name.
    pub(super) by_place: StdMutex<HashMap<Arc<str>, Cell>>,
    /// One of these asks for the map of a cluster at a time.
    pub(super) asking: Mutex<()>,
}

/// Where the connection to one node is.
pub(super) type Cell = Arc<Mutex<Place>>;

#[derive(Default)]
pub(super) struct Place {
    /// While it is open.
    open: Option<Open>,
    /// When opening it failed last, and why.
    failed: Option<(Instant, QueueError)>,
}

/// A connection, and what is known of its other end.
#[derive(Clone)]
pub(crate) struct Open {
    pub(super) connection: MultiplexedConnection,
    /// The node, by its place among the connections.
    pub(super) place: Arc<str>,
    /// Host and port.
    pub(super) server: Arc<str>,
    pub(super) process: Arc<OnceCell<Arc<str>>>,
    /// When it was opened.
    pub(super) since: Instant,
}

impl Open {
    pub(super) fn new(
        connection: MultiplexedConnection,
        place: Arc<str>,
        server: Arc<str>,
    ) -> Self {
        Self {
            connection,
            place,
            server,
            process: Arc::default(),
            since: Instant::now(),
        }
    }
}

impl Link {
    pub(super) async fn opened(&self, key: Option<&[u8]>) -> Result<Open, QueueError> {
        let place = match self.is_cluster() {
            true => self.node(key.map(slot_of)).await?,
            false => Arc::from(""),
        };
        self.opened_at(&place).await
    }

    pub(super) async fn opened_at(&self, place: &Arc<str>) -> Result<Open, QueueError> {
        let asked = Instant::now();
        let cell = self.cell(place);
        let mut of_place = cell.lock().await;
        if let Some(open) = &of_place.open {
            let mut open = open.clone();
            // They may be shared with somebody who waits longer.
            let timeout = self.options.response_timeout;
            open.connection.set_response_timeout(timeout);
            return Ok(open);
        }
        // Whoever waited while another call tried has its answer, too: a hundred calls do not try one after the other.
        if let Some((at, error)) = &of_place.failed
            && *at >= asked
        {
            return Err(error.clone());
        }
        match self.open(place, None).await {
            Ok((connection, server)) => {
                let opened = Open::new(connection, Arc::clone(place), server);
                of_place.failed = None;
                Ok(of_place.open.insert(opened).clone())
            }
            Err(error) => {
                self.slots().distrust();
                of_place.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Drops a connection, unless another one has taken its place.
    pub(super) async fn drop_open(&self, old: &Open) {
        let cell = self.cell(&old.place);
        let mut of_place = cell.lock().await;
        let is_it = |open: &Open| Arc::ptr_eq(&open.process, &old.process);
        if of_place.open.as_ref().is_some_and(is_it) {
            of_place.open = None;
            self.way.lost.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn cell(&self, place: &Arc<str>) -> Cell {
        let mut all = lock(&self.open.by_place);
        Arc::clone(all.entry(Arc::clone(place)).or_default())
    }
}
