//! Reading scripts' answers.

use std::collections::HashMap;

use redis::{FromRedisValue, ParsingError, Value};

use crate::header::Header;
use crate::packed::unpack;
use crate::{QueueError, RawId};

/// A script's answer, taken apart from the front.
pub(crate) struct Reply(std::vec::IntoIter<Value>);

impl Reply {
    pub(crate) fn new(value: Value) -> Result<Self, QueueError> {
        match value {
            Value::Array(values) => Ok(Self(values.into_iter())),
            other => Err(QueueError::unexpected(format!(
                "not an array: {}",
                name(&other)
            ))),
        }
    }

    pub(crate) fn of(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    pub(crate) fn next<T: FromRedisValue>(&mut self) -> Result<T, QueueError> {
        let value = self
            .0
            .next()
            .ok_or_else(|| QueueError::unexpected("too short"))?;
        read(value)
    }

    /// Text that anybody may have written: bytes that are not UTF-8 are shown as [`RawId`] shows them.
    pub(crate) fn shown(&mut self) -> Result<String, QueueError> {
        let bytes: Vec<u8> = self.next()?;
        Ok(shown(bytes))
    }

    pub(crate) fn list(&mut self) -> Result<Self, QueueError> {
        Self::new(
            self.0
                .next()
                .ok_or_else(|| QueueError::unexpected("too short"))?,
        )
    }

    /// What stands of a job in `data`, or its size where it was too large to be read.
    pub(crate) fn value(&mut self) -> Result<(Option<Vec<u8>>, Option<u64>), QueueError> {
        match self.next::<Value>()? {
            Value::Int(bytes) => Ok((None, u64::try_from(bytes).ok())),
            value => Ok((read(value)?, None)),
        }
    }

    pub(crate) fn id(&mut self) -> Result<RawId, QueueError> {
        self.next::<Vec<u8>>().map(RawId::from)
    }

    /// A number that a script wrote as text.
    pub(crate) fn number<T: std::str::FromStr>(&mut self) -> Result<Option<T>, QueueError> {
        let bytes: Option<Vec<u8>> = self.next()?;
        Ok(bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Text as it stands, other bytes as [`RawId`] shows them.
pub(crate) fn shown(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|raw| RawId::from(raw.into_bytes()).to_string())
}

pub(crate) fn read<T: FromRedisValue>(value: Value) -> Result<T, QueueError> {
    T::from_redis_value(value).map_err(|error| QueueError::unexpected(error.to_string()))
}

/// What a hash holds. Anybody can write there, so names and values may be any bytes: a name that is not UTF-8 is none of
/// ours, and hides no other field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    named: HashMap<String, Vec<u8>>,
    unreadable: usize,
    broken: bool,
    recorded: bool,
    had_record: bool,
}

impl Fields {
    /// The bytes of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.named.get(name).map(Vec::as_slice)
    }

    /// A field that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// A field that is a number.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let named = self.named.iter();
        named.map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.unreadable == 0
    }

    /// Some field has a name that is not UTF-8.
    pub(crate) fn has_unreadable(&self) -> bool {
        self.unreadable > 0
    }

    /// What is known of a job: its header, if it has one, and its record.
    pub(crate) fn of_job(header: Option<Header>, packed: Option<&[u8]>) -> Self {
        let mut fields = Self::default();
        if let Some(header) = header {
            fields.add_header(header);
        }
        let unpacked = packed.map(unpack);
        fields.recorded = unpacked.is_some();
        fields.broken = unpacked.as_ref().is_some_and(|unpacked| !unpacked.whole);
        for (name, value) in unpacked.unwrap_or_default().fields {
            match std::str::from_utf8(name) {
                Ok(name) => drop(fields.named.insert(name.to_owned(), value.to_vec())),
                Err(_) => fields.unreadable += 1,
            }
        }
        fields
    }

    /// Adds what others have, and it has not.
    pub(crate) fn add_missing(&mut self, others: Self) {
        for (name, value) in others.named {
            self.named.entry(name).or_insert(value);
        }
        self.unreadable += others.unreadable;
    }

    fn add_header(&mut self, header: Header) {
        let time = |ms: u64| Some(ms.to_string());
        self.had_record = header.has_record;
        for (name, value) in [
            ("at", time(header.at_ms)),
            ("due", header.due_ms.and_then(time)),
            ("exp", header.expires_ms.and_then(time)),
            ("key", header.key),
            ("traceparent", header.traceparent),
            ("tracestate", header.tracestate),
            ("cron", header.cron),
            ("lane", header.lane),
            ("tags", header.tags),
            ("by", header.by),
        ] {
            if let Some(value) = value {
                self.named.insert(name.to_owned(), value.into_bytes());
            }
        }
    }

    /// Its header says that it has a record.
    pub(crate) fn had_record(&self) -> bool {
        self.had_record
    }

    /// Something has happened to the job since it was enqueued, and was written down.
    pub(crate) fn has_record(&self) -> bool {
        self.recorded
    }

    /// What stands there is no record, or not a whole one.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    fn add(&mut self, name: Value, value: Value) {
        let name = String::from_redis_value(name);
        match (name, Vec::<u8>::from_redis_value(value)) {
            (Ok(name), Ok(value)) => drop(self.named.insert(name, value)),
            _ => self.unreadable += 1,
        }
    }
}

impl FromRedisValue for Fields {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let mut fields = Self::default();
        match value {
            Value::Array(flat) => {
                let mut flat = flat.into_iter();
                while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
                    fields.add(name, value);
                }
            }
            Value::Map(pairs) => {
                for (name, value) in pairs {
                    fields.add(name, value);
                }
            }
            _ => {}
        }
        Ok(fields)
    }
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Int(_) => "a number",
        Value::BulkString(_) | Value::SimpleString(_) => "a string",
        _ => "something else",
    }
}
