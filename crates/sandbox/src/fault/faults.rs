//! The rules in force.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::{Fault, FaultRule, InvalidRule};
use crate::provider::Draft;

/// The rules in force: asked in order for each request, the first that hits decides. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Arc<RwLock<Arc<Vec<Counted>>>>,
}

#[derive(Debug)]
struct Counted {
    rule: FaultRule,
    set_at: Instant,
    /// How many requests came to it.
    came: AtomicU64,
    /// How many of them it happened to.
    hit: AtomicU64,
}

/// A rule in force, and how many requests it has happened to.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// The rule.
    pub rule: FaultRule,
    /// How many requests it has happened to since it was set.
    pub hit: u64,
}

impl Faults {
    /// Replaces the rules; their counts start anew.
    ///
    /// # Errors
    /// Names the first rule that cannot be followed; the old ones stay in force then.
    pub fn set(&self, rules: Vec<FaultRule>) -> Result<(), InvalidRule> {
        for (index, rule) in rules.iter().enumerate() {
            rule.check().map_err(|why| InvalidRule { index, why })?;
        }
        let set_at = Instant::now();
        let counted = rules.into_iter().map(|rule| Counted {
            rule,
            set_at,
            came: AtomicU64::new(0),
            hit: AtomicU64::new(0),
        });
        let mut in_force = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        *in_force = Arc::new(counted.collect());
        Ok(())
    }

    /// No more faults.
    pub fn clear(&self) {
        self.set(Vec::new())
            .unwrap_or_else(|error| unreachable!("no rules, but {error}"));
    }

    /// The rules whose time is not over.
    #[must_use]
    pub fn rules(&self) -> Vec<FaultRule> {
        self.in_force().into_iter().map(|c| c.rule).collect()
    }

    /// The same, with how many requests each has happened to.
    #[must_use]
    pub fn in_force(&self) -> Vec<InForce> {
        let rules = self.counted();
        let rules = rules.iter().filter(|counted| !counted.is_over());
        rules
            .map(|counted| InForce {
                rule: counted.rule.clone(),
                hit: counted.hit.load(Ordering::Relaxed),
            })
            .collect()
    }

    /// Whether connections have to be looked at before they are read.
    pub(crate) fn any_unread(&self) -> bool {
        let rules = self.counted();
        rules
            .iter()
            .any(|c| c.rule.fault == Fault::HangUpUnread && !c.is_over())
    }

    /// Whether to hang up on a request of which nothing is read yet.
    pub(crate) fn hang_up_unread(&self) -> bool {
        self.counted()
            .iter()
            .filter(|counted| counted.rule.fault == Fault::HangUpUnread)
            .any(Counted::hits)
    }

    /// What goes wrong with a request that would have these effects.
    pub(crate) fn decide(&self, effects: &[Draft]) -> Option<Fault> {
        self.counted()
            .iter()
            .filter(|counted| counted.rule.fault != Fault::HangUpUnread)
            .find(|counted| counted.rule.only.means(effects) && counted.hits())
            .map(|counted| counted.rule.fault.clone())
    }

    fn counted(&self) -> Arc<Vec<Counted>> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&rules)
    }
}

impl Counted {
    fn hits(&self) -> bool {
        if self.is_over() {
            return false;
        }
        let n = self.came.fetch_add(1, Ordering::Relaxed) + 1;
        let hits = self.rule.when.hits(n);
        if hits {
            self.hit.fetch_add(1, Ordering::Relaxed);
        }
        hits
    }

    fn is_over(&self) -> bool {
        let ends_after = self.rule.for_ms.map(Duration::from_millis);
        ends_after.is_some_and(|time| self.set_at.elapsed() >= time)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Only, When};
    use super::*;

    fn status(status: u16) -> Fault {
        Fault::Garbage {
            status,
            effect: false,
        }
    }

    fn mail(template: &str) -> [Draft; 1] {
        [Draft {
            job: None,
            template: Some(template.into()),
            recipient: "ada@example.com".into(),
            id: "x".into(),
        }]
    }

    #[test]
    fn the_first_rule_that_hits_decides() {
        let faults = Faults::default();
        let only = Only {
            template: Some("d-1".into()),
            ..Only::default()
        };
        faults
            .set(vec![
                FaultRule::always(Fault::HangUpUnread),
                FaultRule::first(1, status(500)).only(only),
                FaultRule::new(status(502), When::Every(2)),
            ])
            .expect("valid rules");
        let decide = |effects: &[Draft]| match faults.decide(effects) {
            Some(Fault::Garbage { status, .. }) => status,
            None => 0,
            other => panic!("{other:?}"),
        };
        // Only requests that came to a rule are counted by it.
        assert_eq!(decide(&mail("d-2")), 0);
        assert_eq!(decide(&mail("d-1")), 500);
        assert_eq!(decide(&mail("d-1")), 502);
        assert_eq!(decide(&[]), 0);
        assert!(faults.hang_up_unread());
        faults.clear();
        assert_eq!(faults.decide(&mail("d-1")), None);
        assert!(!faults.hang_up_unread());
    }

    #[test]
    fn a_rule_whose_time_is_over_is_gone() {
        let faults = Faults::default();
        let hour = Duration::from_secs(3600);
        let rules =
            [status(500), status(502)].map(|fault| FaultRule::always(fault).ends_after(hour));
        faults.set(rules.to_vec()).expect("valid rules");
        assert_eq!(faults.decide(&[]), Some(status(500)));
        {
            let mut rules = faults.rules.write().expect("no panic holds it");
            let rules = Arc::get_mut(&mut rules).expect("nobody else has it");
            let an_hour_ago = Instant::now().checked_sub(hour);
            rules[0].set_at = an_hour_ago.expect("this machine has run for longer");
        }
        assert_eq!(faults.decide(&[]), Some(status(502)));
        let [left] = &faults.in_force()[..] else {
            panic!("{:?}", faults.in_force());
        };
        assert_eq!((&left.rule, left.hit), (&rules[1], 1));
    }

    #[test]
    fn rules_that_cannot_be_followed_are_refused_and_the_old_ones_stay() {
        let faults = Faults::default();
        let good = FaultRule::always(status(500));
        faults.set(vec![good.clone()]).expect("a valid rule");
        let header = |name: &str, value: &str| Fault::Answer {
            status: 500,
            headers: [(name.to_owned(), value.to_owned())].into(),
            body: None,
            effect: false,
        };
        let only = Only {
            job: Some("x".into()),
            ..Only::default()
        };
        for bad in [
            FaultRule::always(status(100)),
            FaultRule::always(status(600)),
            FaultRule::always(header("two words", "x")),
            FaultRule::always(header("x", "two\nlines")),
            FaultRule::always(Fault::HangUpUnread).only(only),
            FaultRule::always(status(500)).ends_after(Duration::ZERO),
            FaultRule::new(status(500), When::Every(0)),
            FaultRule::new(
                status(500),
                When::Chance {
                    probability: 1.5,
                    seed: 0,
                },
            ),
        ] {
            let refused = faults.set(vec![good.clone(), bad.clone()]);
            assert_eq!(refused.expect_err("refused").index, 1, "{bad:?}");
        }
        assert_eq!(faults.rules(), [good]);
    }
}
