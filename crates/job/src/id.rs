//! Job ids: ULIDs, made by the producer, so that an enqueue whose answer was lost can be repeated.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// The id of one job: a ULID in its canonical form, 26 upper-case characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(Ulid);

impl JobId {
    /// Makes a new id from the present time and 80 random bits.
    #[must_use]
    pub fn generate() -> Self {
        Self(Ulid::generate())
    }

    /// When the id was made, in milliseconds since the Unix epoch by the producer's clock.
    #[must_use]
    pub fn timestamp_ms(self) -> u64 {
        self.0.timestamp_ms()
    }
}

/// A text that is not a job id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a job id: a job id is a ULID, 26 upper-case characters such as 01JD2Z5V9GQ8X0T6M3K7W4R1YB"
)]
pub struct InvalidId(pub String);

impl FromStr for JobId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId(text.chars().take(64).collect());
        let id = Self(Ulid::from_string(text).map_err(|_| invalid())?);
        // Redis keys are compared byte by byte: another spelling of the same ULID would be another job.
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(invalid())
        }
    }
}

impl TryFrom<String> for JobId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_through_text() {
        let id = JobId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn other_spellings_are_refused() {
        let id = JobId::generate().to_string();
        for text in [
            id.to_lowercase().as_str(),
            &id[1..],
            &format!("{id}0"),
            "",
            "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", // more than 128 bits
            "01JD2Z5V9GQ8X0T6M3K7W4R1YU", // U is not in the alphabet
        ] {
            assert!(text.parse::<JobId>().is_err(), "{text:?} was accepted");
        }
    }
}
