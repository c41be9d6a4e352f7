//! Whether a job is still this worker's to send.

use longshore_queue::{Door, QueueError};
use tokio::time::sleep;

use super::{ASK_AGAIN, SendGate};
use crate::clock::Moment;
use crate::resend::resend;

impl SendGate {
    /// After a lost connection, or once Redis has forgotten something, a job's claim may be forgotten: it sends nothing
    /// before it has seen that the job is its own. Returns whether it is.
    async fn is_ours(&self) -> bool {
        let (station, claimed) = (&self.station, &self.entry.claimed);
        let mut missed: Option<Moment> = None;
        loop {
            let interruptions = station.redis_memory.interruptions();
            if self.entry.ours_as_of() == interruptions {
                return true;
            }
            if station.redis_memory.has_forgotten() {
                if let Err(error) = resend(station).await {
                    tracing::debug!(job = %claimed.id, %error, "a call waits for Redis");
                }
            } else {
                match station.queue.owner(&claimed.id).await {
                    Ok(Some(token)) if token == claimed.token => {
                        self.entry.note_ours_as_of(interruptions);
                        continue;
                    }
                    // A heartbeat that was sent since says whether Redis forgot; if it did not, the job is another's.
                    Ok(_) => {
                        let missed = *missed.get_or_insert_with(Moment::now);
                        let beaten = station.keeper.is_confirmed_since(missed);
                        if beaten && !station.redis_memory.has_forgotten() {
                            return false;
                        }
                        station.keeper.want_beat();
                    }
                    Err(error) => {
                        tracing::debug!(job = %claimed.id, %error, "a call waits for Redis");
                    }
                }
            }
            sleep(ASK_AGAIN).await;
        }
    }

    /// Waits until enough replicas know of the claim: a failover would hand the job out once more. `false` when too few do:
    /// then it is given back, unsent. It is asked again whether they do otherwise. Claims of one moment share the wait, and
    /// what was claimed before is known with it.
    async fn is_copied(&self) -> bool {
        let (station, entry) = (&self.station, &self.entry);
        let at = entry.at();
        entry.set_uncopied(true);
        let claimed = &entry.claimed;
        match station
            .queue
            .claim_is_copied(&claimed.id, &claimed.token)
            .await
        {
            Ok(true) => {
                entry.set_uncopied(false);
                station.copied.up_to(station.queue.name(), &at);
            }
            // It has failed over, and forgot the claim, or it is another's by now.
            Ok(false) => {
                station.redis_memory.note_interruption();
                sleep(ASK_AGAIN).await;
            }
            Err(error @ QueueError::NotCopied { .. }) => {
                station.copied.too_few(station.queue.name(), &error);
                return false;
            }
            Err(error) => {
                tracing::debug!(job = %claimed.id, %error, "a call waits for Redis");
                sleep(ASK_AGAIN).await;
            }
        }
        true
    }

    /// A worker that was stopped, or cut off, and wakes must not send before it knows that the job is still its
    /// own: the last acknowledged beat must be younger than two thirds of a lease, else one is waited for. Then the door
    /// must be open still. `effect`: the request is one that must not be made twice.
    pub(super) async fn clear(&self, effect: bool) {
        let lease_age = self.station.settings.lost_after * 2 / 3;
        let mut standing = self.station.keeper.standing();
        loop {
            let fresh = standing
                .borrow_and_update()
                .holds(&self.entry.lease, lease_age);
            let interruptions = self.station.redis_memory.interruptions();
            if fresh && self.entry.ours_as_of() != interruptions {
                if !self.is_ours().await {
                    tracing::warn!(queue = self.station.queue.name(), job_id = %self.entry.claimed.id, "nothing is sent: Redis does not have the job as ours any more");
                    self.drop_run().await;
                }
                continue;
            }
            if fresh && effect && self.copies && !self.station.copied.has(&self.entry.at()) {
                if !self.is_copied().await {
                    self.drop_run().await;
                }
                // That took time.
                continue;
            }
            let open = match effect {
                true => Door::send,
                false => Door::read,
            };
            if fresh && open(&self.entry.door) {
                return;
            }
            if fresh {
                // Closed, or asked to stop.
                self.drop_run().await;
            }
            self.station.keeper.want_beat();
            if standing.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits for what has to come before a request, unless the run is asked to stop meanwhile: nothing has gone out yet.
    pub(super) async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            () = self.entry.until_to_stop() => {
                self.drop_run().await;
                std::future::pending().await
            }
            waited = wait => waited,
        }
    }

    /// Nothing goes out any more. It does not return: the run is dropped while it waits.
    async fn drop_run(&self) {
        self.entry.door.close();
        self.entry.abort();
        std::future::pending::<()>().await;
    }
}
