use tokio::time::{Instant, sleep_until};

use super::{End, JobRun};

impl JobRun {
    /// Drops a run that takes longer than its kind, or else its queue, allows.
    pub(super) fn limit<R>(&self, rest: R) -> impl Future<Output = End> + Send + use<R>
    where
        R: Future<Output = End> + Send,
    {
        let run = self.clone();
        async move {
            let started = Instant::now();
            let over = async {
                // Polled after the rest, whose first step reads the payload: by now the kind's time limit is known.
                sleep_until(started + run.entry.timeout()).await;
            };
            tokio::select! {
                biased;
                end = rest => end,
                () = over => run.took_too_long(),
            }
        }
    }

    fn took_too_long(&self) -> End {
        let Self { station, entry } = self;
        let sent = entry.door.close();
        if !sent && !station.is_confirmed() {
            // It waited for Redis to confirm its lease, not for its provider: that is not its fault.
            return End::NeverSent;
        }
        if !sent && entry.is_uncopied() {
            return End::NotCopied;
        }
        let reason = format!("no end after {} s", entry.timeout().as_secs_f64());
        // With a request out it is the provider that did not answer.
        let provider =
            Some(station.queue.provider().name.as_str()).filter(|name| sent && !name.is_empty());
        End::unfinished(sent, &reason, "timed out", provider)
    }
}
