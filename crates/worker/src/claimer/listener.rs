use std::sync::Arc;
use std::time::Duration;

use longshore_queue::LinkOptions;
use tokio::sync::watch;
use tokio::time::sleep;

use super::RETRY_LONGEST;
use crate::station::Station;

/// How long one wait for the signal lasts.
const SIGNAL_WAIT: Duration = Duration::from_secs(25);

/// Waits for the signal while the claimer is idle, on a connection of its own. A signal that is of no use here is
/// handed on. `idle`: the claimer is idle, with free slots, so that a signal is of use.
pub(super) async fn listen(station: Arc<Station>, mut idle: watch::Receiver<bool>) {
    let link = station.queue.link();
    let options = LinkOptions {
        response_timeout: SIGNAL_WAIT + Duration::from_secs(5),
        ..link.options()
    };
    let blocking = station.queue.over(link.another(options));
    loop {
        tokio::select! {
            idle = idle.wait_for(|idle| *idle) => if idle.is_err() { return },
            () = station.stopping() => return,
        }
        let got = tokio::select! {
            got = blocking.wait_for_signal(SIGNAL_WAIT) => got,
            () = station.stopping() => return,
        };
        match got {
            Ok(true) if *idle.borrow_and_update() => {
                station.claimer.wake();
                // Nothing more before the claimer has gone to work: it is to be woken first.
                let _ = idle.changed().await;
            }
            // Too busy for it now: somebody else may be idle. If that fails, their next look finds the work.
            Ok(true) => drop(station.queue.hand_on().await),
            Ok(false) => {}
            Err(_) => {
                // Redis may be another one when it is back: the next heartbeat finds out.
                station.redis_memory.note_interruption();
                station.keeper.want_beat();
                sleep(RETRY_LONGEST).await;
            }
        }
    }
}
