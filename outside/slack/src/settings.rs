//! `providers.slack.*`.

use longshore_integration::section;
use longshore_integration::settings::{Calls, SecretRef, calls, origin, secret};
use longshore_provider::Origin;

section! {
    /// Slack, which messages are posted to.
    pub(crate) struct SlackSettings in "providers.slack" {
        /// Scheme, host and port only. https, or http for loopback.
        pub(crate) base_url: Origin = "base_url", origin().or("https://slack.com");
        /// The token of the app's bot.
        pub(crate) token: SecretRef = "token" as TOKEN,
            secret("Slack is off").example("env:SLACK_TOKEN");
        /// What its events are signed with. Without it they are not taken.
        pub(crate) signing_secret: Option<SecretRef> = "signing_secret" as SIGNING_SECRET,
            secret("Slack's events are not taken").optional().example("env:SLACK_SIGNING_SECRET");
        /// How it is called: 10 s for a call, and one a second.
        pub(crate) calls: Calls = "", calls("10", "1")
            .because("rate_per_second", "Slack takes one message a second per channel, and short bursts.");
    }
}
