//! What providers have said of the messages of dead letters.

use redis::Value;

use super::DeliveryResult;
use crate::value::Reply;
use crate::{Queue, QueueError, script};

/// How many letters of a group are looked at: its newest ones. It takes Redis about a millisecond.
const LOOKED_AT: usize = 200;

/// What is known of the messages of a group's newest letters, at most 200.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LetterDeliveries {
    /// How many letters were looked at.
    pub looked: u64,
    /// How many of them reached their recipient.
    pub delivered: u64,
    /// How many the provider took on, and they did not reach their recipient.
    pub failed: u64,
    /// How many the provider took on, and has not said how they ended.
    pub accepted: u64,
}

impl LetterDeliveries {
    /// Counts so many.
    pub fn add(&mut self, result: DeliveryResult, letters: u64) {
        match result {
            DeliveryResult::Delivered => self.delivered += letters,
            DeliveryResult::Failed => self.failed += letters,
            DeliveryResult::Accepted => self.accepted += letters,
            DeliveryResult::Unknown => {}
        }
    }

    /// Of how many the provider has said something.
    #[must_use]
    pub fn known(&self) -> u64 {
        self.delivered + self.failed + self.accepted
    }
}

impl Queue {
    /// What the provider has said of the messages of a group's newest letters, at most 200.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn letter_deliveries(&self, group: &str) -> Result<LetterDeliveries, QueueError> {
        let k = &self.keys;
        let value: Value = script::DEAD_DELIVERIES
            .on(&[&k.letters, &k.records, &k.deliveries])
            .arg(group)
            .arg(LOOKED_AT)
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let mut found = LetterDeliveries {
            looked: answer.next()?,
            ..LetterDeliveries::default()
        };
        while !answer.is_empty() {
            let state = answer.shown()?;
            let state = Some(state.as_str()).filter(|state| !state.is_empty());
            found.add(DeliveryResult::of_state(state), answer.next()?);
        }
        Ok(found)
    }
}
