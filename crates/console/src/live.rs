//! What moves by itself: one reading for all viewers of a process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

/// Parts of pages, by the names that pages have them under.
pub(crate) type Parts = BTreeMap<String, String>;

/// What stands in a list now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// When each came, in ms since the epoch: of its first page.
    pub(crate) times: Vec<i64>,
}

/// Lists that somebody looks at, by the addresses of their pages.
pub(crate) type Lists = BTreeMap<String, Listed>;

/// So many different lists are read for those who look at them; who looks at a further one is told nothing.
const MOST_LISTS: usize = 32;

/// What was read last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// When Redis last answered.
    pub(crate) at: Option<Timestamp>,
    /// Why it does not now, and since when.
    pub(crate) away: Option<(Timestamp, String)>,
    /// The parts of pages that were drawn of it.
    pub(crate) parts: Arc<Parts>,
    /// The lists that somebody looks at.
    pub(crate) lists: Arc<Lists>,
}

/// Hands readings out.
#[derive(Debug)]
pub(crate) struct Live {
    latest: watch::Sender<Reading>,
    come: Notify,
    stopping: watch::Sender<bool>,
    /// Somebody looks at a list that nobody looked at before.
    list_come: Notify,
    /// How many look at each list.
    watched: Mutex<BTreeMap<String, usize>>,
}

/// Somebody looks at a list, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    live: Arc<Live>,
    pub(crate) address: String,
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut watched = self.live.watched();
        if let Some(viewers) = watched.get_mut(&self.address) {
            *viewers -= 1;
            if *viewers == 0 {
                watched.remove(&self.address);
            }
        }
    }
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            latest: watch::Sender::new(Reading::default()),
            come: Notify::new(),
            stopping: watch::Sender::new(false),
            list_come: Notify::new(),
            watched: Mutex::default(),
        }
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, usize>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody looks at a list from now on; `None` where too many others are looked at.
    pub(crate) fn watch_list(self: &Arc<Self>, address: String) -> Option<Watched> {
        let mut watched = self.watched();
        if watched.len() >= MOST_LISTS && !watched.contains_key(&address) {
            return None;
        }
        let viewers = watched.entry(address.clone()).or_default();
        *viewers += 1;
        if *viewers == 1 {
            self.list_come.notify_one();
        }
        Some(Watched {
            live: Arc::clone(self),
            address,
        })
    }

    /// The lists that somebody looks at.
    pub(crate) fn watched_lists(&self) -> Vec<String> {
        self.watched().keys().cloned().collect()
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

    /// Returns when somebody looks at a list that nobody looked at before.
    pub(crate) async fn list_come(&self) {
        self.list_come.notified().await;
    }

    /// Redis answered.
    pub(crate) fn read(&self, parts: Parts, lists: Arc<Lists>) {
        self.latest.send_replace(Reading {
            at: Some(Timestamp::now()),
            away: None,
            parts: Arc::new(parts),
            lists,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_while_somebody_looks_at_it() {
        let live = Arc::new(Live::new());
        let first = live.watch_list("/audit".to_owned());
        let second = live.watch_list("/audit".to_owned());
        assert_eq!(live.watched_lists(), ["/audit"]);
        drop(first);
        assert_eq!(live.watched_lists(), ["/audit"]);
        drop(second);
        assert!(live.watched_lists().is_empty());
        let many: Vec<_> = (0..MOST_LISTS)
            .map(|n| live.watch_list(format!("/queues/{n}")))
            .collect();
        assert!(live.watch_list("/queues/more".to_owned()).is_none());
        assert!(live.watch_list("/queues/0".to_owned()).is_some());
        assert!(many.iter().all(Option::is_some));
    }
}
