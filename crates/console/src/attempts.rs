//! How often logins may fail, for each address and for each name.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many failed logins are free.
const BURST: f64 = 10.0;

/// Then one comes back in this time.
const ONE_PER: Duration = Duration::from_secs(30);

/// So many names and addresses are remembered.
const MOST: usize = 10_000;

/// Whose attempts are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Address(Option<IpAddr>),
    Name(String),
}

#[derive(Debug, Clone, Copy)]
struct Left {
    attempts: f64,
    at: Instant,
}

/// How many attempts are left.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<Whose, Left>>);

impl Attempts {
    /// Takes an attempt, before it is known whether it fails; `Err` is after what time there is one again.
    pub(crate) fn take(
        &self,
        address: Option<IpAddr>,
        name: &str,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = whose(address, name);
        let of = |left: &HashMap<Whose, Left>, whose: &Whose| {
            left.get(whose).map_or(BURST, |left| left.now(now))
        };
        let fewest = whose.iter().map(|whose| of(&left, whose));
        let fewest = fewest.fold(BURST, f64::min);
        if fewest < 1.0 {
            return Err(ONE_PER.mul_f64(1.0 - fewest));
        }
        if left.len() + whose.len() > MOST {
            left.retain(|_, left| left.now(now) < BURST);
        }
        if left.len() + whose.len() > MOST {
            // Of so many, any may go: what it costs is some attempts more.
            left.clear();
        }
        for whose in whose {
            let attempts = of(&left, &whose) - 1.0;
            left.insert(whose, Left { attempts, at: now });
        }
        Ok(())
    }

    /// It did not fail: it costs nothing.
    pub(crate) fn give_back(&self, address: Option<IpAddr>, name: &str) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for whose in whose(address, name) {
            if let Some(left) = left.get_mut(&whose) {
                left.attempts = (left.attempts + 1.0).min(BURST);
            }
        }
    }
}

impl Left {
    fn now(&self, now: Instant) -> f64 {
        let back = now.saturating_duration_since(self.at).as_secs_f64() / ONE_PER.as_secs_f64();
        (self.attempts + back).min(BURST)
    }
}

fn whose(address: Option<IpAddr>, name: &str) -> [Whose; 2] {
    let name: String = name.chars().take(64).collect();
    // One host has a network of 64 bits.
    let address = address.map(|address| match address {
        IpAddr::V6(v6) => IpAddr::from((v6.to_bits() >> 64 << 64).to_be_bytes()),
        v4 @ IpAddr::V4(_) => v4,
    });
    [Whose::Address(address), Whose::Name(name)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_may_fail_for_an_address_and_for_a_name() {
        let attempts = Attempts::default();
        let now = Instant::now();
        let from = |n: u8| Some(IpAddr::from([10, 0, 0, n]));
        for n in 0..10 {
            let name = format!("name {n}");
            assert_eq!(attempts.take(from(1), &name, now), Ok(()));
        }
        let refused = attempts.take(from(1), "another", now);
        assert_eq!(refused, Err(ONE_PER), "the address has none left");
        assert_eq!(attempts.take(from(2), "another", now), Ok(()));
        for n in 10..20 {
            let _ = attempts.take(from(n), "ada", now);
        }
        assert!(
            attempts.take(from(99), "ada", now).is_err(),
            "nor has the name"
        );
        assert_eq!(attempts.take(from(1), "another", now + ONE_PER), Ok(()));
        attempts.give_back(from(1), "another");
        assert_eq!(attempts.take(from(1), "another", now + ONE_PER), Ok(()));
    }
}
