//! Groups of dead letters: what those of one group have in common, and when the group grew.

use longshore_job::Cause;
use serde::{Deserialize, Serialize};

/// A group's counts are by the hour, for so many hours.
const HOURS: usize = 24;

const HOUR_MS: u64 = 3_600_000;
const TEN_MINUTES_MS: u64 = 600_000;

/// What the dead letters of one group have in common, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) kind: Option<String>,
    #[serde(flatten)]
    pub(crate) cause: Cause,
}

/// When a group of dead letters grew, and since which version of a worker there is such a cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// When it got its last letter, in ms since the epoch. That letter may have been replayed or discarded since.
    pub at_ms: u64,
    /// The version of the worker that made its first letter; `None` where it did not say.
    pub version: Option<String>,
    /// How many letters it got in the last hour, to ten minutes.
    pub last_hour: u64,
    /// How many letters it got in each of the last 24 hours of the clock, in UTC, the oldest first; the last one is not over.
    pub hours: [u64; HOURS],
}

impl Growth {
    /// How many letters it got in these 24 hours.
    #[must_use]
    pub fn last_day(&self) -> u64 {
        self.hours.iter().sum()
    }

    /// Reads `<version> <grew> <counts>`.
    fn read(text: &str, now_ms: u64) -> Option<Self> {
        let mut words = text.split(' ');
        let (version, at, counts) = (words.next()?, words.next()?, words.next()?);
        let mut growth = Self {
            at_ms: at.parse().ok()?,
            version: Some(version.to_owned()).filter(|version| version != "-"),
            last_hour: 0,
            hours: [0; HOURS],
        };
        for count in counts.split(',') {
            let Some((bucket, letters)) = count.split_once(':') else {
                continue;
            };
            let Ok(letters) = letters.parse::<u64>() else {
                continue;
            };
            let ago = |of: &str, length: u64| (now_ms / length).checked_sub(of.parse().ok()?);
            if let Some(of) = bucket.strip_prefix('h') {
                let place = ago(of, HOUR_MS).and_then(|ago| HOURS.checked_sub(ago as usize + 1));
                if let Some(place) = place {
                    growth.hours[place] = letters;
                }
            } else if let Some(of) = bucket.strip_prefix('m')
                && ago(of, TEN_MINUTES_MS).is_some_and(|ago| ago < 6)
            {
                growth.last_hour += letters;
            }
        }
        Some(growth)
    }
}

impl Group {
    /// 12 hex digits of a hash over what the letters have in common.
    pub(crate) fn id(&self) -> String {
        let mut sha = sha1_smol::Sha1::new();
        let parts = [
            self.kind.as_deref(),
            self.cause.provider.as_deref(),
            Some(self.cause.class.as_str()),
            self.cause.code.as_deref(),
        ];
        for part in parts {
            sha.update(part.unwrap_or("").as_bytes());
            sha.update(b"\0");
        }
        sha.digest().to_string()[..12].to_owned()
    }

    /// As scripts take it: the version of the worker, and this.
    pub(crate) fn described(&self, version: &str) -> String {
        let version = if version.is_empty() { "-" } else { version };
        let common = serde_json::to_string(self).unwrap_or_default();
        format!("{version} {common}")
    }

    /// Reads what stands of it in Redis (`lua/part/growth.lua`).
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let (_, common) = parted(value)?;
        serde_json::from_slice(common).ok()
    }

    /// When it grew; `None` where that cannot be read.
    pub(crate) fn growth(value: &[u8], now_ms: u64) -> Option<Growth> {
        let (growth, _) = parted(value)?;
        Growth::read(std::str::from_utf8(growth).ok()?, now_ms)
    }
}

/// What is told of the growth, and what the letters have in common, which is JSON.
fn parted(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let begins = value.iter().position(|byte| *byte == b'{')?;
    Some(value.split_at(begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_of_the_last_hour_and_of_the_last_day() {
        let hour = 500_000;
        let now_ms = hour * HOUR_MS + 65 * 60_000;
        let minutes = now_ms / TEN_MINUTES_MS;
        let text = format!(
            "0.2.0 7 m{}:1,m{}:2,m{}:64,h{}:4,h{}:8,h{}:16,h{}:32,x,h:1,h1:x",
            minutes,
            minutes - 5,
            minutes - 6,
            hour + 1,
            hour,
            hour - 22,
            hour - 23,
        );
        let growth = Growth::read(&text, now_ms).expect("is read");
        assert_eq!((growth.at_ms, growth.last_hour), (7, 3));
        assert_eq!(growth.version.as_deref(), Some("0.2.0"));
        assert_eq!(
            (growth.hours[23], growth.hours[22], growth.hours[0]),
            (4, 8, 16)
        );
        assert_eq!(growth.last_day(), 28);
    }

    #[test]
    fn what_somebody_else_wrote_is_no_group() {
        for value in ["", "x", "0.2.0 7 m1:1 ", "{}", "0.2.0 7 m1:1 {\"kind\":1}"] {
            assert_eq!(Group::read(value.as_bytes()), None, "{value}");
        }
    }
}
