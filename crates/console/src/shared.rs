//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_operator::{ConfiguredFleet, Operator};
use prometheus_client::metrics::counter::Counter;

use crate::access::Access;
use crate::act::acts::Acts;
use crate::attempts::Attempts;
use crate::fleet::FleetFacts;
use crate::live::Live;
use crate::pictures::Pictures;
use crate::session::LONGEST;

/// Redis is asked about a session for so long: a page would wait for both.
const ENDED_WITHIN: Duration = Duration::from_secs(1);

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) operator: Operator,
    pub(crate) fleet: FleetFacts,
    /// What the configuration says of queues, of what providers promise, and of cron entries.
    pub(crate) configured: ConfiguredFleet,
    pub(crate) access: Access,
    pub(crate) attempts: Attempts,
    pub(crate) pictures: Pictures,
    pub(crate) acts: Acts,
    pub(crate) live: Arc<Live>,
    /// Logins that were refused.
    pub(crate) failed_logins: Counter,
}

impl Shared {
    pub(crate) fn new(
        operator: Operator,
        fleet: FleetFacts,
        configured: ConfiguredFleet,
        access: Access,
    ) -> Self {
        Self {
            operator,
            fleet,
            configured,
            access,
            attempts: Attempts::default(),
            pictures: Pictures::default(),
            acts: Acts::default(),
            live: Arc::new(Live::new()),
            failed_logins: Counter::default(),
        }
    }

    /// Ends a session here at once, and in every other process as soon as Redis knows.
    pub(crate) async fn end_session(&self, session: &str) {
        self.access.end(session, Timestamp::now().as_second());
        let lasts = Duration::from_secs(LONGEST.unsigned_abs());
        let noted = self.operator.end_session(session, lasts);
        match tokio::time::timeout(ENDED_WITHIN, noted).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "a session has ended here, and other processes were not told");
            }
            Err(_) => {
                tracing::warn!(
                    "a session has ended here, and other processes were not told in time"
                );
            }
        }
    }

    /// Whether a session was ended, here or by another process. While Redis is away, what was ended here is known.
    pub(crate) async fn has_session_ended(&self, session: &str) -> bool {
        if self.access.has_ended(session) {
            return true;
        }
        let ended = self.operator.has_session_ended(session);
        let ended = tokio::time::timeout(ENDED_WITHIN, ended).await;
        let has_ended = matches!(ended, Ok(Ok(true)));
        if has_ended {
            self.access.end(session, Timestamp::now().as_second());
        }
        has_ended
    }
}
