//! `buckets.*`: the company's buckets, and what expires in them.

use crate::BucketName;
use longshore_integration::settings::{
    KeyPath, Reader, Section, flag, group, text_by, toml_by, whole,
};
use longshore_integration::{Sections, key_path, section};
use longshore_storage::{Access, Bucket, ExpiryRule};

use super::rules::{is_prefix, rules};
use super::settings::{R2Settings, S3Settings, StoreSettings};

section! {
    pub(super) struct BucketsKeys in "buckets" {
        /// What expires in the company's buckets. Sweeps delete by these rules and nothing else, and `apply_lifecycle` makes them
        /// the bucket's own. Ages are days of 24 hours by the store's clock.
        uploads: BucketKeys = "uploads" as UPLOADS, group::<BucketKeys>()
            .example("name", "example-uploads-prod")
            .example("fallback_name", "example-uploads-prod")
            .with("rules", r#"[{ prefix = "tmp/", expire_days = 90 }]"#)
            .with("access", "private");
        exports: BucketKeys = "exports" as EXPORTS, group::<BucketKeys>()
            .example("name", "example-exports-prod")
            .example("fallback_name", "example-exports-prod")
            .with("rules", r#"[{ prefix = "", expire_days = 7 }]"#)
            .with("attachable_prefixes", r#"[""]"#)
            .with("access", "private");
        public: BucketKeys = "public", group::<BucketKeys>()
            .example("name", "example-public-prod")
            .example("fallback_name", "example-public-prod")
            .with("access", "public");
    }
}

section! {
    /// Further buckets, each with a table of its own. Jobs name them: `{"bucket":"media"}`. No cron entry of ours is about them:
    /// write your own, as in `[cron.sweep-media]`.
    pub(super) struct NamedBucketKeys in "buckets.<name>" {
        keys: BucketKeys = "", group::<BucketKeys>()
            .example("name", "example-media-prod")
            .example("fallback_name", "example-media-prod");
    }
}

section! {
    /// Where reports of the reconcile are kept. They are no attachments and no downloads, and rules of the bucket do not
    /// delete them: a bucket's own rules know no exceptions, so one that would is left to the sweeps.
    pub(super) struct ReportKeys in "payments.reports" {
        /// Which of the buckets.
        bucket: BucketName = "bucket" as BUCKET, text_by(bucket_name).or("exports");
        /// What their keys begin with.
        prefix: String = "prefix", text_by(report_prefix).or("reports/");
        /// How long they are kept.
        keep_days: u32 = "keep_days", whole(1..=36_500).or("400");
    }
}

section! {
    pub(super) struct BucketKeys in "" {
        /// The bucket's own name. Without one, jobs about it are refused.
        name: Option<String> = "name" as NAME, text_by(name).optional();
        /// Its stand-in at R2.
        fallback_name: Option<String> = "fallback_name" as FALLBACK_NAME, text_by(name).optional();
        /// What expires in it: at `expire_days`, under `prefix`; with `tag = "key=value"` or `larger_than` (bytes) only what has
        /// both. A sweep asks for tags with one request for each object that they decide about.
        rules: Option<Vec<ExpiryRule>> = "rules", toml_by(rules).optional()
            .example(r#"[{ prefix = "raw/", expire_days = 30, tag = "kind=temporary", larger_than = 1048576 }]"#);
        /// A sweep that would delete more than this share of the objects stops and asks.
        max_delete_share: Option<f64> = "max_delete_share", toml_by(share).optional().example("0.5");
        /// Files whose keys begin with one of these may go along with mails; an empty text means all. Reports never do.
        attachable_prefixes: Option<Vec<String>> = "attachable_prefixes" as ATTACHABLE_PREFIXES, toml_by(prefixes).optional()
            .example(r#"["invoices/"]"#);
        /// Who should be able to read it: private, or public. `doctor` compares it with what S3 says.
        access: Option<Access> = "access" as ACCESS, text_by(access).optional().example("private");
        /// Whether it should keep versions. `doctor` compares it with what S3 says.
        versioned: Option<bool> = "versioned" as VERSIONED, flag().optional().example("true");
    }
}

/// The buckets that have a name.
#[derive(Debug, Clone, Default)]
pub struct Buckets(pub Vec<(BucketName, Bucket)>);

impl Buckets {
    /// A bucket, if it has a name.
    #[must_use]
    pub fn get(&self, alias: &BucketName) -> Option<&Bucket> {
        let (_, bucket) = self.0.iter().find(|(name, _)| name == alias)?;
        Some(bucket)
    }
}

/// Puts together those that have a name.
pub(super) fn complete(reader: &mut Reader<'_>, sections: &mut Sections) {
    let Some(keys) = sections.get::<BucketsKeys>().cloned() else {
        return;
    };
    let r2 = sections.get::<R2Settings>().is_some();
    let mut all = vec![
        (BucketName::UPLOADS, keys.uploads),
        (BucketName::EXPORTS, keys.exports),
        (BucketName::PUBLIC, keys.public),
    ];
    all.extend(further(reader));
    let mut buckets = Vec::new();
    for (alias, keys) in all {
        if let Some(bucket) = bucket(reader, &alias, keys, r2) {
            buckets.push((alias, bucket));
        }
    }
    keep_reports(reader, sections, &mut buckets);
    for (place, (alias, bucket)) in buckets.iter().enumerate() {
        let twice = buckets[..place].iter().find(|(_, other)| {
            other.name == bucket.name
                || (other.fallback_name.is_some() && other.fallback_name == bucket.fallback_name)
        });
        if let Some((other, _)) = twice {
            let problem = format!("is the same bucket as {}", at(other));
            let cure = "give each its own: the rules of one would delete what is the other's";
            reader.error(name_of(alias), problem, cure);
        }
    }
    if buckets.is_empty() && sections.get::<S3Settings>().is_some() {
        let cure = format!("name the buckets there are: {EXPORTS_NAME} and so on");
        let problem = "has no name in it, and S3 is on: every job about a bucket will be refused";
        reader.warn(BucketsKeys::AT, problem, cure);
    }
    sections.insert(Buckets(buckets));
}

/// Those beyond the three. One that is named so that no job can name it is found to be wrong.
fn further(reader: &mut Reader<'_>) -> Vec<(BucketName, BucketKeys)> {
    let mut found = Vec::new();
    for name in reader.names(BucketsKeys::AT) {
        let path = KeyPath::from(BucketsKeys::AT).join(&name);
        // Anything but a table is answered as such, and an empty one says nothing.
        if reader.names(path.clone()).is_empty() {
            continue;
        }
        match BucketName::new(name) {
            Ok(alias) if BucketName::BUILT_IN.contains(&alias) => {}
            Ok(alias) => {
                let keys = BucketKeys::read(reader, &path);
                if !reader.has(path.join(BucketKeys::NAME)) {
                    let cure = "set the name that it has at S3";
                    reader.missing(path.join(BucketKeys::NAME), "is not set", cure);
                }
                found.extend(keys.map(|keys| (alias, keys)));
            }
            Err(invalid) => reader.error(&path, "cannot be a bucket", invalid.to_string()),
        }
    }
    found
}

/// Notes in their bucket where reports lie.
fn keep_reports(
    reader: &mut Reader<'_>,
    sections: &Sections,
    buckets: &mut [(BucketName, Bucket)],
) {
    let Some(keys) = sections.get::<ReportKeys>() else {
        return;
    };
    match buckets.iter_mut().find(|(alias, _)| *alias == keys.bucket) {
        Some((_, bucket)) => {
            bucket.reports = Some(ExpiryRule::new(&keys.prefix, keys.keep_days));
        }
        None if keys.bucket == BucketName::EXPORTS => {}
        None => {
            let problem = format!("is `{}`, which is no bucket here", keys.bucket);
            reader.error(
                ReportKeys::BUCKET,
                problem,
                format!("set {}", name_of(&keys.bucket)),
            );
        }
    }
}

fn at(alias: &BucketName) -> KeyPath {
    KeyPath::from(BucketsKeys::AT).join(alias.as_str())
}

/// The key of which files may leave, of any bucket.
pub(super) fn attachable_prefixes() -> KeyPath {
    KeyPath::from(NamedBucketKeys::AT).join(BucketKeys::ATTACHABLE_PREFIXES)
}

/// The keys of who should be able to read a bucket, and of whether it should keep versions.
pub(super) fn exposure_of(bucket: &Bucket) -> (KeyPath, KeyPath) {
    let at = KeyPath::from(BucketsKeys::AT).join(&bucket.alias);
    (at.join(BucketKeys::ACCESS), at.join(BucketKeys::VERSIONED))
}

/// The key of a bucket's name.
pub(super) fn name_of(alias: &BucketName) -> KeyPath {
    at(alias).join(BucketKeys::NAME)
}

/// The key of the name of its stand-in.
pub(super) fn fallback_name_of(alias: &BucketName) -> KeyPath {
    at(alias).join(BucketKeys::FALLBACK_NAME)
}

/// The key of the name of the bucket that files of ours are kept in.
pub(super) const EXPORTS_NAME: &str = key_path!(BucketsKeys::EXPORTS, BucketKeys::NAME);

/// The key of the name of the bucket that users upload into.
pub(super) const UPLOADS_NAME: &str = key_path!(BucketsKeys::UPLOADS, BucketKeys::NAME);

fn bucket(
    reader: &mut Reader<'_>,
    alias: &BucketName,
    keys: BucketKeys,
    r2: bool,
) -> Option<Bucket> {
    let name = keys.name?;
    if keys.fallback_name.is_some() && !r2 {
        let problem = "is set, and R2 is off: nothing stands in";
        let endpoint = key_path!(R2Settings::AT, StoreSettings::ENDPOINT_URL);
        let cure = format!("set {endpoint} and its keys, or leave it out");
        reader.warn(fallback_name_of(alias), problem, cure);
    }
    Some(Bucket {
        alias: alias.to_string(),
        name,
        fallback_name: keys.fallback_name,
        rules: keys.rules.unwrap_or_default(),
        max_delete_share: keys.max_delete_share,
        reports: None,
        attachable_prefixes: keys.attachable_prefixes.unwrap_or_default(),
        access: keys.access,
        versioned: keys.versioned,
    })
}

/// A bucket's name: what S3 takes for one.
fn name(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let name = reader.text(path)?;
    let edges = |name: &str| {
        let good = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        good(name.as_bytes().first()) && good(name.as_bytes().last())
    };
    let fits = (3..=63).contains(&name.len())
        && edges(&name)
        && !name.contains("..")
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    if !fits {
        let problem = format!("`{name}` is not a bucket's name");
        let cure = "write its name alone: 3 to 63 characters of a-z, 0-9, - and .";
        reader.error(path, problem, cure);
        return None;
    }
    Some(name)
}

/// A share of all: more than 0, at most 1.
fn share(reader: &mut Reader<'_>, path: &KeyPath) -> Option<f64> {
    let share = reader.value(path).and_then(|value| value.as_f64());
    let share = share.filter(|share| *share > 0.0 && *share <= 1.0);
    if share.is_none() {
        let cure = "write a share of all objects such as 0.5, at most 1; leave it out for none";
        reader.error(path, "is not a share", cure);
    }
    share
}

fn prefixes(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Vec<String>> {
    let prefixes = reader.text_list(path)?;
    if prefixes.iter().any(|prefix| !is_prefix(prefix)) {
        let cure = "write what keys begin with, such as [\"invoices/\"]";
        reader.error(
            path,
            "has a prefix of more than 200 bytes, or with control characters",
            cure,
        );
        return None;
    }
    Some(prefixes)
}

fn access(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Access> {
    match reader.text(path)?.as_str() {
        "private" => Some(Access::Private),
        "public" => Some(Access::Public),
        other => {
            let problem = format!("is `{other}`");
            reader.error(path, problem, "write private, or public");
            None
        }
    }
}

fn bucket_name(reader: &mut Reader<'_>, path: &KeyPath) -> Option<BucketName> {
    let name = reader.text(path)?;
    match BucketName::new(&name) {
        Ok(name) => Some(name),
        Err(invalid) => {
            reader.error(path, format!("is `{name}`"), invalid.to_string());
            None
        }
    }
}

/// With an empty one, nothing in the bucket would be anything but a report.
fn report_prefix(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let prefix = reader.text(path)?;
    if prefix.is_empty() || !is_prefix(&prefix) || !prefix.ends_with('/') {
        let cure = "write what their keys begin with, with a slash at the end, such as reports/";
        reader.error(path, "is no prefix of keys", cure);
        return None;
    }
    Some(prefix)
}
