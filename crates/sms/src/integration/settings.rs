//! `providers.twilio.*`.

use std::collections::BTreeMap;

use longshore_integration::settings::{
    Calls, KeyPath, Reader, SecretRef, Section, SectionEntry, SectionSecrets, calls, group, origin,
    secret, secrets, text_by,
};
use longshore_integration::{Sections, section};
use longshore_job::Job;
use longshore_provider::Origin;

use crate::SendSms;

section! {
    /// Twilio, which text messages are sent by.
    pub struct TwilioKeys in "providers.twilio" {
        /// Scheme, host and port only. https, or http for loopback.
        pub base_url: Origin = "base_url", origin().or("https://api.twilio.com");
        /// The account's id. It stands in every URL.
        pub account_sid: String = "account_sid" as ACCOUNT_SID,
            text_by(account_sid).example("AC0123456789abcdef0123456789abcdef");
        /// The account's auth token. Calls are made with the API key if there is one, else with this. Status callbacks are
        /// signed with it whatever calls are made with, so without it none are asked for.
        pub auth_token: Option<SecretRef> = "auth_token" as AUTH_TOKEN,
            secret("SMS is off unless an API key is set").optional().example("env:TWILIO_AUTH_TOKEN");
        /// The id of an API key. A key can be revoked without changing the account's token.
        pub api_key_sid: Option<String> = "api_key_sid" as API_KEY_SID,
            text_by(api_key_sid).optional().example("SK0123456789abcdef0123456789abcdef");
        /// The secret of the API key.
        pub api_key_secret: Option<SecretRef> = "api_key_secret" as API_KEY_SECRET,
            secret("the API key is of no use").optional().example("env:TWILIO_API_KEY_SECRET");
        /// The secrets of shared keys, if status callbacks are signed with those (HMAC-SHA256) instead.
        pub shared_keys: Vec<SecretRef> = "webhook_shared_keys" as SHARED_KEYS,
            secrets().example(r#"["env:TWILIO_SHARED_KEY"]"#);
        /// Who messages are from: a number, a short code or a name of at most 11 characters. Set this or the messaging service.
        pub from: Option<String> = "from" as FROM, text_by(from).optional().example("+4780000000");
        /// A messaging service, which picks the number.
        pub messaging_service_sid: Option<String> = "messaging_service_sid" as SERVICE,
            text_by(service_sid).optional().example("MG0123456789abcdef0123456789abcdef");
        /// Other senders by name, for jobs that name one (`from`): of each a number or the like, or a messaging service.
        pub senders: TwilioSenders = "senders" as SENDERS, group::<TwilioSenders>();
        /// How it is called.
        pub calls: Calls = "", calls("10", "100")
            .because(
                "timeout_seconds",
                "Two calls and more fit into the time that a run may take: one to ask what became of a message, one to send it.",
            )
            .because(
                "rate_per_second",
                "Twilio states no rate; it queues what a number cannot send yet, and answers 429 to too many calls at once.",
            );
    }
}

/// Senders by the names that jobs use.
#[derive(Debug, Clone, Default)]
pub struct TwilioSenders(pub BTreeMap<String, TwilioSender>);

/// The names are the configuration's own.
impl Section for TwilioSenders {
    const AT: &'static str = "";
    const DOC: &'static [&'static str] = &[];
    const ENTRIES: &'static [SectionEntry] = &[
        text_by(from).optional().example("+4780000001").entry(
            "<name>.from",
            &["A number, a short code or a name of at most 11 characters, by the name that jobs use."],
        ),
        text_by(service_sid)
            .optional()
            .example("MG0123456789abcdef0123456789abcdef")
            .entry("<name>.messaging_service_sid", &["Or a messaging service."]),
    ];

    fn read(reader: &mut Reader<'_>, at: &KeyPath) -> Option<Self> {
        let senders: Vec<_> = reader
            .names(at)
            .into_iter()
            .map(|name| {
                let path = at.join(&name);
                let named = SendSms::new("+4790000000", "a").from(&name);
                if named.check().is_err() {
                    let cure = "use 1 to 64 characters of a-z, 0-9, _ and -";
                    reader.error(&path, "is not a name that a job can use", cure);
                    return None;
                }
                let (number, service) = (path.join("from"), path.join("messaging_service_sid"));
                let sender = match (reader.is_set(&number), reader.is_set(&service)) {
                    (true, false) => TwilioSender::From(from(reader, &number)?),
                    (false, true) => TwilioSender::MessagingService(service_sid(reader, &service)?),
                    (both, _) => {
                        let problem = match both {
                            true => "has both from and messaging_service_sid",
                            false => "has neither from nor messaging_service_sid",
                        };
                        reader.error(&path, problem, "set one of them");
                        return None;
                    }
                };
                Some((name, sender))
            })
            .collect();
        senders.into_iter().collect::<Option<_>>().map(Self)
    }

    fn secrets<'a>(&'a self, _: &KeyPath, _: &mut SectionSecrets<'a>) {}
}

/// How Twilio is called.
#[derive(Debug, Clone)]
pub struct TwilioSettings {
    /// All that is configured of it.
    pub keys: TwilioKeys,
    /// What calls are made with.
    pub credentials: TwilioCredentials,
    /// Who messages are from.
    pub sender: TwilioSender,
}

