//! How long ago something was, also for a process that was stopped or a machine that slept meanwhile.

use std::time::{Duration, Instant, SystemTime};

/// A point in time on two clocks: the monotonic one stands still while a machine is suspended, the wall clock can be
/// set. Whichever says that more time has gone by is believed, since believing it is the safe side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    monotonic: Instant,
    wall: SystemTime,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    pub(crate) fn ran(self) -> Duration {
        self.monotonic.elapsed()
    }

    pub(crate) fn elapsed(self) -> Duration {
        let wall = self.wall.elapsed().unwrap_or_default();
        self.monotonic.elapsed().max(wall)
    }
}
