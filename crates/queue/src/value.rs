//! Reading scripts' answers.

use redis::{FromRedisValue, Value};

use crate::{QueueError, RawId};

/// A script's answer, taken apart from the front.
pub(crate) struct Answer(std::vec::IntoIter<Value>);

impl Answer {
    pub(crate) fn new(value: Value) -> Result<Self, QueueError> {
        match value {
            Value::Array(values) => Ok(Self(values.into_iter())),
            other => Err(QueueError::unexpected(format!(
                "not an array: {}",
                name(&other)
            ))),
        }
    }

    pub(crate) fn next<T: FromRedisValue>(&mut self) -> Result<T, QueueError> {
        let value = self
            .0
            .next()
            .ok_or_else(|| QueueError::unexpected("too short"))?;
        read(value)
    }

    pub(crate) fn list(&mut self) -> Result<Self, QueueError> {
        Self::new(
            self.0
                .next()
                .ok_or_else(|| QueueError::unexpected("too short"))?,
        )
    }

    /// A payload, or its size where it was too large to be read.
    pub(crate) fn payload(&mut self) -> Result<(Option<Vec<u8>>, Option<u64>), QueueError> {
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
        let text: Option<String> = self.next()?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

pub(crate) fn read<T: FromRedisValue>(value: Value) -> Result<T, QueueError> {
    T::from_redis_value(value).map_err(|error| QueueError::unexpected(error.to_string()))
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Int(_) => "a number",
        Value::BulkString(_) | Value::SimpleString(_) => "a string",
        _ => "something else",
    }
}
