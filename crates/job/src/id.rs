//! Job ids: ULIDs, made by the producer, so that an enqueue whose answer was lost can be repeated.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// The id of one job: a ULID in its canonical form, 26 upper-case characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(Ulid);

impl JobId {
    /// Makes a new id from the present time and 80 random bits.
    ///
    /// # Panics
    /// When the system gives no random bits.
    #[must_use]
    pub fn generate() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let ms = now.unwrap_or_default().as_millis();
        // Asked of the system, not of a generator here: that would bring producers four crates more.
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the system gives random bits");
        Self(Ulid::from_parts(
            u64::try_from(ms).unwrap_or(u64::MAX),
            u128::from_ne_bytes(random),
        ))
    }

    /// The id of this time, in ms since the epoch, and these 80 bits: the same for the same.
    #[must_use]
    pub fn from_parts(at_ms: u64, bits: u128) -> Self {
        Self(Ulid::from_parts(at_ms, bits))
    }

    /// Its 128 bits.
    #[cfg(feature = "trace")]
    pub(crate) fn bits(self) -> u128 {
        self.0.into()
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn round_trips_through_text() {
        let id = JobId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ids_have_their_time_and_differ() {
        let now = || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.expect("after 1970").as_millis()
        };
        let before = now();
        let ids: BTreeSet<_> = (0..1000).map(|_| JobId::generate()).collect();
        let after = now();
        assert_eq!(ids.len(), 1000);
        for id in &ids {
            assert!((before..=after).contains(&id.timestamp_ms().into()), "{id}");
        }
        // Each of the 80 bits is now one and now zero.
        let random = |id: &JobId| id.0.random();
        let ones = ids.iter().map(random).fold(0, |seen, bits| seen | bits);
        let zeros = ids.iter().map(random).fold(0, |seen, bits| seen | !bits);
        let all = (1_u128 << 80) - 1;
        assert_eq!((ones, zeros & all), (all, all));
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
