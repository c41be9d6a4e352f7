//! What has expired: the one place that decides it.

use std::time::{Duration, SystemTime};

use longshore_storage::{Bucket, ExpiryRule};

/// Both times are told to the second, so one of age may be none.
const A_SECOND: Duration = Duration::from_secs(1);

/// What is looked at: an object, a version, or an upload that was begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thing<'a> {
    pub(crate) key: &'a str,
    /// How many bytes it has. What has none, as an upload that was begun, fits no rule by size.
    pub(crate) size: Option<u64>,
    /// Since when it has been what it is, by the store's clock.
    pub(crate) since: SystemTime,
}

/// What the rules say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expiry<'a> {
    /// It stays.
    Stays,
    /// It goes if it has one of these tags.
    IfTagged(Vec<(&'a str, &'a str)>),
    /// It goes.
    Goes,
}

/// What has to be known of a bucket to say what expires in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    rules: &'a [ExpiryRule],
    reports: Option<&'a ExpiryRule>,
}

impl<'a> Rules<'a> {
    pub(crate) fn of(bucket: &'a Bucket) -> Self {
        Self {
            rules: &bucket.rules,
            reports: bucket.reports.as_ref(),
        }
    }

    /// Whether nothing ever expires.
    pub(crate) fn are_none(self) -> bool {
        self.rules.is_empty() && self.reports.is_none()
    }

