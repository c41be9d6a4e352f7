//! `buckets.*`: the company's buckets, and what expires in them.

use crate::BucketName;
use longshore_integration::settings::{Key, KeyPath, Reader};
use longshore_storage::{Bucket, Rule};
use serde_json::Value;

pub(super) const KEYS: &[Key] = &[
    // Section 2.3 of the integration document: 90 days for what is temporary, 7 days for exports, nothing else.
    Key::text("buckets.uploads.name"),
    Key::text("buckets.uploads.fallback_name"),
    Key::toml("buckets.uploads.rules").or("[{ prefix = \"tmp/\", expire_days = 90 }]"),
    Key::toml("buckets.uploads.max_delete_share"),
    Key::text("buckets.exports.name"),
    Key::text("buckets.exports.fallback_name"),
    Key::toml("buckets.exports.rules").or("[{ prefix = \"\", expire_days = 7 }]"),
    Key::toml("buckets.exports.max_delete_share"),
    Key::text("buckets.public.name"),
    Key::text("buckets.public.fallback_name"),
    Key::toml("buckets.public.rules").or("[]"),
    Key::toml("buckets.public.max_delete_share"),
];

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

/// Those that have a name. `None` when one of them could not be read, but all have been tried. `s3` and `r2` say whether
/// they are on.
pub(super) fn read(reader: &mut Reader<'_>, s3: bool, r2: bool) -> Option<Buckets> {
    let buckets: Vec<_> = BucketName::ALL
        .into_iter()
        .map(|alias| bucket(reader, alias, r2))
        .collect();
    let buckets: Option<Vec<_>> = buckets.into_iter().collect();
    let buckets: Vec<_> = buckets?.into_iter().flatten().collect();
    for (place, (alias, bucket)) in buckets.iter().enumerate() {
        let twice = buckets[..place].iter().find(|(_, other)| {
            other.name == bucket.name
                || (other.fallback_name.is_some() && other.fallback_name == bucket.fallback_name)
        });
        if let Some((other, _)) = twice {
            let problem = format!("is the same bucket as buckets.{other}");
            let cure = "give each its own: the rules of one would delete what is the other's";
            reader.error(format!("buckets.{alias}.name").as_str(), problem, cure);
        }
    }
    if s3 && buckets.is_empty() {
        let cure = "name the buckets there are: buckets.exports.name and so on";
        let problem = "has no name in it, and S3 is on: every job about a bucket will be refused";
        reader.warn("buckets", problem, cure);
    }
    Some(Buckets(buckets))
}

fn bucket(
    reader: &mut Reader<'_>,
    alias: BucketName,
    r2: bool,
) -> Option<Option<(BucketName, Bucket)>> {
    let section = KeyPath::new(&["buckets", alias.as_str()]);
    let name = name(reader, &section.join("name"));
    let fallback_name = self::name(reader, &section.join("fallback_name"));
    let rules = rules(reader, &section.join("rules"));
    let share = section.join("max_delete_share");
    let max_delete_share = match reader.has(&share) {
        true => self::share(reader, &share).map(Some),
        false => Some(None),
    };
    let (name, fallback_name) = (name?, fallback_name?);
    if name.is_some() && fallback_name.is_some() && !r2 {
        let problem = "is set, and R2 is off: nothing stands in";
        let cure = "set providers.r2.endpoint_url and its keys, or leave it out";
        reader.warn(section.join("fallback_name"), problem, cure);
    }
    let (rules, max_delete_share) = (rules?, max_delete_share?);
    Some(name.map(|name| {
        let bucket = Bucket {
            alias: alias.to_string(),
            name,
            fallback_name,
            rules,
            max_delete_share,
        };
        (alias, bucket)
    }))
}

/// A bucket's name, if one is set: what S3 takes for one.
fn name(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Option<String>> {
    if !reader.is_set(&path.to_string()) {
        return Some(None);
    }
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
    Some(Some(name))
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

fn rules(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Vec<Rule>> {
    let cure = "write a list such as [{ prefix = \"tmp/\", expire_days = 90 }]";
    let Value::Array(list) = reader.value(path)? else {
        reader.error(path, "is not a list of rules", cure);
        return None;
    };
    let mut rules: Vec<Rule> = Vec::new();
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

fn rule(value: &Value) -> Result<Rule, &'static str> {
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
    Ok(Rule {
        prefix: prefix.to_owned(),
        expire_days: days.ok_or("has no expire_days, a whole number from 1 to 36500")?,
    })
}
