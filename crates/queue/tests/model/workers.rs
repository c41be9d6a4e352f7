//! Workers as the queue sees them: what a process has, what it has settled, and what it tells a Redis that forgot.

use std::borrow::Cow;
use std::sync::Arc;

use longshore_job::Pass;
use longshore_queue::{
    Beat, CallReport, ClaimContext, Claimed, Lease, Queue, RawId, Remembered, Resent, Stamp,
    Verdict, WorkerId,
};

use crate::model::JobNo;
use crate::support::{RETENTION, STALE};

/// A verdict that was written, and when.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) job: JobNo,
    pub(crate) verdict: Verdict,
    pub(crate) at: Stamp,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// When the job runs again, for the model.
    pub(crate) due: i64,
}

/// One process.
pub(crate) struct Worker {
    /// Its own: what it remembers of the timeline is in it.
    pub(crate) queue: Queue,
    pub(crate) lease: Arc<Lease>,
    /// The number of its lease.
    pub(crate) no: usize,
    /// What it runs, the oldest claim first.
    pub(crate) jobs: Vec<(JobNo, Claimed)>,
    /// What it has settled, the oldest first.
    pub(crate) settled: Vec<Kept>,
    /// How many of those it settled in its last call.
    pub(crate) last: usize,
    /// Calls that it may make, the oldest first.
    pub(crate) passes: Vec<Pass>,
    /// Of its credentials.
    pub(crate) version: u8,
}

impl Worker {
    pub(crate) async fn join(queue: Queue, no: usize) -> Self {
        let lease = Arc::new(Lease::new(WorkerId::generate("w")));
        let beat = queue.join(&lease, STALE).await.expect("joins");
        assert!(beat.held, "whoever joins has a lease");
        Self {
            queue,
            lease,
            no,
            jobs: Vec::new(),
            settled: Vec::new(),
            last: 0,
            passes: Vec::new(),
            version: 0,
        }
    }

    pub(crate) async fn beat(&self) -> Beat {
        let beat = self
            .queue
            .beat(&self.lease, STALE, self.jobs.len(), 0)
            .await;
        beat.expect("beats")
    }

    /// Tells what it remembers. `None` when it came too late.
    pub(crate) async fn resend(&mut self) -> Option<()> {
        let mut all: Vec<Known<'_>> = self
            .jobs
            .iter()
            .map(|(_, claimed)| Known::Here(claimed))
            .collect();
        all.extend(self.settled.iter().map(Known::Settled));
        all.sort_by_key(|known| std::cmp::Reverse(known.at().place()));
        let remembered: Vec<_> = all.iter().map(Known::remembered).collect();
        let taken = self.queue.resend(&self.lease, &remembered).await;
        let Resent::Done { at, ours } = taken.expect("tells") else {
            return None;
        };
        let ours: Vec<_> = all.iter().zip(ours).filter(|(_, ours)| *ours).collect();
        let of = |id: &RawId, token: &str| ours.iter().any(|(known, _)| known.is(id, token));
        let again = |kept: &&Kept| of(&kept.verdict.id, &kept.verdict.token);
        let settled: Vec<Kept> = self.settled.iter().filter(again).cloned().collect();
        let here: Vec<bool> = self
            .jobs
            .iter()
            .map(|(_, claimed)| of(&claimed.id, &claimed.token))
            .collect();
        self.queue.adopt_timeline(&self.lease, &at);
        let mut here = here.into_iter();
        self.jobs.retain_mut(|(_, claimed)| {
            claimed.at = at.clone();
            here.next() == Some(true)
        });
        self.settle_again(settled).await;
        Some(())
    }

    async fn settle_again(&mut self, kept: Vec<Kept>) {
        for mut kept in kept {
            // What it says of the provider has been counted.
            let again = Verdict {
                report: CallReport::Nothing,
                context: ClaimContext::default(),
                ..kept.verdict.clone()
            };
            let settled = self.queue.settle(&[again], RETENTION).await;
            let settled = settled.expect("settles");
            assert_eq!(
                settled.written,
                [true],
                "what was taken back is settled again"
            );
            kept.at = settled.at.expect("everything was told");
            let token = Arc::clone(&kept.verdict.token);
            self.settled
                .retain(|other| other.verdict.token != token || other.job != kept.job);
            self.settled.push(kept);
        }
    }
}

enum Known<'a> {
    Here(&'a Claimed),
    Settled(&'a Kept),
}

impl Known<'_> {
    fn at(&self) -> &Stamp {
        match self {
            Self::Here(claimed) => &claimed.at,
            Self::Settled(kept) => &kept.at,
        }
    }

    fn is(&self, id: &RawId, token: &str) -> bool {
        let remembered = self.remembered();
        remembered.id == id && remembered.token == token
    }

    fn remembered(&self) -> Remembered<'_> {
        let (id, token, payload, header, run) = match self {
            Self::Here(claimed) => {
                let payload = claimed.payload.as_deref().unwrap_or_default();
                let (id, token, run) = (&claimed.id, &claimed.token, claimed.run);
                (id, token, payload, &claimed.header, run)
            }
            Self::Settled(Kept {
                verdict,
                payload,
                header,
                ..
            }) => (
                &verdict.id,
                &verdict.token,
                &**payload,
                header,
                verdict.state,
            ),
        };
        Remembered {
            id,
            token,
            at: self.at().clone(),
            payload: Cow::Borrowed(payload),
            header,
            run,
        }
    }
}
