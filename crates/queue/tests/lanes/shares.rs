//! How much waits of each priority, and whose it is.

use longshore_queue::Shares;

use crate::support::Bench;
use crate::{HIGH, LOW, enqueue, of};

#[tokio::test]
async fn what_waits_is_counted_by_priority_and_tenant() {
    let bench = Bench::new();
    let shares = async || bench.queue.shares().await.expect("counts");
    assert_eq!(shares().await, Shares::default());
    enqueue(&bench.queue, &HIGH, 2).await;
    enqueue(&bench.queue, &LOW, 3).await;
    enqueue(&bench.queue, &HIGH.with_tenant("acme"), 4).await;
    enqueue(&bench.queue, &of("acme"), 5).await;
    enqueue(&bench.queue, &of("globex"), 1).await;
    enqueue(&bench.queue, &crate::NORMAL, 6).await;
    let seen = shares().await;
    assert_eq!((seen.high, seen.normal, seen.low), (6, 12, 3));
    assert_eq!((seen.in_lanes, seen.looked), (15, 15));
    assert!(!seen.is_sample());
    let tenants = [("acme".to_owned(), 9), ("globex".to_owned(), 1)];
    assert_eq!(seen.tenants, tenants);
    // Whoever writes over a key makes nobody wait.
    bench.text::<u64>("DEL {t:email}:lane").await;
    bench.text::<String>("SET {t:email}:lane x").await;
    let seen = shares().await;
    assert_eq!((seen.high, seen.tenants.len()), (6, 0));
}

#[tokio::test]
async fn of_many_a_sample_is_looked_at() {
    let bench = Bench::new();
    for _ in 0..3 {
        enqueue(&bench.queue, &of("acme"), 900).await;
        enqueue(&bench.queue, &of("globex"), 100).await;
    }
    let seen = bench.queue.shares().await.expect("counts");
    assert_eq!((seen.in_lanes, seen.looked), (3_000, 2_000));
    assert!(seen.is_sample());
    let (first, most) = &seen.tenants[0];
    assert_eq!(first, "acme");
    // 90 of 100 are theirs.
    assert!((1_700..=1_900).contains(most), "{:?}", seen.tenants);
}
