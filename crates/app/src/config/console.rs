//! `console.*`: the operators' web page, and who may log in.

use std::net::SocketAddr;

use longshore_console::{ConsoleRole, check_password_hash};
use longshore_integration::section;
use longshore_integration::settings::{
    KeyPath, Reader, SecretRef, Section, SectionSecrets, listen_addr, secret_by, text_by,
};
use secrecy::ExposeSecret;

use super::named;

section! {
    /// The operators' web page.
    pub struct ConsoleSettings in "console" {
        /// Where `longshore console` listens for people. Port 0 picks a free one. TLS is the affair of a proxy in front of it.
        pub http_addr: SocketAddr = "http_addr" as HTTP_ADDR, listen_addr().or("127.0.0.1:9466");
        /// Where it serves `/livez`, `/readyz` and `/metrics`, apart from what people reach.
        pub private_addr: SocketAddr = "private_addr" as PRIVATE_ADDR, listen_addr().or("127.0.0.1:9470");
        /// Where people reach it: scheme, host, port, and a path if the proxy takes one away. With https, cookies are kept for
        /// https only. Set it wherever a proxy stands in front of the console.
        pub public_url: Option<String> = "public_url" as PUBLIC_URL,
            text_by(public_url).optional().example("https://ops.example.com");
        /// The header in which a proxy names who it has let in. It is believed from this machine and from `trusted_proxies`. A name
        /// that is not in `console.users` is a viewer.
        pub trusted_header: Option<String> = "trusted_header" as TRUSTED_HEADER,
            text_by(header).optional().example("X-Forwarded-User");
        /// Where the runbook is. The console links to its sections.
        pub runbook_url: Option<String> = "runbook_url" as RUNBOOK_URL,
            text_by(runbook_url).optional().example("https://wiki.example.com/longshore/runbook");
    }
}

section! {
    /// Who may use the console, by name. The audit names them.
    pub struct UserSettings in "console.users.<name>" {
        /// The hash of their password, which `longshore console hash-password` makes. Whoever reads it can make sessions of this user, so
        /// keep it as you keep a password.
        pub password_hash: Option<SecretRef> = "password_hash" as PASSWORD_HASH,
            secret_by(password_hash).optional().example("file:/run/secrets/console-ada");
        /// What they may do: viewer (look) or operator (also act).
        pub role: ConsoleRole = "role" as ROLE, text_by(role).or("viewer");
    }
}

/// The table of all users.
fn table() -> KeyPath {
    named::table(UserSettings::AT)
}

/// A user, by their name.
pub type NamedUser = (String, UserSettings);

/// The settings and the users.
pub(super) fn read(reader: &mut Reader<'_>) -> (Option<ConsoleSettings>, Vec<NamedUser>) {
    let settings = ConsoleSettings::read_here(reader);
    let header = settings.as_ref().and_then(|of| of.trusted_header.as_ref());
    let has_header = header.is_some();
    (settings, users(reader, has_header))
}

/// Those that can be read; what is wrong with the others is found.
fn users(reader: &mut Reader<'_>, has_header: bool) -> Vec<NamedUser> {
    let mut users = Vec::new();
    for (name, path) in named::tables_in(reader, &table()) {
        // Who comes through a proxy needs none.
        if !has_header && !reader.has(path.join(UserSettings::PASSWORD_HASH)) {
            let cure =
                "set it to what `longshore console hash-password` prints, or to where that is";
            reader.missing(path.join(UserSettings::PASSWORD_HASH), "is not set", cure);
        }
        if let Some(user) = UserSettings::read(reader, &path) {
            users.push((name, user));
        }
    }
    users
}

/// Every secret of theirs, by its key.
pub(super) fn secrets<'a>(users: &'a [NamedUser], found: &mut SectionSecrets<'a>) {
    for (name, user) in users {
        user.secrets(&table().join(name), found);
    }
}

/// The key of a user's password hash.
#[must_use]
pub(crate) fn password_hash_key(name: &str) -> String {
    let path = table().join(name);
    path.join(UserSettings::PASSWORD_HASH).to_string()
}

/// A literal hash is looked at here; one by reference when it is read.
fn password_hash(reader: &mut Reader<'_>, path: &KeyPath) -> Option<SecretRef> {
    let hash = SecretRef::new(reader.text(path)?);
    if let Err((problem, cure)) = hash.check() {
        reader.error(path, problem, cure);
        return None;
    }
    if !hash.is_reference()
        && let Err(error) = check_password_hash(hash.expose_secret())
    {
        let cure = "set it to what `longshore console hash-password` prints";
        reader.error(path, error.to_string(), cure);
        return None;
    }
    Some(hash)
}

fn role(reader: &mut Reader<'_>, path: &KeyPath) -> Option<ConsoleRole> {
    let text = reader.text(path)?;
    let role = [ConsoleRole::Viewer, ConsoleRole::Operator]
        .into_iter()
        .find(|role| role.as_str() == text);
    if role.is_none() {
        reader.error(path, "is not a role", "write viewer or operator");
    }
    role
}

fn public_url(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let text = reader.text(path)?;
    if !longshore_console::is_public_url(&text) {
        let cure = "write scheme, host, port and path, such as https://ops.example.com/longshore";
        reader.error(path, "cannot be used", cure);
        return None;
    }
    if reader.is_profile("production") && !text.starts_with("https:") {
        let cure = "use https: passwords and personal data go through it";
        reader.error(path, "is plain http", cure);
        return None;
    }
    Some(text)
}

fn runbook_url(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let text = reader.text(path)?;
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    if !is_url || text.contains('#') || text.chars().any(char::is_whitespace) {
        let cure = "write an http or https URL without `#`: the console adds the section";
        reader.error(path, "cannot be used", cure);
        return None;
    }
    Some(text)
}

fn header(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let text = reader.text(path)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_name) {
        let cure = "write a name such as X-Forwarded-User";
        reader.error(path, "is not the name of a header", cure);
        return None;
    }
    Some(text)
}
