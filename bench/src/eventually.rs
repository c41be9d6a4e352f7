use std::time::{Duration, Instant};

/// Waits until `check` is true, at most 30 seconds: long enough for the slowest machine, so that a failure means
/// "never".
///
/// # Panics
/// When it does not become true; `what` says what was waited for.
pub async fn eventually(what: &str, check: impl AsyncFnMut() -> bool) {
    within(Duration::from_secs(30), what, check).await;
}

/// Waits until `check` is true, at most `limit`.
///
/// # Panics
/// When it does not become true; `what` says what was waited for.
pub async fn within(limit: Duration, what: &str, mut check: impl AsyncFnMut() -> bool) {
    let give_up = Instant::now() + limit;
    while !check().await {
        assert!(Instant::now() < give_up, "waited {limit:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
