//! Dead letters whose outcome is unknown, and of which the provider has told later how their messages ended.

use longshore_queue::LetterDeliveries;
use serde::Serialize;

use crate::time::grouped;

/// What the provider has said of the messages of a group's newest letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeliveriesRow {
    /// How many letters were looked at: the newest 200 at the most.
    pub looked: u64,
    /// How many of them reached their recipient. A replay may send them a second time.
    pub delivered: u64,
    /// How many the provider took on, and they did not reach their recipient.
    pub failed: u64,
    /// How many the provider took on, and has not said how they ended.
    pub accepted: u64,
}

impl From<LetterDeliveries> for DeliveriesRow {
    fn from(found: LetterDeliveries) -> Self {
        Self {
            looked: found.looked,
            delivered: found.delivered,
            failed: found.failed,
            accepted: found.accepted,
        }
    }
}

impl DeliveriesRow {
    /// How many were delivered, in words: `all 20 were delivered`; `None` where none was.
    #[must_use]
    pub fn words(&self, letters: u64) -> Option<String> {
        let (delivered, looked) = (grouped(self.delivered), grouped(self.looked));
        Some(match (self.delivered, self.looked == letters) {
            (0, _) => return None,
            (1, true) if letters == 1 => "it was delivered".to_owned(),
            (n, true) if n == letters => format!("all {delivered} were delivered"),
            (_, true) => format!("{delivered} of {looked} were delivered"),
            (_, false) => format!("{delivered} of the newest {looked} were delivered"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_were_delivered_is_said_of_those_that_were_looked_at() {
        let row = |delivered, looked| DeliveriesRow {
            looked,
            delivered,
            ..DeliveriesRow::default()
        };
        for (row, letters, words) in [
            (row(0, 20), 20, None),
            (row(1, 1), 1, Some("it was delivered")),
            (row(20, 20), 20, Some("all 20 were delivered")),
            (row(7, 20), 20, Some("7 of 20 were delivered")),
            (
                row(198, 200),
                40_000,
                Some("198 of the newest 200 were delivered"),
            ),
        ] {
            assert_eq!(row.words(letters).as_deref(), words);
        }
    }
}
