//! The rules that a bucket keeps by itself.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter,
    NoncurrentVersionExpiration, Tag, TransitionDefaultMinimumObjectSize,
};
use md5::{Digest, Md5};

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
    /// `versioned` buckets also lose old versions at the same age. Rules by tag or size are left out where the store knows
    /// neither. Rules of others in the old form, with a prefix outside of a filter, come into the new one.
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
        let knows = |rule: &&ExpiryRule| rule.is_plain() || self.name().has_tags();
        let wanted = rules.iter().filter(knows);
        let wanted: Vec<_> = wanted.map(|rule| rule_of(rule, versioned)).collect();
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

/// What the id of our rule ends with, where prefixes alone do not tell rules apart.
fn id_of(rule: &ExpiryRule) -> String {
    if rule.is_plain() {
        return format!("{OURS}{}", rule.prefix);
    }
    let tag = rule
        .tag
        .as_ref()
        .map(|(key, value)| format!("{key}={value}"));
    let what = format!("{:?} {:?}", tag, rule.larger_than);
    // Tags may be longer than an id.
    let hash = Md5::digest(what.as_bytes());
    let hash: String = hash
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{OURS}{}#{hash}", rule.prefix)
}

/// A filter of one thing, or of all of several.
fn filter_of(rule: &ExpiryRule) -> LifecycleRuleFilter {
    let tag = rule.tag.as_ref().map(|(key, value)| {
        let tag = Tag::builder().key(key).value(value).build();
        tag.unwrap_or_else(|error| unreachable!("it has both: {error}"))
    });
    let size = rule
        .larger_than
        .map(|size| i64::try_from(size).unwrap_or(i64::MAX));
    let filter = LifecycleRuleFilter::builder();
    match (rule.prefix.as_str(), tag, size) {
        (prefix, None, None) => filter.prefix(prefix).build(),
        ("", Some(tag), None) => filter.tag(tag).build(),
        ("", None, Some(size)) => filter.object_size_greater_than(size).build(),
        (prefix, tag, size) => {
            let both = LifecycleRuleAndOperator::builder()
                .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                .set_tags(tag.map(|tag| vec![tag]))
                .set_object_size_greater_than(size);
            filter.and(both.build()).build()
        }
    }
}

fn rule_of(rule: &ExpiryRule, versioned: bool) -> LifecycleRule {
    let days = i32::try_from(rule.expire_days).unwrap_or(i32::MAX);
    let expiration = LifecycleExpiration::builder().days(days).build();
    let uploads = AbortIncompleteMultipartUpload::builder()
        .days_after_initiation(days)
        .build();
    let old = NoncurrentVersionExpiration::builder()
        .noncurrent_days(days)
        .build();
    LifecycleRule::builder()
        .id(id_of(rule))
        .status(ExpirationStatus::Enabled)
        .filter(filter_of(rule))
        .expiration(expiration)
        // What is not finished has neither a tag nor a size.
        .set_abort_incomplete_multipart_upload(rule.is_plain().then_some(uploads))
        .set_noncurrent_version_expiration(versioned.then_some(old))
        .build()
        .unwrap_or_else(|error| unreachable!("it has a status: {error}"))
}

/// Somebody else's rule, with its prefix in a filter: a store takes no rules of the old form beside those of the new.
#[expect(deprecated, reason = "it is the old form of a rule that is read here")]
fn with_filter(mut rule: LifecycleRule) -> LifecycleRule {
    if rule.filter.is_none() {
        let prefix = rule.prefix.take().unwrap_or_default();
        rule.filter = Some(LifecycleRuleFilter::builder().prefix(prefix).build());
    }
    rule
}

