//! `providers.postmark.*`.

use std::net::IpAddr;

use longshore_integration::section;
use longshore_integration::settings::{
    Calls, KeyPath, Reader, SecretRef, calls, origin, secret, text, text_by, toml_by,
};
use longshore_provider::Origin;
use secrecy::ExposeSecret;

/// A token that Postmark takes, checks mails for, and delivers none.
const TEST_TOKEN: &str = "POSTMARK_API_TEST";

section! {
    /// Postmark, which mails go to while SendGrid's breaker is open: see `email.fallback`.
    pub struct PostmarkSettings in "providers.postmark" {
        /// Where its REST API is. Scheme, host and port only. https, or http for loopback.
        pub base_url: Origin = "base_url", origin().or("https://api.postmarkapp.com");
        /// The token of one of its servers.
        pub server_token: SecretRef = "server_token" as SERVER_TOKEN,
            secret("Postmark is off").checked(delivers).example("env:POSTMARK_SERVER_TOKEN");
        /// The user that its events come with: `https://user:password@…/webhooks/postmark` is the webhook's URL at Postmark.
        pub webhook_user: Option<String> = "webhook_user" as WEBHOOK_USER,
            text().optional().example("postmark");
        /// The password that its events come with. Without user and password its events are not taken.
        pub webhook_password: Option<SecretRef> = "webhook_password" as WEBHOOK_PASSWORD,
            secret("Postmark's events are not taken").optional().example("env:POSTMARK_WEBHOOK_PASSWORD");
        /// The message stream that mails go out on.
        pub message_stream: String = "message_stream", text().or("outbound").checked(is_stream);
        /// "rest", with templates that are kept at Postmark; or "smtp", with templates of our own, for when only SMTP is left:
        /// `<config directory>/templates/<name>.subject.hbs`, and `.html.hbs` or `.text.hbs` or both, in Handlebars.
        pub transport: PostmarkTransport = "transport", text_by(transport).or("rest");
        /// Where it is reached by SMTP.
        pub smtp_host: String = "smtp_host", text().or("smtp.postmarkapp.com").checked(is_host);
        /// 587, 2525 or 25. Nothing is said before the connection is encrypted (STARTTLS), unless the host is this machine.
        pub smtp_port: u16 = "smtp_port", toml_by(port).or("587");
        /// How it is called.
        pub calls: Calls = "", calls("25", "100")
            .because("rate_per_second", "Postmark states no rate. As many as SendGrid, whose place it takes.");
    }
}

/// Which way Postmark is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostmarkTransport {
    /// By its REST API, with its templates.
    Rest,
    /// By SMTP, with templates of our own.
    Smtp,
}

impl PostmarkSettings {
    /// Whether its SMTP server is on this machine, so that nothing has to be encrypted on the way.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = &self.smtp_host;
        self.transport == PostmarkTransport::Smtp
            && (host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()))
    }
}

/// Finds one that is set without the other.
pub(super) fn check_webhook(reader: &mut Reader<'_>) {
    const USER: &str = PostmarkSettings::WEBHOOK_USER;
    const PASSWORD: &str = PostmarkSettings::WEBHOOK_PASSWORD;
    for (there, missing) in [(USER, PASSWORD), (PASSWORD, USER)] {
        if reader.is_set(there) && !reader.is_set(missing) {
            let problem = format!("is not set, and {there} is");
            reader.missing(
                missing,
                problem,
                "set both: Postmark's events come with both",
            );
        }
    }
}

/// Whether a token is configured, right or wrong.
pub(super) fn is_on(reader: &Reader<'_>) -> bool {
    reader.is_set(PostmarkSettings::SERVER_TOKEN)
}

fn delivers(reader: &mut Reader<'_>, path: &KeyPath, token: &SecretRef) {
    if reader.is_profile("production") && token.expose_secret() == TEST_TOKEN {
        let problem = "is Postmark's test token in production, where no mail would be delivered";
        reader.error(path, problem, "set the token of a server");
    }
}

#[expect(
    clippy::ptr_arg,
    reason = "it is given the value as the section has it"
)]
fn is_stream(reader: &mut Reader<'_>, path: &KeyPath, id: &String) {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if id.is_empty() || !id.bytes().all(fits) {
        let cure = "write the stream's id, such as outbound: letters, digits, - and _";
        reader.error(path, "is not the id of a message stream", cure);
    }
}

/// A colon is for IPv6 addresses alone.
#[expect(
    clippy::ptr_arg,
    reason = "it is given the value as the section has it"
)]
fn is_host(reader: &mut Reader<'_>, path: &KeyPath, host: &String) {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':');
    let is_ip = || host.parse::<IpAddr>().is_ok();
    if host.is_empty() || !host.bytes().all(fits) || (host.contains(':') && !is_ip()) {
        let cure = "write a name such as smtp.postmarkapp.com, without scheme and port";
        reader.error(path, "is not a host", cure);
    }
}

fn port(reader: &mut Reader<'_>, path: &KeyPath) -> Option<u16> {
    u16::try_from(reader.whole(path, 1..=u32::from(u16::MAX))?).ok()
}

fn transport(reader: &mut Reader<'_>, path: &KeyPath) -> Option<PostmarkTransport> {
    match reader.text(path)?.as_str() {
        "rest" => Some(PostmarkTransport::Rest),
        "smtp" => Some(PostmarkTransport::Smtp),
        other => {
            let problem = format!("is `{other}`");
            reader.error(path, problem, "use rest or smtp");
            None
        }
    }
}
