//! What has expired: the one place that decides it.

use std::time::{Duration, SystemTime};

use longshore_storage::ExpiryRule;

/// Both times are told to the second, so one of age may be none.
const A_SECOND: Duration = Duration::from_secs(1);

/// Whether something under this key, that has been what it is since then, has expired: a rule's prefix fits, and its age
/// is reached. `now` is by the store's clock, like `since`: what this machine takes for the time does not matter.
pub(crate) fn has_expired(
    rules: &[ExpiryRule],
    key: &str,
    since: SystemTime,
    now: SystemTime,
) -> bool {
    let age = now.duration_since(since).unwrap_or_default();
    rules
        .iter()
        .any(|rule| key.starts_with(&rule.prefix) && age >= rule.age() + A_SECOND)
}

/// What has to be listed to find everything that a rule fits: each prefix that lies not under another.
pub(crate) fn prefixes(rules: &[ExpiryRule]) -> Vec<&str> {
    let mut all: Vec<_> = rules.iter().map(|rule| rule.prefix.as_str()).collect();
    all.sort_unstable();
    let mut least: Vec<&str> = Vec::new();
    for prefix in all {
        // In order, one prefix of another comes directly before all that lie under it.
        if !least.last().is_some_and(|last| prefix.starts_with(last)) {
            least.push(prefix);
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 24 * 3600;

    fn rules() -> impl Strategy<Value = Vec<ExpiryRule>> {
        let rule = ("[ab/]{0,3}", 1..4_u32).prop_map(|(prefix, expire_days)| ExpiryRule {
            prefix,
            expire_days,
        });
        prop::collection::vec(rule, 0..5)
    }

    proptest! {
        #[test]
        fn nothing_goes_outside_a_prefix_or_before_its_age(
            rules in rules(),
            key in "[ab/]{0,5}",
            since in 0..10 * DAY,
            now in 0..10 * DAY,
        ) {
            let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
            let gone = has_expired(&rules, &key, at(since), at(now));
            let allowed = rules.iter().any(|rule| {
                key.starts_with(&rule.prefix) && now > since + u64::from(rule.expire_days) * DAY
            });
            prop_assert_eq!(gone, allowed);
        }

        #[test]
        fn every_key_that_a_rule_fits_is_listed_once(rules in rules(), key in "[ab/]{0,5}") {
            let fits = rules.iter().any(|rule| key.starts_with(&rule.prefix));
            let lists = prefixes(&rules);
            let listed = lists.iter().filter(|prefix| key.starts_with(**prefix)).count();
            prop_assert_eq!(listed, usize::from(fits));
        }
    }

    #[test]
    fn without_rules_nothing_goes() {
        let old = UNIX_EPOCH;
        let now = UNIX_EPOCH + Duration::from_secs(1000 * DAY);
        assert!(!has_expired(&[], "a", old, now));
        assert!(prefixes(&[]).is_empty());
    }
}
