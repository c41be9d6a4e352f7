//! `events.*` and `providers.events.*`.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_integration::settings::{
    Calls, KeyPath, Reader, SecretRef, calls, secret, secrets, text_by, toml_by,
};
use longshore_integration::{Sections, section};
use longshore_job::NoticeFilter;
use longshore_provider::Origin;

/// The ends of jobs that can be told.
const ENDS: [&str; 3] = ["completed", "dead", "cancelled"];

/// How far the messages of our providers come, as they say it: mails at SendGrid, texts at Twilio. Another integration may have
/// other words.
const DELIVERIES: [&str; 19] = [
    "processed",
    "deferred",
    "delivered",
    "bounced",
    "blocked",
    "dropped",
    "unsubscribe",
    "group_unsubscribe",
    "spamreport",
    "accepted",
    "scheduled",
    "queued",
    "sending",
    "sent",
    "undelivered",
    "failed",
    "canceled",
    "partially_delivered",
    "read",
];

section! {
    /// The application is told what became of its jobs: signed requests as Standard Webhooks has them (docs/hearing-back.md).
    pub struct EventsKeys in "events" {
        /// Where events are posted: scheme, host, port and path. https, or http for loopback.
        pub url: EventsUrl = "url" as URL, text_by(url).example("https://shop.example.com/longshore/events");
        /// What requests are signed with: `whsec_` and the base64 of 24 to 64 bytes. The application has the same.
        pub secret: SecretRef = "secret" as SECRET,
            secret("the application is told nothing").example("env:EVENTS_SECRET");
        /// Earlier secrets. Requests are signed with each of them, too, while receivers change to the new one.
        pub old_secrets: Vec<SecretRef> = "old_secrets" as OLD_SECRETS,
            secrets().example(r#"["env:EVENTS_OLD_SECRET"]"#);
        /// What is told: `completed`, `dead` and `cancelled` of jobs; of messages the provider's word for how far they have come, such as
        /// `delivered` and `bounced`.
        pub on: BTreeSet<String> = "on" as ON, toml_by(on).or(r#"["dead"]"#);
        /// The kinds of the jobs that it is told of. Without it, all.
        pub kinds: Option<BTreeSet<String>> = "kinds" as KINDS,
            toml_by(kinds).optional().example(r#"["send_email"]"#);
    }
}

section! {
    /// The endpoint that events are posted to.
    pub struct EventsCalls in "providers.events" {
        /// How it is called.
        pub calls: Calls = "", calls("10", "100");
    }
}

/// Where events are posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsUrl {
    /// Scheme, host and port.
    pub origin: Origin,
    /// The path there.
    pub path: String,
}

/// All that is configured, while it is on.
#[derive(Debug, Clone)]
pub struct EventsSettings {
    /// The keys at `events`.
    pub keys: EventsKeys,
    /// Where events are posted.
    pub origin: Origin,
    /// The path there.
    pub path: String,
    /// How the endpoint is called.
    pub calls: Calls,
    /// What the application is told.
    pub wanted: Arc<NoticeFilter>,
}

/// Events are off while there is no URL or no secret. One without the other is a finding.
pub(super) fn complete(reader: &mut Reader<'_>, sections: &mut Sections) {
    const URL: &str = EventsKeys::URL;
    const SECRET: &str = EventsKeys::SECRET;
    match (reader.is_set(URL), reader.is_set(SECRET)) {
        (true, false) => {
            let cure =
                "make one, and give it to the application: echo whsec_$(openssl rand -base64 32)";
            reader.missing(SECRET, format!("is not set, and {URL} is"), cure);
        }
        (false, true) => {
            let cure = "set where the application takes events, such as https://shop.example.com/longshore/events";
            reader.missing(URL, format!("is not set, and {SECRET} is"), cure);
        }
        _ => {}
    }
    let (Some(keys), Some(calls)) = (
        sections.get::<EventsKeys>().cloned(),
        sections.get::<EventsCalls>().cloned(),
    ) else {
        return;
    };
    sections.insert(EventsSettings {
        origin: keys.url.origin.clone(),
        path: keys.url.path.clone(),
        calls: calls.calls,
        wanted: Arc::new(NoticeFilter {
            on: keys.on.clone(),
            kinds: keys.kinds.clone(),
        }),
        keys,
    });
}

fn url(reader: &mut Reader<'_>, path: &KeyPath) -> Option<EventsUrl> {
    let text = reader.text(path)?;
    let cure = "write scheme, host, port and path, such as https://shop.example.com/longshore/events; https, or http for loopback";
    // Says what is wrong without quoting the text, which may have credentials in it.
    let place = text.find("://").map_or(0, |scheme| scheme + 3);
    let slash = text[place..]
        .find('/')
        .map_or(text.len(), |slash| place + slash);
    let (origin, rest) = text.split_at(slash);
    let origin = match origin.parse::<Origin>() {
        Ok(origin) => origin,
        Err(error) => {
            reader.error(
                path,
                format!("is not a URL that events can go to, {error}"),
                cure,
            );
            return None;
        }
    };
    if rest.contains(['?', '#']) || !rest.bytes().all(|b| b.is_ascii_graphic()) {
        let problem = "has more than scheme, host, port and path";
        reader.error(path, problem, cure);
        return None;
    }
    if reader.is_configured(path) && reader.is_profile("production") && origin.is_plain() {
        let cure = "use https: production tells nobody in the clear";
        reader.error(path, "is plain http", cure);
        return None;
    }
    let path = if rest.is_empty() { "/" } else { rest };
    Some(EventsUrl {
        origin,
        path: path.to_owned(),
    })
}

fn on(reader: &mut Reader<'_>, path: &KeyPath) -> Option<BTreeSet<String>> {
    let words = reader.text_list(path)?;
    if words.is_empty() {
        let cure = format!("name what is told: {}", ENDS.join(", "));
        reader.error(path, "is empty, so nothing would be told", cure);
        return None;
    }
    let known = |word: &str| ENDS.contains(&word) || DELIVERIES.contains(&word);
    let unknown: Vec<_> = words.iter().filter(|word| !known(word)).cloned().collect();
    if !unknown.is_empty() {
        let problem = format!("has {}, which no provider of ours says", unknown.join(", "));
        let cure = format!("use some of {}; {}", ENDS.join(", "), DELIVERIES.join(", "));
        let is_word = |word: &String| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if !unknown.iter().all(is_word) {
            reader.error(path, problem, cure);
            return None;
        }
        // Another integration's provider may say it.
        reader.warn(path, problem, cure);
    }
    Some(words.into_iter().collect())
}

fn kinds(reader: &mut Reader<'_>, path: &KeyPath) -> Option<BTreeSet<String>> {
    let kinds = reader.text_list(path)?;
    if kinds.is_empty() {
        let cure = "name kinds, or leave it out for all";
        reader.error(path, "is empty, so nothing would be told", cure);
        return None;
    }
    Some(kinds.into_iter().collect())
}
