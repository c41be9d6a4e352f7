//! `buckets.*`: the company's buckets, and what expires in them.

use crate::BucketName;
use longshore_integration::settings::{KeyPath, Reader, Section, group, text_by, toml_by};
use longshore_integration::{Sections, key_path, section};
use longshore_storage::{Bucket, ExpiryRule};
use serde_json::Value;

use super::settings::{R2Settings, S3Settings, StoreSettings};

section! {
    pub(super) struct BucketsKeys in "buckets" {
        /// What expires in the company's buckets. Sweeps delete by these rules and nothing else, and `apply_lifecycle` makes them
        /// the bucket's own. Ages are days of 24 hours by the store's clock. The defaults are those of the integration
        /// document, 2.3.
        uploads: BucketKeys = "uploads" as UPLOADS, group::<BucketKeys>()
            .example("name", "example-uploads-prod")
            .example("fallback_name", "example-uploads-prod")
            .with("rules", r#"[{ prefix = "tmp/", expire_days = 90 }]"#);
        exports: BucketKeys = "exports" as EXPORTS, group::<BucketKeys>()
            .example("name", "example-exports-prod")
            .example("fallback_name", "example-exports-prod")
            .with("rules", r#"[{ prefix = "", expire_days = 7 }]"#);
        public: BucketKeys = "public", group::<BucketKeys>()
            .example("name", "example-public-prod")
            .example("fallback_name", "example-public-prod");
    }
}

section! {
    pub(super) struct BucketKeys in "" {
        /// The bucket's own name. Without one, jobs about it are refused.
        name: Option<String> = "name" as NAME, text_by(name).optional();
        /// Its stand-in at R2.
        fallback_name: Option<String> = "fallback_name" as FALLBACK_NAME, text_by(name).optional();
        /// What expires in it.
        rules: Vec<ExpiryRule> = "rules", toml_by(rules).or("[]");
        /// A sweep that would delete more than this share of the objects stops and asks.
        max_delete_share: Option<f64> = "max_delete_share", toml_by(share).optional().example("0.5");
    }
}

/// The longest prefix: it stands in the id of a rule.
const LONGEST_PREFIX: usize = 200;

/// The buckets that have a name.
#[derive(Debug, Clone, Default)]
pub struct Buckets(pub Vec<(BucketName, Bucket)>);

impl Buckets {
    /// A bucket, if it has a name.
    #[must_use]
    pub fn get(&self, alias: BucketName) -> Option<&Bucket> {
        let (_, bucket) = self.0.iter().find(|(name, _)| *name == alias)?;
        Some(bucket)
    }
}

/// Puts together those that have a name.
pub(super) fn complete(reader: &mut Reader<'_>, sections: &mut Sections) {
    let Some(keys) = sections.get::<BucketsKeys>().cloned() else {
        return;
    };
    let r2 = sections.get::<R2Settings>().is_some();
    let keys = [
        (BucketName::Uploads, keys.uploads),
        (BucketName::Exports, keys.exports),
        (BucketName::Public, keys.public),
    ];
    let buckets: Vec<_> = keys
        .into_iter()
        .filter_map(|(alias, keys)| Some((alias, bucket(reader, alias, keys, r2)?)))
        .collect();
    for (place, (alias, bucket)) in buckets.iter().enumerate() {
        let twice = buckets[..place].iter().find(|(_, other)| {
            other.name == bucket.name
                || (other.fallback_name.is_some() && other.fallback_name == bucket.fallback_name)
        });
        if let Some((other, _)) = twice {
            let problem = format!("is the same bucket as {}", at(*other));
            let cure = "give each its own: the rules of one would delete what is the other's";
            reader.error(name_of(*alias), problem, cure);
        }
    }
    if buckets.is_empty() && sections.get::<S3Settings>().is_some() {
        let cure = format!("name the buckets there are: {EXPORTS_NAME} and so on");
        let problem = "has no name in it, and S3 is on: every job about a bucket will be refused";
        reader.warn(BucketsKeys::AT, problem, cure);
    }
    sections.insert(Buckets(buckets));
}

fn at(alias: BucketName) -> KeyPath {
    KeyPath::from(BucketsKeys::AT).join(alias.as_str())
}

/// The key of a bucket's name.
pub(super) fn name_of(alias: BucketName) -> KeyPath {
    at(alias).join(BucketKeys::NAME)
}

/// The key of the name of its stand-in.
pub(super) fn fallback_name_of(alias: BucketName) -> KeyPath {
    at(alias).join(BucketKeys::FALLBACK_NAME)
}

/// The key of the name of the bucket that files of ours are kept in.
pub(super) const EXPORTS_NAME: &str = key_path!(BucketsKeys::EXPORTS, BucketKeys::NAME);

/// The key of the name of the bucket that users upload into.
pub(super) const UPLOADS_NAME: &str = key_path!(BucketsKeys::UPLOADS, BucketKeys::NAME);

fn bucket(
    reader: &mut Reader<'_>,
    alias: BucketName,
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
        rules: keys.rules,
        max_delete_share: keys.max_delete_share,
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

fn rules(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Vec<ExpiryRule>> {
    let cure = "write a list such as [{ prefix = \"tmp/\", expire_days = 90 }]";
    let Value::Array(list) = reader.value(path)? else {
        reader.error(path, "is not a list of rules", cure);
        return None;
    };
    let mut rules: Vec<ExpiryRule> = Vec::new();
    for (n, value) in list.iter().enumerate() {
        match rule(value) {
            Ok(rule) if rules.iter().any(|other| other.prefix == rule.prefix) => {
                let problem = format!("has two rules for the prefix `{}`", rule.prefix);
                reader.error(path, problem, "keep one of them");
                return None;
            }
            Ok(rule) => rules.push(rule),
            Err(problem) => {
                reader.error(
                    path,
                    format!("has a rule, number {}, that {problem}", n + 1),
                    cure,
                );
                return None;
            }
        }
    }
    Some(rules)
}

fn rule(value: &Value) -> Result<ExpiryRule, &'static str> {
    let table = value.as_object().ok_or("is no table")?;
    if table
        .keys()
        .any(|key| key != "prefix" && key != "expire_days")
    {
        return Err("has something else in it than prefix and expire_days");
    }
    // Left out, it would mean everything: that is said, or it is not meant.
    let prefix = table.get("prefix").and_then(Value::as_str);
    let prefix = prefix.ok_or("has no prefix; an empty one means the whole bucket")?;
    if prefix.len() > LONGEST_PREFIX || prefix.chars().any(char::is_control) {
        return Err("has a prefix of more than 200 bytes, or with control characters");
    }
    let days = table.get("expire_days").and_then(Value::as_u64);
    let days = days.and_then(|days| u32::try_from(days).ok());
    let days = days.filter(|days| (1..=36_500).contains(days));
    Ok(ExpiryRule {
        prefix: prefix.to_owned(),
        expire_days: days.ok_or("has no expire_days, a whole number from 1 to 36500")?,
    })
}
