//! What all requests share.

use longshore_operator::{ConfiguredFleet, Operator};
use prometheus_client::metrics::counter::Counter;

use crate::access::Access;
use crate::act::acts::Acts;
use crate::attempts::Attempts;
use crate::fleet::FleetFacts;
use crate::live::Live;
use crate::pictures::Pictures;

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
    pub(crate) live: Live,
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
            live: Live::new(),
            failed_logins: Counter::default(),
        }
    }
}
