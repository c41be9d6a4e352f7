//! Running jobs that are asked to stop.

use serde::Deserialize;

use crate::scan::STEP;
use crate::{Queue, QueueError, RawId, script};

/// That a running job is asked to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopRequest {
    /// When, in ms since the epoch.
    pub at_ms: u64,
    /// Also if a request of it may have been carried out.
    pub force: bool,
    /// By whom.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
}

impl StopRequest {
    /// Reads what a record says (`lua/part/stop.lua`).
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Who {
            by: String,
            reason: String,
        }
        let mut parts = std::str::from_utf8(text).ok()?.splitn(3, ' ');
        let (at, force, who) = (parts.next()?, parts.next()?, parts.next()?);
        let who: Who = serde_json::from_str(who).ok()?;
        Some(Self {
            at_ms: at.parse().ok()?,
            force: force == "1",
            by: who.by,
            reason: who.reason,
        })
    }
}

impl Queue {
    /// Which of these running jobs are asked to stop. A worker asks this of its own when [`Beat::asks`](crate::Beat::asks) has
    /// changed.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn asked_to_stop(
        &self,
        ids: &[RawId],
    ) -> Result<Vec<(RawId, StopRequest)>, QueueError> {
        let mut asked = Vec::new();
        for chunk in ids.chunks(STEP) {
            let mut call = script::ASKED.on(&[&self.keys.records]);
            for id in chunk {
                call = call.arg(id.as_bytes());
            }
            let answers: Vec<Option<Vec<u8>>> = call.run(&self.link).await?;
            let requests = answers
                .iter()
                .map(|text| StopRequest::parse(text.as_ref()?));
            let of_chunk = chunk.iter().zip(requests);
            asked.extend(of_chunk.filter_map(|(id, request)| Some((id.clone(), request?))));
        }
        Ok(asked)
    }
}
