//! Ids that a stand-in gives.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};

/// The ids that a stand-in gives. They differ between runs: half of each is drawn at the start, the other half counts.
///
/// ```
/// let ids = longshore_sandbox::Ids::new();
/// let message = ids.next("SM");
/// assert!(message.starts_with("SM") && message.len() == 34);
/// assert_ne!(ids.next("SM"), message);
/// ```
#[derive(Debug)]
pub struct Ids {
    drawn: String,
    count: AtomicU64,
}

impl Ids {
    /// Ids of a new run.
    ///
    /// # Panics
    /// When the system gives no random bytes.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes = [0; 8];
        SystemRandom::new()
            .fill(&mut bytes)
            .unwrap_or_else(|_| panic!("the system gives no random bytes"));
        Self {
            drawn: hex::encode(bytes),
            count: AtomicU64::new(0),
        }
    }

    /// The next one: the prefix and 32 hexadecimal digits.
    #[must_use]
    pub fn next(&self, prefix: &str) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{prefix}{}{count:016x}", self.drawn)
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}
