//! `providers.s3`, `providers.r2` and `buckets`.

use longshore_app::config::Severity;
use longshore_client::kinds::BucketName;
use longshore_export_cleanup::{Buckets, R2Settings, S3Settings};

use crate::{finding, good};

const ON: &str = r#"
    providers.s3.region = "eu-north-1"
    buckets.exports.name = "example-exports"
"#;

#[track_caller]
fn wrong(toml: &str, key: &str, problem: &str) {
    let finding = finding(toml, &[]);
    assert_eq!(finding.key, key, "{finding}");
    assert_eq!(finding.severity, Severity::Error);
    assert!(finding.problem.contains(problem), "{problem:?}: {finding}");
}

#[test]
fn s3_is_on_with_a_region_and_by_default_asks_the_machine_for_credentials() {
    assert!(good("", &[]).get::<S3Settings>().is_none());
    let config = good(ON, &[]);
    let s3 = &config.get::<S3Settings>().expect("on").store;
    assert!(s3.key().is_none() && s3.endpoint_url.is_none());
    assert_eq!(
        (s3.calls.breaker.failures, s3.calls.breaker.open.as_secs()),
        (10, 30)
    );
    assert!(config.get::<R2Settings>().is_none());
    let (alias, bucket) = &config.get::<Buckets>().unwrap().0[0];
    assert_eq!(
        (alias, bucket.name.as_str()),
        (&BucketName::EXPORTS, "example-exports")
    );
    assert_eq!(
        (bucket.rules[0].prefix.as_str(), bucket.rules[0].expire_days),
        ("", 7)
    );
    assert_eq!(
        (
            config.get::<Buckets>().unwrap().0.len(),
            bucket.max_delete_share
        ),
        (1, None)
    );
}

#[test]
fn the_documents_rules_are_the_defaults_and_the_environment_can_say_others() {
    let all = r#"
        [buckets]
        uploads.name = "one"
        public = { name = "two", max_delete_share = 1 }
    "#;
    let env = [(
        "LONGSHORE_BUCKETS__PUBLIC__RULES",
        r#"[{prefix = "a/", expire_days = 1}]"#,
    )];
    let buckets = good(all, &env).get::<Buckets>().unwrap().clone().0;
    assert_eq!(
        (
            buckets[0].1.rules[0].prefix.as_str(),
            buckets[0].1.rules[0].expire_days
        ),
        ("tmp/", 90)
    );
    assert_eq!(
        (buckets[1].1.rules.len(), buckets[1].1.max_delete_share),
        (1, Some(1.0))
    );
    assert!(
        good(all, &[]).get::<Buckets>().unwrap().0[1]
            .1
            .rules
            .is_empty()
    );
}

#[test]
fn what_would_delete_the_wrong_things_is_refused() {
    let rules = |rules: &str| format!("{ON}\nbuckets.exports.rules = {rules}");
    for (text, problem) in [
        (rules("[{ expire_days = 7 }]"), "has no prefix"),
        (
            rules("[{ prefix = '', expire_days = 0 }]"),
            "has no expire_days",
        ),
        (
            rules("[{ prefix = '', expire_days = 1.5 }]"),
            "has no expire_days",
        ),
        (
            rules("[{ prefix = '', expire_days = 7, if = 'x' }]"),
            "something else",
        ),
        (
            rules("[{ prefix = '', expire_days = 7 }, { prefix = '', expire_days = 9 }]"),
            "two rules",
        ),
        (rules("'tmp/'"), "is not a list"),
        (
            rules("[{ prefix = '', expire_days = 7, tag = 'temporary' }]"),
            "has a tag that is none",
        ),
        (
            rules("[{ prefix = '', expire_days = 7, larger_than = -1 }]"),
            "has a larger_than",
        ),
    ] {
        wrong(&text, "buckets.exports.rules", problem);
    }
    let share = format!("{ON}\nbuckets.exports.max_delete_share = 50");
    wrong(&share, "buckets.exports.max_delete_share", "is not a share");
    let same = format!("{ON}\nbuckets.uploads.name = 'example-exports'");
    wrong(&same, "buckets.exports.name", "is the same bucket");
    let same = format!("{ON}\nbuckets.media.name = 'example-exports'");
    wrong(&same, "buckets.media.name", "is the same bucket");
    for name in ["s3://exports", "Exports", "a", "-ab", "a..b", "exports/x"] {
        let named = format!("buckets.exports.name = '{name}'");
        wrong(&named, "buckets.exports.name", "is not a bucket's name");
    }
}

