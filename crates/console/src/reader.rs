//! Reads what moves by itself, while somebody looks: once for all viewers.

use std::sync::Weak;
use std::time::Duration;

use crate::content::PageError;
use crate::live::Parts;
use crate::pages;
use crate::shared::Shared;

/// How often it is read.
const EVERY: Duration = Duration::from_secs(2);

/// Redis is asked this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the router is still there is looked at this often.
const LOOKED_AT: Duration = Duration::from_secs(60);

/// Reads until nobody has the router any more.
pub(crate) async fn read_on(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        if !shared.live.is_watched() {
            // An end of the time is a look whether the router is still there.
            let _ = tokio::time::timeout(LOOKED_AT, shared.live.come()).await;
            continue;
        }
        let read = tokio::time::timeout(PATIENCE, parts(&shared)).await;
        match read {
            Ok(Ok(parts)) => shared.live.read(parts),
            Ok(Err(why)) => shared.live.away(&why.to_string()),
            Err(_) => shared.live.away("it does not answer within 5 s"),
        }
        drop(shared);
        tokio::time::sleep(EVERY).await;
    }
}

async fn parts(shared: &Shared) -> Result<Parts, PageError> {
    pages::parts(shared).await
}
