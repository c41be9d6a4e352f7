//! Whether a provider that a process does not reach is the provider's trouble or its own: what others have said lately decides.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::Pass;
use longshore_queue::{BreakerSpec, BreakerState, CallReport, ProviderPolicy, Queue};
use support::Bench;

/// Its breaker opens at the first failure.
fn sendgrid() -> ProviderPolicy {
    ProviderPolicy {
        name: "sendgrid".to_owned(),
        breaker: Some(BreakerSpec {
            failures: 1,
            window: None,
            open: Duration::from_secs(600),
            probe: Duration::from_secs(600),
        }),
        ..ProviderPolicy::default()
    }
}

/// Whether the breaker opens since the process `a` does not reach the provider.
async fn opens(queue: &Queue) -> bool {
    misses(queue, Pass::default()).await;
    is_open(queue).await
}

/// A call of the process `a` that did not reach it.
async fn misses(queue: &Queue, pass: Pass) {
    let missed = CallReport::NotReached;
    let told = queue.report_call(&sendgrid(), pass, &missed, "a").await;
    told.expect("told");
}

async fn is_open(queue: &Queue) -> bool {
    let stats = queue.stats().await.expect("counts");
    let breaker = stats.breakers.first();
    breaker.is_some_and(|breaker| breaker.state == BreakerState::Open)
}

/// A field, and the times that stand in it.
type Row<'a> = (&'a str, &'a [i64]);

/// What stands in the hash, times being seconds from now.
async fn seed(bench: &Bench, rows: &[Row<'_>]) {
    let now = bench.queue.now_ms().await.expect("has a clock");
    let now = i64::try_from(now).expect("fits");
    let keys = bench.queue.keys();
    let gone = format!("DEL {} {}", keys.reach, keys.breakers);
    bench.text::<u8>(&gone).await;
    for (field, times) in rows {
        let times = times.iter().map(|seconds| now + seconds * 1000);
        let times: Vec<_> = times.map(|ms| ms.to_string()).collect();
        let value = times.join(" ");
        let row = ["HSET", &keys.reach, field, &value];
        bench.raw::<u8>(&row.map(str::as_bytes)).await;
    }
}

const MISSED: Row<'static> = ("away sendgrid b", &[-30, -1]);

/// What was said lately, in words and rows, and whether it makes it the provider's trouble.
const CASES: [(&str, bool, &[Row<'static>]); 15] = [
    ("nobody else missed it", false, &[]),
    ("another did", true, &[MISSED]),
    (
        "another did until a minute ago",
        false,
        &[("away sendgrid b", &[-300, -62])],
    ),
    (
        "another did less than a minute ago",
        true,
        &[("away sendgrid b", &[-300, -50])],
    ),
    (
        "another missed another provider",
        false,
        &[("away twilio b", &[-30, -1])],
    ),
    (
        "a third has reached it since",
        false,
        &[MISSED, ("here sendgrid c", &[-20])],
    ),
    (
        "a third reached it before",
        true,
        &[MISSED, ("here sendgrid c", &[-35])],
    ),
    (
        "a third has reached another provider",
        true,
        &[MISSED, ("here twilio c", &[-1])],
    ),
    (
        "a third that has missed it, too",
        true,
        &[
            MISSED,
            ("here sendgrid c", &[-20]),
            ("away sendgrid c", &[-10, -1]),
        ],
    ),
    (
        "it has itself reached it since",
        true,
        &[MISSED, ("here sendgrid a", &[-20])],
    ),
    (
        "it misses it itself for longer, and a third reached it in between",
        false,
        &[
            MISSED,
            ("away sendgrid a", &[-50, -5]),
            ("here sendgrid c", &[-40]),
        ],
    ),
    (
        "of several who miss it the first counts",
        false,
        &[
            MISSED,
            ("away sendgrid d", &[-50, -1]),
            ("here sendgrid c", &[-40]),
        ],
    ),
    (
        "a third reached it within ten minutes",
        false,
        &[
            ("away sendgrid b", &[-700, -1]),
            ("here sendgrid c", &[-590]),
        ],
    ),
    (
        "a third reached it more than ten minutes ago",
        true,
        &[
            ("away sendgrid b", &[-700, -1]),
            ("here sendgrid c", &[-610]),
        ],
    ),
    (
        "the clock was set back since another missed it",
        false,
        &[("away sendgrid b", &[62, 62])],
    ),
];

#[tokio::test]
async fn it_is_the_providers_trouble_if_another_missed_it_and_nobody_has_reached_it_since() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    // Another process works the queue, too, and has joined last.
    for worker in ["a", "a", "a", "b"] {
        bench.worker(worker).await;
    }
    for (case, theirs, rows) in CASES {
        seed(&bench, rows).await;
        assert_eq!(opens(&queue).await, theirs, "{case}");
    }
}

#[tokio::test]
async fn it_is_the_providers_trouble_if_no_other_process_is_there_to_tell() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    // A process that lost its lease has joined again under another name: it is not another one.
    bench.worker("a").await;
    bench.worker("a").await;
    seed(&bench, &[]).await;
    assert!(opens(&queue).await);
}

#[tokio::test]
async fn what_is_known_of_reaching_providers_does_not_pile_up() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    bench.worker("b").await;
    let rows: &[Row<'_>] = &[
        ("away sendgrid b", &[-300, -62]),
        ("here sendgrid c", &[-610]),
        ("here twilio c", &[-610]),
        ("here sendgrid d", &[-590]),
        ("garbage", &[0]),
    ];
    seed(&bench, rows).await;
    opens(&queue).await;
    let key = &bench.queue.keys().reach;
    let mut left: Vec<String> = bench.text(&format!("HKEYS {key}")).await;
    left.sort();
    assert_eq!(left, ["away sendgrid a", "here sendgrid d"]);

    // Who reaches it again is away no more.
    queue.reached(&["sendgrid"], "a").await.expect("told");
    let mut left: Vec<String> = bench.text(&format!("HKEYS {key}")).await;
    left.sort();
    assert_eq!(left, ["here sendgrid a", "here sendgrid d"]);
}

/// A call's report may be late, by its epoch; a handshake is of now.
#[tokio::test]
async fn a_late_call_that_did_not_reach_it_counts_nothing_and_a_handshake_does() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    bench.worker("a").await;
    let key = queue.keys().breakers.clone();
    let stands = async |text: &str| {
        let field = ["HSET", &key, "sendgrid", text];
        bench.raw::<u8>(&field.map(str::as_bytes)).await;
    };
    stands("closed 7 0 0 0 ").await;
    let late = Pass {
        epoch: 6,
        probe: false,
    };
    misses(&queue, late).await;
    assert!(!is_open(&queue).await, "it is of a time before");
    let told = queue.still_not_reached(&sendgrid(), "a").await;
    told.expect("told");
    assert!(is_open(&queue).await);

    // A probe that did not reach it has found out: the next one waits its time.
    stands("half 9 1 1 1 ").await;
    let probe = Pass {
        epoch: 9,
        probe: true,
    };
    misses(&queue, probe).await;
    let until = queue.stats().await.expect("counts").breakers[0].until_ms;
    let now = queue.now_ms().await.expect("has a clock");
    let left = until.expect("it ends").saturating_sub(now);
    assert!((590_000..=600_000).contains(&left), "{left}");
}
