use std::sync::Arc;

use super::isolate::unfinished;
use super::{End, Rest};
use crate::entry::Entry;
use crate::station::Station;

/// Drops a run that takes longer than its queue allows.
pub(super) async fn around(station: Arc<Station>, entry: Arc<Entry>, rest: Rest) -> End {
    match tokio::time::timeout(entry.timeout, rest).await {
        Ok(end) => end,
        Err(_) => {
            let sent = entry.close();
            if !sent && station.unconfirmed() {
                // It waited for Redis to confirm its lease, not for its provider: that is not its fault.
                return End::NeverSent;
            }
            let reason = format!("no end after {} s", entry.timeout.as_secs_f64());
            // With a request out it is the provider that did not answer.
            let provider = Some(station.queue.provider().name.as_str())
                .filter(|name| sent && !name.is_empty());
            unfinished(sent, &reason, "timed out", provider)
        }
    }
}
