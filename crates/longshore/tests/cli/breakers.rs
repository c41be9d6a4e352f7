//! What is said of a breaker that is open.

use super::Bench;

/// A breaker asks again with the next job: a time that is over says nothing.
#[test]
fn a_time_that_is_over_is_not_said_to_come() {
    let bench = Bench::new();
    bench.serve();
    let now = longshore_job::JobId::generate().timestamp_ms();
    let key = &bench.queue.keys().breakers;
    let open = |until: u64| {
        let made = now - 40_000;
        let state = format!("open 1 {until} {made} 3600000 5");
        bench.redis(&[b"HSET", key.as_bytes(), b"sendgrid", state.as_bytes()]);
        bench.run(&["queues"]).ok().stdout
    };
    let over = open(now - 10_000);
    let again = "the breaker of sendgrid is open: the next job asks sendgrid again";
    assert!(over.contains(again), "{over}");
    assert!(!over.contains("no calls until"), "{over}");
    let waits = open(now + 600_000);
    assert!(waits.contains("no calls until"), "{waits}");
    assert!(waits.contains("held"), "{waits}");
}
