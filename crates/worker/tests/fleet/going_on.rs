//! What a run has sent, and how it fails: whether its job may have been sent.

use longshore_job::{JobId, Prepared};
use longshore_queue::{JobState, NewJob};
use longshore_tests::eventually;

use crate::support::going_on::{Fails, GoingOn, Take};
use crate::support::{Bench, Does, new_job};

async fn enqueue(bench: &Bench, steps: &[Take], fails: Fails) -> JobId {
    let steps = steps.to_vec();
    let job = NewJob {
        payload: Prepared::new(&GoingOn { steps, fails })
            .expect("good")
            .payload,
        ..new_job(Does::Nothing)
    };
    let enqueued = bench.queue.enqueue(&[job]).await.expect("enqueues");
    enqueued[0].id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_went_on_after_a_request_may_have_sent_it_however_it_fails() {
    use Fails::{Refused, Throttled, Transient, Unknown};
    use Take::{Acquire, Keep, NotCarriedOut, Read, Save, Send};

    let bench = Bench::new();
    let running = bench.start();
    for (steps, fails, may_have_been_sent) in [
        // The end of the run is about its only request.
        (&[Send][..], Throttled, false),
        (&[Send], Transient, false),
        (&[Send], Refused, false),
        (&[Save, Read, Send], Throttled, false),
        // It may be made again, so nobody asks what became of it.
        (&[Send], Unknown, true),
        (&[Read], Unknown, false),
        // The end is about another request, or about none.
        (&[Send, Send], Throttled, true),
        (&[Send, Send], Refused, true),
        (&[Send, Read], Transient, true),
        (&[Send, Save], Throttled, true),
        (&[Send, Keep], Throttled, true),
        (&[Send, Acquire], Throttled, true),
        // What it went on from was not carried out.
        (&[Send, NotCarriedOut, Send], Throttled, false),
        (&[Send, NotCarriedOut, Acquire], Throttled, false),
        (&[Send, Read, NotCarriedOut], Transient, false),
        (&[Send, Send, NotCarriedOut], Throttled, true),
        (&[Send, NotCarriedOut, Send], Unknown, true),
    ] {
        let id = enqueue(&bench, steps, fails).await;
        let fate = match fails {
            Throttled => JobState::Scheduled,
            Transient | Unknown => JobState::Retryable,
            Refused => JobState::Dead,
        };
        eventually(&format!("{steps:?} {fails:?} is {fate:?}"), || async {
            bench.state(id).await == Some(fate)
        })
        .await;
        let job = bench.queue.job(&id.into()).await.expect("looks");
        let run = job.expect("is there").run;
        assert_eq!(
            run.may_have_been_sent, may_have_been_sent,
            "{steps:?} {fails:?}"
        );
    }
    running.stop().await;
}
