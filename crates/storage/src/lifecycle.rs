//! The rules that a bucket keeps by itself.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
    TransitionDefaultMinimumObjectSize,
};

use crate::bucket::ExpiryRule;
use crate::error::{Error, ErrorClass};
use crate::session::Session;

/// What our rules' ids begin with. Rules with other ids are somebody else's.
const OURS: &str = "longshore:";

/// What was changed about a bucket's rules. Each of ours is named by its prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Rules that there were not.
    pub added: Vec<String>,
    /// Rules that were otherwise.
    pub changed: Vec<String>,
    /// Rules of ours that configuration no longer has.
    pub removed: Vec<String>,
    /// Rules of ours that are as they should be.
    pub unchanged: Vec<String>,
    /// How many rules are somebody else's. They stay as they are.
    pub others: usize,
}

impl Difference {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl Session {
    /// Makes these the bucket's own rules, beside the ones that others have made, and says what that changed. Nothing is
    /// written when nothing changes. The store replaces all rules at once and compares nothing: whoever changes them in
    /// the moment between reading and writing loses the change.
    ///
    /// `versioned` buckets also lose old versions at the same age.
    ///
    /// # Errors
    /// See [`ErrorClass`].
    pub async fn apply_lifecycle(
        &self,
        bucket: &str,
        rules: &[ExpiryRule],
        versioned: bool,
    ) -> Result<Difference, Error> {
        let (existing, smallest) = self.lifecycle(bucket).await?;
        let wanted: Vec<_> = rules.iter().map(|rule| rule_of(rule, versioned)).collect();
        let (merged, difference) = merge(existing, wanted);
        if difference.is_none() {
            return Ok(difference);
        }
        if merged.is_empty() {
            // A configuration without rules is none.
            let doing = format!("remove the rules of {bucket}");
            let deleted = self.call(&doing, |client| {
                client.delete_bucket_lifecycle().bucket(bucket).send()
            });
            deleted.await?;
            return Ok(difference);
        }
        let configuration = BucketLifecycleConfiguration::builder()
            .set_rules(Some(merged))
            .build()
            .unwrap_or_else(|error| unreachable!("it has rules: {error}"));
        let put = self.call(format!("write the rules of {bucket}"), |client| {
            client
                .put_bucket_lifecycle_configuration()
                .bucket(bucket)
                .set_transition_default_minimum_object_size(smallest.clone())
                .lifecycle_configuration(configuration.clone())
                .send()
        });
        put.await?;
        Ok(difference)
    }

