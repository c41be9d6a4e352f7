//! How often a fault happens.

use serde::{Deserialize, Serialize};

/// Which of the requests that come to a rule are hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// All.
    #[default]
    Always,
    /// The first so many.
    First(u64),
    /// Every so manieth: 3 means the third, the sixth and so on.
    Every(u64),
    /// Each by chance, the same ones for the same seed.
    Chance {
        /// From 0 to 1.
        probability: f64,
        /// Any number.
        seed: u64,
    },
}

impl When {
    /// Whether the `n`th request, from 1, is hit.
    pub(super) fn hits(self, n: u64) -> bool {
        match self {
            Self::Always => true,
            Self::First(count) => n <= count,
            Self::Every(step) => n.is_multiple_of(step),
            Self::Chance { probability, seed } => {
                // 53 bits: as many as an f64 between 0 and 1 can hold.
                let drawn = (mix(seed.wrapping_add(n)) >> 11) as f64 / (1_u64 << 53) as f64;
                drawn < probability
            }
        }
    }

    pub(super) fn check(self) -> Result<(), &'static str> {
        match self {
            Self::Every(0) => Err("every must be at least 1"),
            Self::Chance { probability, .. } if !(0.0..=1.0).contains(&probability) => {
                Err("probability must be 0 to 1")
            }
            _ => Ok(()),
        }
    }
}

/// SplitMix64's finaliser: a draw by number rather than from a stream, so that requests need no lock between them.
fn mix(n: u64) -> u64 {
    let z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(when: When) -> Vec<u64> {
        (1..=6).filter(|&n| when.hits(n)).collect()
    }

    #[test]
    fn the_chosen_ones_are_hit() {
        assert_eq!(hit(When::Always), [1, 2, 3, 4, 5, 6]);
        assert_eq!(hit(When::First(2)), [1, 2]);
        assert_eq!(hit(When::Every(3)), [3, 6]);
    }

    #[test]
    fn chance_keeps_its_probability_and_its_seed() {
        let hits = |probability, seed| {
            let when = When::Chance { probability, seed };
            (1..=10_000).filter(|&n| when.hits(n)).collect::<Vec<u64>>()
        };
        assert_eq!(hits(0.0, 1).len(), 0);
        assert_eq!(hits(1.0, 1).len(), 10_000);
        let fifth = hits(0.2, 7).len();
        assert!((1_850..2_150).contains(&fifth), "{fifth} of 10,000");
        assert_eq!(hits(0.2, 7), hits(0.2, 7));
        assert_ne!(hits(0.2, 7), hits(0.2, 8_000_000));
    }
}
