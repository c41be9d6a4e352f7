//! `slack_post_message`: what producers write.

use longshore_job::{InvalidArgs, Job};
use serde::{Deserialize, Serialize};

/// Posts one message to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostMessage {
    /// The channel, `#general` or its id.
    pub channel: String,
    /// The text: 1 to 4,000 characters.
    pub text: String,
}

impl Job for PostMessage {
    const KIND: &'static str = "slack_post_message";
    const QUEUE: &'static str = "slack";
    // The text may be about anybody, so operators see it only when they ask for it, and are noted.
    const PUBLIC_ARGS: &'static [&'static str] = &["channel"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &["ts"];

    fn check(&self) -> Result<(), InvalidArgs> {
        if !(1..=80).contains(&self.channel.chars().count()) {
            return Err(InvalidArgs::field(
                "channel",
                "must have 1 to 80 characters",
            ));
        }
        if !(1..=4000).contains(&self.text.chars().count()) {
            return Err(InvalidArgs::field(
                "text",
                "must have 1 to 4,000 characters",
            ));
        }
        Ok(())
    }
}