    async fn lifecycle(
        &self,
        bucket: &str,
    ) -> Result<
        (
            Vec<LifecycleRule>,
            Option<TransitionDefaultMinimumObjectSize>,
        ),
        Error,
    > {
        let read = self.call(format!("read the rules of {bucket}"), |client| {
            client
                .get_bucket_lifecycle_configuration()
                .bucket(bucket)
                .send()
        });
        match read.await {
            Ok(read) => Ok((
                read.rules.unwrap_or_default(),
                read.transition_default_minimum_object_size,
            )),
            Err(error) if error.class == ErrorClass::Missing => Ok((Vec::new(), None)),
            Err(error) => Err(error),
        }
    }
}

fn rule_of(rule: &ExpiryRule, versioned: bool) -> LifecycleRule {
    let days = i32::try_from(rule.expire_days).unwrap_or(i32::MAX);
    let filter = LifecycleRuleFilter::builder().prefix(&rule.prefix).build();
    let expiration = LifecycleExpiration::builder().days(days).build();
    let uploads = AbortIncompleteMultipartUpload::builder()
        .days_after_initiation(days)
        .build();
    let old = NoncurrentVersionExpiration::builder()
        .noncurrent_days(days)
        .build();
    LifecycleRule::builder()
        .id(format!("{OURS}{}", rule.prefix))
        .status(ExpirationStatus::Enabled)
        .filter(filter)
        .expiration(expiration)
        .abort_incomplete_multipart_upload(uploads)
        .set_noncurrent_version_expiration(versioned.then_some(old))
        .build()
        .unwrap_or_else(|error| unreachable!("it has a status: {error}"))
}

/// What there is, with ours in the place of what was ours. Others keep their order.
fn merge(
    existing: Vec<LifecycleRule>,
    wanted: Vec<LifecycleRule>,
) -> (Vec<LifecycleRule>, Difference) {
    let (before, mut merged): (Vec<_>, Vec<_>) = existing
        .into_iter()
        .partition(|rule| rule.id().is_some_and(|id| id.starts_with(OURS)));
    let mut difference = Difference {
        others: merged.len(),
        ..Difference::default()
    };
    let prefix = |rule: &LifecycleRule| {
        let id = rule.id().unwrap_or_default();
        id.strip_prefix(OURS).unwrap_or(id).to_owned()
    };
    for rule in &before {
        if !wanted.iter().any(|wanted| wanted.id() == rule.id()) {
            difference.removed.push(prefix(rule));
        }
    }
    for rule in &wanted {
        let was = before.iter().find(|before| before.id() == rule.id());
        let list = match was {
            None => &mut difference.added,
            Some(was) if meaning_of(was) == meaning_of(rule) => &mut difference.unchanged,
            Some(_) => &mut difference.changed,
        };
        list.push(prefix(rule));
    }
    merged.extend(wanted);
    (merged, difference)
}

/// What a rule of ours says, whatever empty elements a store may answer it with.
fn meaning_of(rule: &LifecycleRule) -> impl PartialEq + use<> {
    let filter = rule.filter();
    let plain = filter.is_none_or(|filter| filter.and().is_none() && filter.tag().is_none());
    (
        rule.status().clone(),
        filter
            .and_then(|filter| filter.prefix().map(str::to_owned))
            .unwrap_or_default(),
        plain && rule.transitions().is_empty(),
        rule.expiration().and_then(LifecycleExpiration::days),
        rule.noncurrent_version_expiration()
            .and_then(NoncurrentVersionExpiration::noncurrent_days),
        rule.abort_incomplete_multipart_upload()
            .and_then(AbortIncompleteMultipartUpload::days_after_initiation),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(prefix: &str, expire_days: u32) -> ExpiryRule {
        ExpiryRule {
            prefix: prefix.to_owned(),
            expire_days,
        }
    }

    fn foreign(id: Option<&str>) -> LifecycleRule {
        LifecycleRule::builder()
            .set_id(id.map(str::to_owned))
            .status(ExpirationStatus::Disabled)
            .filter(LifecycleRuleFilter::builder().prefix("logs/").build())
            .build()
            .unwrap()
    }

    #[test]
    fn what_others_own_stays_as_it_is_and_where_it_is() {
        let existing = vec![
            foreign(Some("theirs")),
            rule_of(&rule("old/", 3), false),
            foreign(None),
            rule_of(&rule("tmp/", 30), false),
        ];
        let wanted = vec![
            rule_of(&rule("tmp/", 90), false),
            rule_of(&rule("new/", 1), false),
        ];
        let (merged, difference) = merge(existing, wanted.clone());
        let theirs = vec![foreign(Some("theirs")), foreign(None)];
        assert_eq!(merged, [theirs, wanted].concat());
        assert_eq!(
            difference,
            Difference {
                added: vec!["new/".to_owned()],
                changed: vec!["tmp/".to_owned()],
                removed: vec!["old/".to_owned()],
                unchanged: Vec::new(),
                others: 2,
            }
        );
    }

    #[test]
    fn a_second_time_changes_nothing() {
        let wanted = vec![rule_of(&rule("", 7), true)];
        let (merged, _) = merge(vec![foreign(None)], wanted.clone());
        let (again, difference) = merge(merged.clone(), wanted);
        assert_eq!(again, merged);
        assert!(difference.is_none());
        assert_eq!(difference.unchanged, [""]);
    }

    #[test]
    fn old_versions_go_only_where_there_are_versions() {
        let plain = rule_of(&rule("", 7), false);
        assert!(plain.noncurrent_version_expiration().is_none());
        let (_, difference) = merge(vec![plain], vec![rule_of(&rule("", 7), true)]);
        assert_eq!(difference.changed, [""]);
    }
}
