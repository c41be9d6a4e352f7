use std::time::{SystemTime, UNIX_EPOCH};

/// Names the seed to be used again.
const VARIABLE: &str = "LONGSHORE_TEST_SEED";

/// Randomness that can be had again: its seed is printed, and `LONGSHORE_TEST_SEED` sets it.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice with a new seed, or the one of `LONGSHORE_TEST_SEED`.
    ///
    /// # Panics
    /// When that is not a number.
    #[must_use]
    pub fn new() -> Self {
        let seed = match std::env::var(VARIABLE) {
            Ok(seed) => seed.parse().expect("LONGSHORE_TEST_SEED is a number"),
            Err(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::from(since.subsec_nanos())),
        };
        println!("{VARIABLE}={seed}");
        Self(seed)
    }

    /// Dice that roll what this seed always rolls.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 up to and without `below`.
    pub fn roll(&mut self, below: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Below `below`, so it fits.
        ((z ^ (z >> 31)) % below as u64) as usize
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self::new()
    }
}
