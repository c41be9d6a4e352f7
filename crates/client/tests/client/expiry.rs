//! A job that is not to start from a certain time on, whenever it is due.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_client::JobId;

use crate::{Bench, welcome};

const HOUR: Duration = Duration::from_secs(3600);

impl Bench {
    /// When a job is due and when it expires, in ms since the epoch.
    async fn due_and_end(&self, id: JobId) -> (u128, u128) {
        let record = self.record(id).await;
        let time = |field: &str| record.get(field)?.parse::<u128>().ok();
        let due = time("due").or_else(|| time("at"));
        (due.expect("a time"), time("exp").expect("an end"))
    }
}

fn ms(time: SystemTime) -> u128 {
    let since = time.duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_millis()
}

#[tokio::test]
async fn a_reminder_is_due_before_the_event_and_expires_at_it() {
    let bench = Bench::new();
    let event = SystemTime::now() + 240 * HOUR;
    let enqueue = || bench.client.enqueue(welcome()).expires_at(event);
    let id = enqueue().at(event - HOUR).await.expect("enqueues");
    assert_eq!(
        bench.due_and_end(id).await,
        (ms(event - HOUR), ms(event)),
        "to the millisecond"
    );
    // Another time for the reminder is one for the event.
    let moved = event + HOUR;
    let rescheduled = bench.client.reschedule(id, moved, "it is later").await;
    rescheduled.expect("reschedules");
    assert_eq!(bench.due_and_end(id).await, (ms(moved), ms(moved + HOUR)));

    // A delay and none count by two clocks.
    for id in [
        enqueue().await,
        enqueue().delay(HOUR).await,
        enqueue().at(UNIX_EPOCH).await,
    ] {
        let (_, end) = bench.due_and_end(id.expect("enqueues")).await;
        let off = end.abs_diff(ms(event));
        assert!(off < 30_000, "{off} ms");
    }
}

#[tokio::test]
async fn an_end_before_the_job_is_due_and_two_of_them_are_refused() {
    let bench = Bench::new();
    let now = SystemTime::now();
    let enqueue = || bench.client.enqueue(welcome());
    for (refused, why) in [
        (enqueue().expires_at(now - HOUR), "later than now"),
        (enqueue().expires_at(UNIX_EPOCH - HOUR), "later than now"),
        (enqueue().delay(HOUR).expires_at(now + HOUR / 2), "is due"),
        (enqueue().at(now + HOUR).expires_at(now + HOUR), "is due"),
        (
            enqueue().expires_at(now + HOUR * 1_000_000),
            "hundred years",
        ),
        (
            enqueue().expires_at(now + HOUR).expires_in(HOUR),
            "one of the two",
        ),
        // What it is taken for has a name.
        (enqueue().delay(HOUR).expires_in(HOUR), "expires_at instead"),
    ] {
        let refused = refused.await.expect_err(why).to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    assert_eq!(bench.queue.stats().await.expect("counts").scheduled, 0);
}