/// What calls are made with.
#[derive(Debug, Clone)]
pub enum TwilioCredentials {
    /// The account's auth token.
    AuthToken(SecretRef),
    /// An API key, which can be revoked by itself.
    ApiKey {
        /// Its id, `SK…`.
        sid: String,
        /// Its secret.
        secret: SecretRef,
    },
}

/// Who messages are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TwilioSender {
    /// A number in E.164, a short code, or a name of at most 11 characters.
    From(String),
    /// A messaging service, `MG…`, which picks the number.
    MessagingService(String),
}

/// Twilio is off while no credentials are set. What is wrong with the rest is a finding all the same.
pub(super) fn complete(reader: &mut Reader<'_>, sections: &mut Sections) {
    whether_whole(reader);
    let keys = sections.get::<TwilioKeys>().cloned();
    let settings = keys.and_then(|keys| {
        let credentials = match (&keys.api_key_sid, &keys.api_key_secret, &keys.auth_token) {
            (Some(sid), Some(secret), _) => TwilioCredentials::ApiKey {
                sid: sid.clone(),
                secret: secret.clone(),
            },
            (_, _, Some(token)) => TwilioCredentials::AuthToken(token.clone()),
            _ => return None,
        };
        let sender = match (&keys.from, &keys.messaging_service_sid) {
            (Some(from), None) => TwilioSender::From(from.clone()),
            (None, Some(sid)) => TwilioSender::MessagingService(sid.clone()),
            _ => return None,
        };
        Some(TwilioSettings {
            keys,
            credentials,
            sender,
        })
    });
    match settings {
        Some(settings) => sections.insert(settings),
        None => sections.remove::<TwilioKeys>(),
    }
}

/// Finds what is set without what it takes, or beside what it does not go together with.
fn whether_whole(reader: &mut Reader<'_>) {
    const FROM: &str = TwilioKeys::FROM;
    const SERVICE: &str = TwilioKeys::SERVICE;
    let key = [TwilioKeys::API_KEY_SID, TwilioKeys::API_KEY_SECRET];
    let of_key = key.map(|key| reader.is_set(key));
    let on = reader.is_set(TwilioKeys::AUTH_TOKEN) || of_key.contains(&true);
    if on {
        let cure = "set the account's id, AC…: it stands in every URL";
        needs(reader, TwilioKeys::ACCOUNT_SID, cure);
        if of_key.contains(&false) && of_key.contains(&true) {
            for key in key {
                needs(
                    reader,
                    key,
                    "an API key is an id, SK…, and a secret: set both",
                );
            }
        }
    }
    match (reader.is_set(FROM), reader.is_set(SERVICE)) {
        (true, true) => {
            let problem = format!("is set beside {SERVICE}");
            let cure = "keep one of them: a messaging service picks the number itself";
            reader.error(FROM, problem, cure);
        }
        (false, false) if on => {
            let problem = format!("is not set, nor is {SERVICE}, and Twilio's credentials are");
            let cure =
                "set one of them: the number that messages are from, or the service that picks it";
            reader.missing(FROM, problem, cure);
        }
        _ => {}
    }
}

fn needs(reader: &mut Reader<'_>, key: &str, cure: &str) {
    if !reader.is_set(key) {
        reader.missing(key, "is not set, and Twilio's credentials are", cure);
    }
}

fn account_sid(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    sid(reader, path, "AC")
}

fn api_key_sid(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    sid(reader, path, "SK")
}

fn service_sid(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    sid(reader, path, "MG")
}

/// An id of Twilio's: two letters that say of what, then letters and digits. It stands in a path.
fn sid(reader: &mut Reader<'_>, path: &KeyPath, prefix: &str) -> Option<String> {
    let sid = reader.text(path).filter(|sid| !sid.is_empty())?;
    let fits = sid.len() <= 64
        && sid.starts_with(prefix)
        && sid.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        let problem = format!("is not an id that begins with {prefix}");
        let cure =
            format!("copy it again from Twilio's console: {prefix} and 32 letters and digits");
        reader.error(path, problem, cure);
        return None;
    }
    Some(sid)
}

fn from(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let from = reader.text(path)?;
    if !is_sender(&from) {
        let problem = "is no sender that Twilio takes";
        let cure = "write a number such as +4780000000, a short code, or a name of at most 11 letters, digits \
                    and blanks";
        reader.error(path, problem, cure);
        return None;
    }
    Some(from)
}

/// A number in E.164, a short code of 3 to 8 digits, or a name: at most 11 letters, digits and blanks, not digits alone.
fn is_sender(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if let Some(number) = text.strip_prefix('+') {
        return (7..=15).contains(&number.len()) && digits(number);
    }
    if digits(text) {
        return (3..=8).contains(&text.len());
    }
    (1..=11).contains(&text.len())
        && text.trim() == text
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
}

/// Twilio signs with the account's auth token, never with an API key.
pub(super) fn can_verify(reader: &mut Reader<'_>, twilio: &TwilioSettings) {
    const PUBLIC_URL: &str = "webhooks.public_url";
    if reader.is_set(PUBLIC_URL) && twilio.keys.auth_token.is_none() {
        let problem =
            "is set, but Twilio's status callbacks could not be verified, so none are asked for";
        let cure = format!(
            "set {}, too: an API key verifies no signature",
            TwilioKeys::AUTH_TOKEN
        );
        reader.warn(PUBLIC_URL, problem, cure);
    }
}
