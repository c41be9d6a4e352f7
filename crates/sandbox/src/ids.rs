//! Ids of things at the providers.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};

/// Ids that differ between runs: half of each is drawn at the start, the other half counts.
#[derive(Debug)]
pub(crate) struct Ids {
    drawn: String,
    count: AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        let mut bytes = [0; 8];
        SystemRandom::new()
            .fill(&mut bytes)
            .unwrap_or_else(|_| panic!("the system gives no random bytes"));
        Self {
            drawn: hex(&bytes),
            count: AtomicU64::new(0),
        }
    }

    /// The prefix and 32 hexadecimal digits.
    pub(crate) fn next(&self, prefix: &str) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{prefix}{}{count:016x}", self.drawn)
    }
}

/// Two lower-case digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
