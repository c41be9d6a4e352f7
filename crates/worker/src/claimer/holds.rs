use longshore_queue::ClaimState;

use crate::station::Station;

/// What the last claim said of why jobs are held back, so that each hold is said once.
#[derive(Debug)]
pub(super) struct Holds(ClaimState);

impl Default for Holds {
    fn default() -> Self {
        Self(ClaimState::Ok)
    }
}

impl Holds {
    /// Says, once, that claims are held back or go on again.
    pub(super) fn note(&mut self, station: &Station, state: ClaimState) {
        let state = match state {
            // Being as fast as one may is nothing to speak of, and whom it does not reach it has said.
            ClaimState::Limited
            | ClaimState::Lost
            | ClaimState::Forgot
            | ClaimState::Away
            | ClaimState::Kept => ClaimState::Ok,
            state => state,
        };
        if std::mem::replace(&mut self.0, state) == state {
            return;
        }
        let queue = station.queue.name();
        let provider = station.queue.provider().name.as_str();
        match state {
            ClaimState::Paused => tracing::warn!(queue, "paused by an operator"),
            ClaimState::Refused => {
                tracing::error!(
                    queue,
                    provider,
                    "paused itself: the provider refuses our credentials; one job a minute finds out whether it still does"
                );
                if let Some(watch) = &station.watch {
                    watch.refused(queue, provider);
                }
            }
            ClaimState::Held => tracing::warn!(
                queue,
                provider,
                "held back: the provider said when to come back"
            ),
            ClaimState::Open => {
                tracing::warn!(queue, provider, "held back: the provider's breaker is open");
            }
            ClaimState::Checking => tracing::warn!(
                queue,
                "held back: Redis was restarted, or failed over, and living workers see whether it forgot anything"
            ),
            ClaimState::Recovering => tracing::warn!(
                queue,
                "held back: Redis forgot, and living workers have a moment to tell what they remember"
            ),
            ClaimState::Ok
            | ClaimState::Limited
            | ClaimState::Lost
            | ClaimState::Forgot
            | ClaimState::Away
            | ClaimState::Kept => {
                tracing::info!(queue, "jobs are claimed again");
            }
        }
    }
}