#[test]
fn keys_come_in_pairs_and_r2_needs_them() {
    let half = format!("{ON}\nproviders.s3.access_key_id = 'AKIA'");
    wrong(&half, "providers.s3.secret_access_key", "is not set");
    let bare = "providers.r2.endpoint_url = 'https://x.r2.cloudflarestorage.com'";
    wrong(bare, "providers.r2.access_key_id", "is not set");
    let r2 =
        format!("{bare}\nproviders.r2.access_key_id = 'a'\nproviders.r2.secret_access_key = 'b'");
    let r2 = good(&r2, &[])
        .get::<R2Settings>()
        .expect("on")
        .store
        .clone();
    assert_eq!(r2.region.as_deref(), Some("auto"));
    let nowhere = format!("{ON}\nproviders.s3.endpoint_url = 'http://minio.example.com'");
    wrong(&nowhere, "providers.s3.endpoint_url", "plain http");
}

#[test]
fn what_is_likely_not_meant_is_a_warning() {
    let alone = format!("{ON}\nbuckets.exports.fallback_name = 'example-away'");
    let warnings = good(&alone, &[]).warnings().clone();
    let keys: Vec<_> = warnings
        .iter()
        .map(|w| (w.severity, w.key.as_str()))
        .collect();
    assert_eq!(keys, [(Severity::Warning, "buckets.exports.fallback_name")]);
    let none = good("providers.s3.region = 'eu-north-1'", &[]);
    assert_eq!(
        none.warnings().iter().next().map(|w| w.key.as_str()),
        Some("buckets")
    );
}

#[test]
fn a_bucket_may_have_any_name_and_the_three_keep_their_defaults() {
    let more = format!(
        "{ON}\n[buckets.media]\nname = 'example-media'\nversioned = true\naccess = 'public'\n\
         rules = [{{ prefix = 'raw/', expire_days = 3, tag = 'kind=temporary', larger_than = 9 }}]\n\
         attachable_prefixes = ['a/']\n[buckets.uploads]\nname = 'example-uploads'"
    );
    let config = good(&more, &[]);
    let buckets = config.get::<Buckets>().unwrap();
    let media = BucketName::new("media").unwrap();
    let media = buckets.get(&media).expect("it is there");
    assert_eq!(media.name, "example-media");
    assert_eq!(media.versioned, Some(true));
    let rule = &media.rules[0];
    let tag = ("kind".to_owned(), "temporary".to_owned());
    assert_eq!((&rule.tag, rule.larger_than), (&Some(tag), Some(9)));
    assert!(media.is_attachable("a/b") && !media.is_attachable("b"));
    let uploads = buckets.get(&BucketName::UPLOADS).unwrap();
    assert_eq!(uploads.rules[0].prefix, "tmp/");
    assert!(!uploads.is_attachable("17/x.png"), "a user's file");
    wrong(
        "buckets.media.rules = []",
        "buckets.media.name",
        "is not set",
    );
    wrong(
        "buckets.Media.name = 'x-y'",
        "buckets.Media",
        "cannot be a bucket",
    );
    wrong(
        "buckets.uploads.acces = 'x'",
        "buckets.uploads.acces",
        "is not a key",
    );
    let open = format!("{ON}\nbuckets.exports.access = 'open'");
    wrong(&open, "buckets.exports.access", "is `open`");
}

#[test]
fn reports_are_kept_apart_from_what_expires_and_leave_with_no_mail() {
    let config = good(ON, &[]);
    let buckets = config.get::<Buckets>().unwrap();
    let exports = buckets.get(&BucketName::EXPORTS).unwrap();
    let reports = exports.reports.as_ref().expect("they have a place");
    assert_eq!(
        (reports.prefix.as_str(), reports.expire_days),
        ("reports/", 400)
    );
    assert!(exports.is_attachable("invoice.pdf"));
    assert!(!exports.is_attachable("reports/reconcile/x.csv"));
    let elsewhere = format!("{ON}\npayments.reports.bucket = 'ledger'");
    wrong(&elsewhere, "payments.reports.bucket", "is no bucket here");
    let bare = format!("{ON}\npayments.reports.prefix = ''");
    wrong(&bare, "payments.reports.prefix", "is no prefix");
    let there = format!(
        "{ON}\nbuckets.ledger.name = 'example-ledger'\npayments.reports = {{ bucket = 'ledger', keep_days = 3650 }}"
    );
    let config = good(&there, &[]);
    let buckets = config.get::<Buckets>().unwrap();
    assert!(buckets.get(&BucketName::EXPORTS).unwrap().reports.is_none());
}