/// What there is, with ours in the place of what was ours. Others keep their order.
fn merge(
    existing: Vec<LifecycleRule>,
    wanted: Vec<LifecycleRule>,
) -> (Vec<LifecycleRule>, Difference) {
    let (before, mut merged): (Vec<_>, Vec<_>) = existing
        .into_iter()
        .map(with_filter)
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
    let and = filter.and_then(LifecycleRuleFilter::and);
    let prefix = filter.and_then(LifecycleRuleFilter::prefix);
    let prefix = prefix.or_else(|| and.and_then(LifecycleRuleAndOperator::prefix));
    let tag = filter.and_then(LifecycleRuleFilter::tag).into_iter();
    let tags = tag.chain(and.map(LifecycleRuleAndOperator::tags).unwrap_or_default());
    let tags: Vec<_> = tags
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect();
    let size = filter.and_then(LifecycleRuleFilter::object_size_greater_than);
    let size = size.or_else(|| and.and_then(LifecycleRuleAndOperator::object_size_greater_than));
    (
        rule.status().clone(),
        (prefix.unwrap_or_default().to_owned(), tags, size),
        rule.transitions().is_empty(),
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
        ExpiryRule::new(prefix, expire_days)
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

    #[test]
    fn rules_by_tag_and_size_have_ids_and_filters_of_their_own() {
        let with = |prefix: &str, tag: Option<(&str, &str)>, larger_than| ExpiryRule {
            tag: tag.map(|(key, value)| (key.to_owned(), value.to_owned())),
            larger_than,
            ..rule(prefix, 7)
        };
        let tagged = Some(("kind", "temporary"));
        let all = [
            with("", None, None),
            with("", tagged, None),
            with("", None, Some(1)),
            with("a/", tagged, None),
            with("a/", None, Some(1)),
            with("a/", tagged, Some(1)),
            with("", tagged, Some(1)),
        ];
        let rules: Vec<_> = all.iter().map(|rule| rule_of(rule, false)).collect();
        let ids: std::collections::HashSet<_> = rules.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), all.len());
        for (n, rule) in rules.iter().enumerate() {
            assert!(rule.id().is_some_and(|id| id.len() <= 255));
            // One of four, as S3 wants it; of all in it at least two.
            let filter = rule.filter().unwrap();
            let and = filter.and();
            let single = [
                filter.prefix().is_some(),
                filter.tag().is_some(),
                filter.object_size_greater_than().is_some(),
                and.is_some(),
            ];
            assert_eq!(single.into_iter().filter(|is| *is).count(), 1, "{n}");
            if let Some(and) = and {
                let parts = [
                    and.prefix().is_some(),
                    !and.tags().is_empty(),
                    and.object_size_greater_than().is_some(),
                ];
                assert!(parts.into_iter().filter(|is| *is).count() >= 2, "{n}");
            }
            let uploads = rule.abort_incomplete_multipart_upload().is_some();
            assert_eq!(uploads, n == 0, "S3 takes it with neither tag nor size");
        }
        let (merged, _) = merge(Vec::new(), rules.clone());
        assert!(
            merge(merged, rules).1.is_none(),
            "a second time nothing changes"
        );
        let other = rule_of(&with("a/", Some(("kind", "other")), None), false);
        let mut was = rule_of(&all[3], false);
        was.id = other.id.clone();
        assert_eq!(
            merge(vec![was], vec![other]).1.changed.len(),
            1,
            "tags count"
        );
    }

    #[test]
    #[expect(
        deprecated,
        reason = "it is the old form of a rule that is tested here"
    )]
    fn a_rule_of_the_old_form_gets_a_filter_and_stays_what_it_is() {
        let expiration = LifecycleExpiration::builder().days(30).build();
        let old = LifecycleRule::builder()
            .id("theirs")
            .status(ExpirationStatus::Enabled)
            .prefix("logs/")
            .expiration(expiration)
            .build()
            .unwrap();
        let (merged, difference) = merge(vec![old], vec![rule_of(&rule("", 7), false)]);
        assert_eq!((merged.len(), difference.others), (2, 1));
        let theirs = &merged[0];
        assert_eq!((theirs.id(), theirs.prefix()), (Some("theirs"), None));
        let filter = theirs.filter().unwrap();
        assert_eq!(filter.prefix(), Some("logs/"));
        assert_eq!(theirs.expiration().unwrap().days(), Some(30));
    }
}
