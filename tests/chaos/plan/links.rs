//! What befalls the ways between processes.

use std::time::Duration;

use longshore_tests::Line;

use super::{Planner, TROUBLED};
use crate::faults::LinkAction;

impl Planner {
    pub(super) fn link_to_redis(&mut self, line: Line, now: Duration) -> bool {
        if !self.has_repaired_redis(now) {
            return false;
        }
        let span = self.in_trouble();
        self.at(now, LinkAction::Redis(line));
        self.at(now + span, LinkAction::Redis(Line::Open));
        self.redis = now + span;
        true
    }

    /// Never for as long as a call may take: a request that comes out of a silent way when nobody waits for it any more would be
    /// verified before it is there.
    pub(super) fn link_to_provider(&mut self, line: Line, now: Duration) -> bool {
        let Some(which) = self.well_provider(now) else {
            return false;
        };
        let span = self.between(500, 4000);
        self.providers[which] = now + span;
        self.at(now, LinkAction::Provider(TROUBLED[which], line));
        self.at(
            now + span,
            LinkAction::Provider(TROUBLED[which], Line::Open),
        );
        true
    }
}
