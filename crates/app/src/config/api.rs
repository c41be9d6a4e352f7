//! `api.*`: the HTTP API for producers, and who may call it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use longshore_integration::section;
use longshore_integration::settings::{
    KeyPath, Reader, SecretRef, Section, SectionSecrets, flag, listen_addr, secret, toml_by,
};
use longshore_job::Kinds;

use super::named;

section! {
    /// The HTTP API: jobs from producers in any language. TLS is the affair of a proxy in front of it.
    pub struct ApiSettings in "api" {
        /// Where `longshore api` listens for producers. Port 0 picks a free one.
        pub http_addr: SocketAddr = "http_addr" as HTTP_ADDR, listen_addr().or("127.0.0.1:9468");
        /// Where it serves `/livez`, `/readyz` and `/metrics`, apart from what producers reach.
        pub private_addr: SocketAddr = "private_addr" as PRIVATE_ADDR, listen_addr().or("127.0.0.1:9469");
    }
}

section! {
    /// Who may call the API, by name. The name is kept with each job that the token enqueues, and stands in logs and metrics.
    pub struct TokenSettings in "api.tokens.<name>" {
        /// What the caller sends as `Authorization: Bearer …`: at least 16 characters, such as `openssl rand -hex 32` makes.
        pub secret: SecretRef = "secret" as SECRET, secret("the token is off").example("env:API_TOKEN_SHOP");
        /// The kinds of jobs that it may enqueue, look at, wait for and change; all where this is not set.
        pub kinds: Option<BTreeSet<String>> = "kinds" as KINDS, toml_by(kinds).optional().example(r#"["send_email"]"#);
        /// How many calls per second it may make at each process; as many as it likes where this is not set. A job of a bulk counts as
        /// a call.
        pub rate_per_second: Option<f64> = "rate_per_second", toml_by(rate).optional().example("100");
        /// Whether it may have uploads and downloads of files signed.
        pub uploads: bool = "uploads", flag().or("false");
    }
}

/// The table of all tokens.
fn table() -> KeyPath {
    named::table(TokenSettings::AT)
}

/// A token, by its name.
pub type NamedToken = (String, TokenSettings);

/// The settings and the tokens.
pub(super) fn read(
    reader: &mut Reader<'_>,
    known: &Kinds,
) -> (Option<ApiSettings>, Vec<NamedToken>) {
    (ApiSettings::read_here(reader), tokens(reader, known))
}

/// Those that can be read; what is wrong with the others is found.
fn tokens(reader: &mut Reader<'_>, known: &Kinds) -> Vec<NamedToken> {
    let mut tokens = Vec::new();
    for (name, path) in named::tables_in(reader, &table()) {
        if !reader.has(path.join(TokenSettings::SECRET)) {
            let cure = "set it to env:NAME, file:PATH or vault:PATH, where the token is";
            reader.missing(path.join(TokenSettings::SECRET), "is not set", cure);
        }
        let token = TokenSettings::read(reader, &path);
        if let Some(token) = token {
            check_kinds(reader, &path, &token, known);
            tokens.push((name, token));
        }
    }
    tokens
}

/// Every secret of theirs, by its key.
pub(super) fn secrets<'a>(tokens: &'a [NamedToken], found: &mut SectionSecrets<'a>) {
    for (name, token) in tokens {
        token.secrets(&table().join(name), found);
    }
}

/// The key of a token's secret.
#[must_use]
pub(crate) fn secret_key(name: &str) -> String {
    let path = table().join(name);
    path.join(TokenSettings::SECRET).to_string()
}

fn check_kinds(reader: &mut Reader<'_>, path: &KeyPath, token: &TokenSettings, known: &Kinds) {
    let kinds = token.kinds.iter().flatten();
    let unknown: Vec<_> = kinds.filter(|kind| known.find(kind).is_none()).collect();
    if let Some(kind) = unknown.first() {
        let all: Vec<_> = known.iter().map(|spec| spec.kind).collect();
        let cure = format!("the kinds are {}", all.join(", "));
        let problem = format!("names the kind `{kind}`, which this program does not have");
        reader.error(path.join(TokenSettings::KINDS), problem, cure);
    }
}

fn kinds(reader: &mut Reader<'_>, path: &KeyPath) -> Option<BTreeSet<String>> {
    let kinds: BTreeSet<String> = reader.text_list(path)?.into_iter().collect();
    if kinds.is_empty() {
        let cure = "name at least one kind, or leave the key out for all of them";
        reader.error(path, "is empty, so the token could do nothing", cure);
        return None;
    }
    Some(kinds)
}

fn rate(reader: &mut Reader<'_>, path: &KeyPath) -> Option<f64> {
    let rate = reader.value(path.clone()).and_then(|value| value.as_f64());
    let rate = rate.filter(|rate| (0.01..=1_000_000.0).contains(rate));
    if rate.is_none() {
        let cure = "write a number of calls per second, 0.01 to 1,000,000";
        reader.error(path, "is not a rate", cure);
    }
    rate
}
