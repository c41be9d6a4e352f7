use std::future::Future;
use std::time::{Duration, Instant};

/// Waits until `check` is true, at most 30 seconds: long enough for the slowest machine, so that a failure means
/// "never".
///
/// # Panics
/// When it does not become true; `what` says what was waited for.
pub async fn eventually<F, Fut>(what: &str, check: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    within(Duration::from_secs(30), what, check).await;
}

/// Waits until `check` is true, at most `limit`.
///
/// # Panics
/// When it does not become true; `what` says what was waited for.
pub async fn within<F, Fut>(limit: Duration, what: &str, mut check: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let give_up = Instant::now() + limit;
    while !check().await {
        assert!(Instant::now() < give_up, "waited {limit:?} in vain: {what}");
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where a test waits: with a deadline, on an event"
        )]
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until `span` has gone by since `since`, for what only time can do: outlast a lease, say.
pub async fn gone_by(span: Duration, since: Instant) {
    let deadline = span + Duration::from_secs(30);
    within(deadline, "time goes by", || async {
        since.elapsed() >= span
    })
    .await;
}
