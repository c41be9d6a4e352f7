//! Where the replayer sleeps, and who may wake it.

use tokio::sync::Notify;

/// Where the replayer sleeps.
#[derive(Default)]
pub(crate) struct ReplayerState(pub(super) Notify);

impl ReplayerState {
    /// A replay operation is open.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }
}
