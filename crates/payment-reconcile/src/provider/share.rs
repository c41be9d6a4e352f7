//! Which of the new customers go to the provider that takes new customers, while the other one still takes some.

use std::collections::BTreeSet;

use ring::digest;

/// A part of the app's users: so many of a hundred, and some by name.
///
/// It goes by the user alone, so every worker says the same, and a larger share has all users of a smaller one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// So many of a hundred.
    pub percent: u32,
    /// These, whatever the percentage is.
    pub users: BTreeSet<String>,
}

impl Share {
    /// Everybody.
    pub const ALL: Self = Self {
        percent: 100,
        users: BTreeSet::new(),
    };

    /// Whether this user is among them.
    #[must_use]
    pub fn has(&self, user_id: &str) -> bool {
        self.percent >= 100 || place(user_id) < self.percent || self.users.contains(user_id)
    }
}

/// From 0 to 99, the same in every process.
fn place(user_id: &str) -> u32 {
    let digest = digest::digest(&digest::SHA256, user_id.as_bytes());
    let bytes = digest.as_ref().iter().take(4);
    bytes.fold(0_u32, |hash, &byte| (hash << 8) | u32::from(byte)) % 100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(percent: u32, users: &[&str]) -> Share {
        Share {
            percent,
            users: users.iter().map(|&user| user.to_owned()).collect(),
        }
    }

    #[test]
    fn a_share_is_as_large_as_it_says_and_only_grows() {
        let users: Vec<_> = (0..10_000).map(|n| format!("user-{n}")).collect();
        let mut before = BTreeSet::new();
        for percent in [0, 1, 10, 50, 99, 100] {
            let share = share(percent, &[]);
            let now: BTreeSet<_> = users.iter().filter(|user| share.has(user)).collect();
            assert!(now.is_superset(&before), "{percent}");
            let expected = percent as usize * 100;
            assert!(
                now.len().abs_diff(expected) < 200,
                "{percent}: {}",
                now.len()
            );
            before = now;
        }
        assert!(users.iter().all(|user| Share::ALL.has(user)));
    }

    #[test]
    fn who_is_named_is_among_them() {
        let pilot = share(0, &["ada"]);
        assert!(pilot.has("ada") && !pilot.has("bob"));
        // Pinned: another place would move customers that a share has not reached.
        assert_eq!(["ada", "bob", "user-7"].map(place), [81, 12, 40]);
    }
}