    fn all(self) -> impl Iterator<Item = &'a ExpiryRule> {
        self.rules.iter().chain(self.reports)
    }

    /// Whether it has expired: a rule's prefix and size fit, and its age is reached. `now` is by the store's clock, like
    /// `since`: what this machine takes for the time does not matter. Reports have a rule of their own, and no other.
    pub(crate) fn expiry(self, thing: Thing<'_>, now: SystemTime) -> Expiry<'a> {
        let age = now.duration_since(thing.since).unwrap_or_default();
        let fits = |rule: &&ExpiryRule| {
            thing.key.starts_with(&rule.prefix)
                && age >= rule.age() + A_SECOND
                && rule
                    .larger_than
                    .is_none_or(|least| thing.size.is_some_and(|size| size > least))
        };
        let is_report = |rule: &&ExpiryRule| thing.key.starts_with(&rule.prefix);
        if let Some(reports) = self.reports.filter(is_report) {
            return match fits(&reports) {
                true => Expiry::Goes,
                false => Expiry::Stays,
            };
        }
        let mut tags = Vec::new();
        for rule in self.rules.iter().filter(fits) {
            match &rule.tag {
                None => return Expiry::Goes,
                Some((key, value)) => tags.push((key.as_str(), value.as_str())),
            }
        }
        // An upload that was begun has no tags yet.
        match tags.is_empty() || thing.size.is_none() {
            true => Expiry::Stays,
            false => Expiry::IfTagged(tags),
        }
    }

    /// What a store can keep by itself: it knows no exceptions, so a rule that would expire reports too early is left to the
    /// sweeps, and named.
    pub(crate) fn of_store(self) -> (Vec<ExpiryRule>, Vec<String>) {
        let early = |rule: &ExpiryRule| {
            self.reports.is_some_and(|reports| {
                let (a, b) = (&reports.prefix, &rule.prefix);
                (a.starts_with(b) || b.starts_with(a)) && rule.expire_days < reports.expire_days
            })
        };
        let (left, own): (Vec<_>, Vec<_>) = self.rules.iter().partition(|rule| early(rule));
        let own = own.into_iter().chain(self.reports).cloned().collect();
        let left = left.into_iter().map(|rule| rule.prefix.clone()).collect();
        (own, left)
    }

    /// What has to be listed to find everything that a rule fits: each prefix that lies not under another.
    pub(crate) fn prefixes(self) -> Vec<&'a str> {
        let mut all: Vec<_> = self.all().map(|rule| rule.prefix.as_str()).collect();
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
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 24 * 3600;

    fn rules() -> impl Strategy<Value = Vec<ExpiryRule>> {
        let tag = prop::option::of(prop::sample::select(vec!["x", "y"]));
        let larger_than = prop::option::of(0..5_u64);
        let rule = ("[ab/]{0,3}", 1..4_u32, tag, larger_than).prop_map(
            |(prefix, expire_days, tag, larger_than)| ExpiryRule {
                tag: tag.map(|tag| (tag.to_owned(), "1".to_owned())),
                larger_than,
                ..ExpiryRule::new(prefix, expire_days)
            },
        );
        prop::collection::vec(rule, 0..5)
    }

    fn reports() -> impl Strategy<Value = Option<ExpiryRule>> {
        let reports = ("[ab/]{1,3}", 2..9_u32);
        let reports = reports.prop_map(|(prefix, days)| ExpiryRule::new(prefix, days));
        prop::option::of(reports)
    }

    proptest! {
        #[test]
        fn nothing_goes_outside_a_prefix_before_its_age_below_its_size_or_without_its_tag(
            rules in rules(),
            reports in reports(),
            key in "[ab/]{0,5}",
            size in prop::option::of(0..5_u64),
            since in 0..10 * DAY,
            now in 0..10 * DAY,
        ) {
            let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
            let thing = Thing { key: &key, size, since: at(since) };
            let all = Rules { rules: &rules, reports: reports.as_ref() };
            let said = all.expiry(thing, at(now));
            let old = |days: u32| now > since + u64::from(days) * DAY;
            let report = reports.as_ref().filter(|reports| key.starts_with(&reports.prefix));
            if let Some(report) = report {
                let goes = old(report.expire_days);
                prop_assert_eq!(said, if goes { Expiry::Goes } else { Expiry::Stays });
                return Ok(());
            }
            let allows = |rule: &&ExpiryRule| {
                key.starts_with(&rule.prefix)
                    && old(rule.expire_days)
                    && rule.larger_than.is_none_or(|least| size.is_some_and(|size| size > least))
            };
            let allowed: Vec<_> = rules.iter().filter(allows).collect();
            let plainly = allowed.iter().any(|rule| rule.tag.is_none());
            let tagged = !allowed.is_empty() && size.is_some();
            match said {
                Expiry::Goes => prop_assert!(plainly),
                Expiry::IfTagged(tags) => {
                    prop_assert!(!plainly && tagged);
                    prop_assert_eq!(tags.len(), allowed.len());
                }
                Expiry::Stays => prop_assert!(!plainly && !tagged),
            }
        }

        #[test]
        fn every_key_that_a_rule_fits_is_listed_once(rules in rules(), reports in reports(), key in "[ab/]{0,5}") {
            let all = Rules { rules: &rules, reports: reports.as_ref() };
            let fits = all.all().any(|rule| key.starts_with(&rule.prefix));
            let lists = all.prefixes();
            let listed = lists.iter().filter(|prefix| key.starts_with(**prefix)).count();
            prop_assert_eq!(listed, usize::from(fits));
        }

        /// A store deletes by the first rule that fits, and knows no exception.
        #[test]
        fn no_rule_of_the_stores_own_deletes_a_report_early(rules in rules(), reports in reports(), rest in "[ab/]{0,4}") {
            let all = Rules { rules: &rules, reports: reports.as_ref() };
            let (own, left) = all.of_store();
            prop_assert_eq!(own.len() + left.len(), all.all().count());
            if let Some(reports) = &reports {
                let key = format!("{}{rest}", reports.prefix);
                let least = own.iter().filter(|rule| key.starts_with(&rule.prefix));
                let least = least.map(|rule| rule.expire_days).min();
                prop_assert_eq!(least, Some(reports.expire_days));
            }
        }
    }

    #[test]
    fn without_rules_nothing_goes() {
        let none = Rules {
            rules: &[],
            reports: None,
        };
        let old = Thing {
            key: "a",
            size: Some(1),
            since: UNIX_EPOCH,
        };
        let now = UNIX_EPOCH + Duration::from_secs(1000 * DAY);
        assert_eq!(none.expiry(old, now), Expiry::Stays);
        assert!(none.prefixes().is_empty() && none.are_none());
    }
}
