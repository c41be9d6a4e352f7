//! `providers.postmark.*`.

use std::net::IpAddr;
use std::time::Duration;

use longshore_integration::settings::{Calls, Key, Reader, SOME_TIME, SecretRef, base_url, secret};
use longshore_provider::Origin;
use secrecy::ExposeSecret;

pub(super) const SERVER_TOKEN: &str = "providers.postmark.server_token";
const MESSAGE_STREAM: &str = "providers.postmark.message_stream";
const TRANSPORT: &str = "providers.postmark.transport";
const SMTP_HOST: &str = "providers.postmark.smtp_host";
const SMTP_PORT: &str = "providers.postmark.smtp_port";

/// A token that Postmark takes, checks mails for, and delivers none.
const TEST_TOKEN: &str = "POSTMARK_API_TEST";

pub(super) const KEYS: &[Key] = &[
    Key::text("providers.postmark.base_url").or("https://api.postmarkapp.com"),
    Key::text(SERVER_TOKEN).secret(),
    Key::text(MESSAGE_STREAM).or("outbound"),
    Key::text(TRANSPORT).or("rest"),
    Key::text(SMTP_HOST).or("smtp.postmarkapp.com"),
    Key::toml(SMTP_PORT).or("587"),
    // Five seconds less than a run may take, so that a call ends before its run does.
    Key::toml("providers.postmark.timeout_seconds").or("25"),
    // Postmark states no rate. As many as SendGrid, whose place it takes.
    Key::toml("providers.postmark.rate_per_second").or("100"),
    Key::toml("providers.postmark.rate.count"),
    Key::toml("providers.postmark.rate.per_seconds"),
    Key::toml("providers.postmark.breaker.failures").or("5"),
    Key::toml("providers.postmark.breaker.window_seconds"),
    Key::toml("providers.postmark.breaker.open_seconds").or("30"),
];

/// How Postmark is called.
#[derive(Debug, Clone)]
pub struct PostmarkSettings {
    /// Where its REST API is.
    pub base_url: Origin,
    /// The token of one of its servers.
    pub server_token: SecretRef,
    /// The message stream that mails go out on.
    pub message_stream: String,
    /// Which way it is called.
    pub transport: PostmarkTransport,
    /// How long one call may take.
    pub timeout: Duration,
    /// How often it is called, and when it is left alone.
    pub calls: Calls,
}

/// Which way Postmark is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostmarkTransport {
    /// By its REST API, with its templates.
    Rest,
    /// By SMTP, with templates of our own.
    Smtp {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl PostmarkSettings {
    /// Whether its SMTP server is on this machine, so that nothing has to be encrypted on the way.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match &self.transport {
            PostmarkTransport::Rest => false,
            PostmarkTransport::Smtp { host, .. } => {
                host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }
}

/// Whether a token is configured, right or wrong.
pub(super) fn is_on(reader: &Reader<'_>) -> bool {
    reader.is_set(SERVER_TOKEN)
}

/// `None` without a token, too: then Postmark is off, and what is wrong with the rest is a finding all the same.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<PostmarkSettings> {
    let base_url = base_url::read(reader, "providers.postmark.base_url");
    let timeout = reader.seconds("providers.postmark.timeout_seconds", SOME_TIME);
    let server_token = secret::read(reader, SERVER_TOKEN, "Postmark is off");
    let test = |token: &SecretRef| token.expose_secret() == TEST_TOKEN;
    if reader.is_profile("production") && server_token.as_ref().is_some_and(test) {
        let problem = "is Postmark's test token in production, where no mail would be delivered";
        reader.error(SERVER_TOKEN, problem, "set the token of a server");
    }
    let calls = Calls::read(reader, "postmark");
    let message_stream = message_stream(reader);
    let transport = transport(reader);
    Some(PostmarkSettings {
        base_url: base_url?,
        server_token: server_token?,
        message_stream: message_stream?,
        transport: transport?,
        timeout: timeout?,
        calls: calls?,
    })
}

fn message_stream(reader: &mut Reader<'_>) -> Option<String> {
    let id = reader.text(MESSAGE_STREAM)?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if id.is_empty() || !id.bytes().all(fits) {
        let cure = "write the stream's id, such as outbound: letters, digits, - and _";
        reader.error(MESSAGE_STREAM, "is not the id of a message stream", cure);
        return None;
    }
    Some(id)
}

fn transport(reader: &mut Reader<'_>) -> Option<PostmarkTransport> {
    let host = reader.text(SMTP_HOST).filter(|host| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':');
        let fits = !host.is_empty() && host.bytes().all(fits) && is_host(host);
        if !fits {
            let cure = "write a name such as smtp.postmarkapp.com, without scheme and port";
            reader.error(SMTP_HOST, "is not a host", cure);
        }
        fits
    });
    let port = reader.whole(SMTP_PORT, 1..=u32::from(u16::MAX));
    match reader.text(TRANSPORT)?.as_str() {
        "rest" => Some(PostmarkTransport::Rest),
        "smtp" => Some(PostmarkTransport::Smtp {
            host: host?,
            port: u16::try_from(port?).ok()?,
        }),
        other => {
            let problem = format!("is `{other}`");
            reader.error(TRANSPORT, problem, "use rest or smtp");
            None
        }
    }
}

/// A colon is for IPv6 addresses alone.
fn is_host(text: &str) -> bool {
    !text.contains(':') || text.parse::<IpAddr>().is_ok()
}
