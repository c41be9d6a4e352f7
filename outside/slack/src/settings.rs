//! `providers.slack.*`.

use std::time::Duration;

use longshore_integration::Sections;
use longshore_integration::settings::{
    Calls, Key, Reader, SOME_TIME, SecretRef, Settings, base_url, secret,
};
use longshore_provider::Origin;

pub(crate) const TOKEN: &str = "providers.slack.token";
pub(crate) const SIGNING_SECRET: &str = "providers.slack.signing_secret";

const KEYS: &[Key] = &[
    Key::text("providers.slack.base_url").or("https://slack.com"),
    Key::text(TOKEN).secret(),
    Key::text(SIGNING_SECRET).secret(),
    Key::toml("providers.slack.timeout_seconds").or("10"),
    // Slack takes one message a second per channel, and short bursts.
    Key::toml("providers.slack.rate_per_second").or("1"),
    Key::toml("providers.slack.rate.count"),
    Key::toml("providers.slack.rate.per_seconds"),
    Key::toml("providers.slack.breaker.failures").or("5"),
    Key::toml("providers.slack.breaker.window_seconds"),
    Key::toml("providers.slack.breaker.open_seconds").or("30"),
];

/// How Slack is called.
pub(crate) struct SlackSettings {
    pub(crate) base_url: Origin,
    pub(crate) token: SecretRef,
    pub(crate) signing_secret: Option<SecretRef>,
    pub(crate) timeout: Duration,
    pub(crate) calls: Calls,
}

pub(crate) const SETTINGS: Settings = Settings {
    keys: &[KEYS],
    read: |reader, sections| {
        if let Some(slack) = read(reader) {
            sections.insert(slack);
        }
    },
    check: |_, _| {},
    secrets: |sections: &Sections| {
        let Some(slack) = sections.get::<SlackSettings>() else {
            return Vec::new();
        };
        let signing_secret = slack.signing_secret.iter();
        let mut secrets = vec![(TOKEN, &slack.token)];
        secrets.extend(signing_secret.map(|secret| (SIGNING_SECRET, secret)));
        secrets
    },
};

/// `None` without a token: then Slack is off. What is wrong with the rest is found all the same.
fn read(reader: &mut Reader<'_>) -> Option<SlackSettings> {
    let base_url = base_url::read(reader, "providers.slack.base_url");
    let timeout = reader.seconds("providers.slack.timeout_seconds", SOME_TIME);
    let calls = Calls::read(reader, "slack");
    let signing_secret = secret::read(reader, SIGNING_SECRET, "Slack's events are not taken");
    let token = secret::read(reader, TOKEN, "Slack is off");
    Some(SlackSettings {
        base_url: base_url?,
        token: token?,
        signing_secret,
        timeout: timeout?,
        calls: calls?,
    })
}
