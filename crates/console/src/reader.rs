//! Reads what moves by itself, while somebody looks: once for all viewers.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::content::PageError;
use crate::live::{Lists, Parts};
use crate::pages;
use crate::shared::Shared;

/// How often it is read.
const EVERY: Duration = Duration::from_secs(2);

/// However many come, it is not read more often than this.
const AT_MOST_EVERY: Duration = Duration::from_millis(250);

/// How often lists are read: they only say how much has come.
const LISTS_EVERY: Duration = Duration::from_secs(5);

/// Redis is asked this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the router is still there is looked at this often.
const LOOKED_AT: Duration = Duration::from_secs(60);

/// Reads until nobody has the router any more.
pub(crate) async fn read_on(shared: Weak<Shared>) {
    let mut lists = LastLists::default();
    loop {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        if !shared.live.is_watched() {
            // An end of the time is a look whether the router is still there.
            let _ = tokio::time::timeout(LOOKED_AT, shared.live.come()).await;
            continue;
        }
        let read = tokio::time::timeout(PATIENCE, read(&shared, &mut lists)).await;
        match read {
            Ok(Ok(parts)) => shared.live.read(parts, Arc::clone(&lists.lists)),
            Ok(Err(why)) => shared.live.away(&why.to_string()),
            Err(_) => shared.live.away("it does not answer within 5 s"),
        }
        let live = Arc::clone(&shared.live);
        drop(shared);
        tokio::time::sleep(AT_MOST_EVERY).await;
        // An end of the time is the next look.
        let _ = tokio::time::timeout(EVERY - AT_MOST_EVERY, live.list_come()).await;
    }
}

/// The lists as they were read last.
#[derive(Default)]
struct LastLists {
    lists: Arc<Lists>,
    wanted: Vec<String>,
    at: Option<Instant>,
}

async fn read(shared: &Shared, last: &mut LastLists) -> Result<Parts, PageError> {
    let parts = pages::parts(shared).await?;
    let wanted = shared.live.watched_lists();
    let is_due = last.at.is_none_or(|at| at.elapsed() >= LISTS_EVERY);
    if is_due || wanted != last.wanted {
        last.lists = Arc::new(pages::fresh::read(shared, wanted.clone()).await?);
        last.wanted = wanted;
        last.at = Some(Instant::now());
    }
    Ok(parts)
}
