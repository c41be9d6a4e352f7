//! `buckets.*.rules`: what expires in a bucket.

use longshore_integration::settings::{KeyPath, Reader};
use longshore_storage::ExpiryRule;
use serde_json::{Map, Value};

/// The longest prefix: it stands in the id of a rule.
const LONGEST_PREFIX: usize = 200;

/// S3's bounds of a tag's key and value, in characters.
const LONGEST_TAG: (usize, usize) = (128, 256);

/// S3's largest object: 5 TiB.
const LARGEST: u64 = 5 << 40;

pub(super) fn is_prefix(text: &str) -> bool {
    text.len() <= LONGEST_PREFIX && !text.chars().any(char::is_control)
}

pub(super) fn rules(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Vec<ExpiryRule>> {
    let cure = "write a list such as [{ prefix = \"tmp/\", expire_days = 90 }]";
    let Value::Array(list) = reader.value(path)? else {
        reader.error(path, "is not a list of rules", cure);
        return None;
    };
    let mut rules: Vec<ExpiryRule> = Vec::new();
    for (n, value) in list.iter().enumerate() {
        let same = |rule: &ExpiryRule, other: &ExpiryRule| {
            (&rule.prefix, &rule.tag, rule.larger_than)
                == (&other.prefix, &other.tag, other.larger_than)
        };
        match rule(value) {
            Ok(rule) if rules.iter().any(|other| same(&rule, other)) => {
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
    let known = ["prefix", "expire_days", "tag", "larger_than"];
    if table.keys().any(|key| !known.contains(&key.as_str())) {
        return Err("has something else in it than prefix, expire_days, tag and larger_than");
    }
    // Left out, it would mean everything: that is said, or it is not meant.
    let prefix = table.get("prefix").and_then(Value::as_str);
    let prefix = prefix.ok_or("has no prefix; an empty one means the whole bucket")?;
    if !is_prefix(prefix) {
        return Err("has a prefix of more than 200 bytes, or with control characters");
    }
    let days = table.get("expire_days").and_then(Value::as_u64);
    let days = days.and_then(|days| u32::try_from(days).ok());
    let days = days.filter(|days| (1..=36_500).contains(days));
    Ok(ExpiryRule {
        prefix: prefix.to_owned(),
        expire_days: days.ok_or("has no expire_days, a whole number from 1 to 36500")?,
        tag: tag(table)?,
        larger_than: larger_than(table)?,
    })
}

fn tag(table: &Map<String, Value>) -> Result<Option<(String, String)>, &'static str> {
    let Some(tag) = table.get("tag") else {
        return Ok(None);
    };
    let parts = tag.as_str().and_then(|tag| tag.split_once('='));
    let fits = |(key, value): &(&str, &str)| {
        let plain = |text: &str| !text.chars().any(char::is_control);
        (1..=LONGEST_TAG.0).contains(&key.chars().count())
            && value.chars().count() <= LONGEST_TAG.1
            && plain(key)
            && plain(value)
    };
    match parts.filter(fits) {
        Some((key, value)) => Ok(Some((key.to_owned(), value.to_owned()))),
        None => Err("has a tag that is none; write it as \"key=value\""),
    }
}

fn larger_than(table: &Map<String, Value>) -> Result<Option<u64>, &'static str> {
    let Some(size) = table.get("larger_than") else {
        return Ok(None);
    };
    match size.as_u64().filter(|size| *size <= LARGEST) {
        Some(size) => Ok(Some(size)),
        None => Err("has a larger_than that is no number of bytes, at most 5 TiB"),
    }
}
