//! What moves by itself: one reading for all viewers of a process.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

/// Parts of pages, by the names that pages have them under.
pub(crate) type Parts = BTreeMap<String, String>;

/// What was read last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// When Redis last answered.
    pub(crate) at: Option<Timestamp>,
    /// Why it does not now, and since when.
    pub(crate) away: Option<(Timestamp, String)>,
    /// The parts of pages that were drawn of it.
    pub(crate) parts: Arc<Parts>,
}

/// Hands readings out.
#[derive(Debug)]
pub(crate) struct Live {
    latest: watch::Sender<Reading>,
    come: Notify,
    stopping: watch::Sender<bool>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            latest: watch::Sender::new(Reading::default()),
            come: Notify::new(),
            stopping: watch::Sender::new(false),
        }
    }

    /// Somebody looks from now on.
    pub(crate) fn watch(&self) -> (watch::Receiver<Reading>, watch::Receiver<bool>) {
        let receivers = (self.latest.subscribe(), self.stopping.subscribe());
        self.come.notify_one();
        receivers
    }

    /// Whether somebody looks.
    pub(crate) fn is_watched(&self) -> bool {
        self.latest.receiver_count() > 0
    }

    /// Returns when somebody has come.
    pub(crate) async fn come(&self) {
        self.come.notified().await;
    }

    /// Redis answered.
    pub(crate) fn read(&self, parts: Parts) {
        self.latest.send_replace(Reading {
            at: Some(Timestamp::now()),
            away: None,
            parts: Arc::new(parts),
        });
    }

    /// Redis did not answer.
    pub(crate) fn away(&self, why: &str) {
        self.latest.send_modify(|reading| {
            let since = reading.away.take().map(|(since, _)| since);
            let since = since.unwrap_or_else(Timestamp::now);
            reading.away = Some((since, why.to_owned()));
        });
    }

    /// Ends all streams: the process stops.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }
}
