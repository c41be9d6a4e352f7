//! Work that many may want at once and one should do.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// Lets one caller at a time work; the others wait, and take what came of it where it was begun after they had asked.
/// What was under way already may have looked before the change that they ask for, so it does not count.
pub(crate) struct OneAtATime<T> {
    begun: AtomicU64,
    last: Mutex<Option<(u64, T)>>,
}

impl<T: Clone> OneAtATime<T> {
    pub(crate) fn new() -> Self {
        Self {
            begun: AtomicU64::new(0),
            last: Mutex::new(None),
        }
    }

    pub(crate) async fn run(&self, work: impl Future<Output = T>) -> T {
        let asked = self.begun.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        if let Some((number, result)) = &*last
            && *number > asked
        {
            return result.clone();
        }
        let number = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let result = work.await;
        *last = Some((number, result.clone()));
        result
    }
}

impl<T> fmt::Debug for OneAtATime<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneAtATime").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn those_who_wait_share_what_was_begun_after_they_asked() {
        let (work, count) = (OneAtATime::new(), AtomicU64::new(0));
        let go = Arc::new(Semaphore::new(0));
        let one = || {
            let go = Arc::clone(&go);
            let count = &count;
            work.run(async move {
                go.acquire().await.expect("open").forget();
                count.fetch_add(1, Ordering::AcqRel) + 1
            })
        };
        let let_go = async {
            // The four below have asked by now; the first is at work.
            tokio::task::yield_now().await;
            go.add_permits(2);
        };
        let (a, b, c, d, ()) = tokio::join!(one(), one(), one(), one(), let_go);
        assert_eq!((a, b, c, d), (1, 2, 2, 2));
        go.add_permits(1);
        assert_eq!(one().await, 3, "what is over is not shared");
    }
}
