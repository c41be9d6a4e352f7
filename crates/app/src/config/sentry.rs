//! `providers.sentry.*`: where errors are reported.

use secrecy::ExposeSecret;
use sentry::types::{Dsn, ParseDsnError};

use longshore_integration::section;
use longshore_integration::settings::{Finding, Reader, SecretRef, Section, Severity, secret};
use longshore_provider::Origin;

/// What to do about a DSN that is none.
pub(super) const CURE: &str = "copy it from the project's settings in Sentry (Client Keys), or refer to it with env:NAME or file:PATH";

section! {
    pub(crate) struct SentryKeys in "providers.sentry" {
        /// Where errors are reported: dead letters that are no expected refusal, refused credentials, panics, processes that
        /// end by themselves. Never args, addresses or names. One event a minute for each cause, with a count. Without it
        /// nothing is reported. https, or http for loopback.
        pub(crate) dsn: SecretRef = "dsn" as DSN,
            secret("errors are reported nowhere").example("env:SENTRY_DSN");
    }
}

pub(crate) const DSN: &str = SentryKeys::DSN;

/// Where errors are reported.
#[derive(Debug, Clone)]
pub struct SentrySettings {
    /// The project's DSN, or a reference to it. Resolved, it is parsed by [`parse_dsn`].
    pub dsn: SecretRef,
    /// Plain http is refused even for loopback, as in production.
    pub only_https: bool,
}

impl SentrySettings {
    /// What is wrong with the DSN that it refers to.
    pub(crate) fn finding(&self, dsn: &str) -> Option<Finding> {
        let problem = parse_dsn(dsn, self.only_https).err()?;
        Some(Finding {
            severity: Severity::Error,
            key: DSN.to_owned(),
            origin: None,
            problem: format!("refers to what {problem}"),
            cure: CURE.to_owned(),
        })
    }
}

/// `None` without a DSN: then nothing is reported, and nothing is connected to.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<SentrySettings> {
    let only_https = reader.is_profile("production");
    let SentryKeys { dsn } = SentryKeys::read_here(reader)?;
    if !dsn.is_reference()
        && let Err(problem) = parse_dsn(dsn.expose_secret(), only_https)
    {
        reader.error(DSN, problem, CURE);
        return None;
    }
    Some(SentrySettings { dsn, only_https })
}

/// The DSN `https://<key>@<host>/<project>`; http is allowed for loopback, unless `only_https`.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence. Quotes nothing of it: the key is a secret.
pub fn parse_dsn(text: &str, only_https: bool) -> Result<Dsn, &'static str> {
    // The parser would skip them.
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("has blanks or line ends in it");
    }
    let dsn: Dsn = text.parse().map_err(|error| match error {
        ParseDsnError::InvalidUrl => "is not a DSN: it is no URL",
        ParseDsnError::InvalidScheme => "is not a DSN: it is neither https nor http",
        ParseDsnError::NoUsername => "is not a DSN: there is no key before the @",
        ParseDsnError::NoProjectId | ParseDsnError::InvalidProjectId(_) => {
            "is not a DSN: there is no project after the host"
        }
    })?;
    let origin = origin(&dsn).parse::<Origin>();
    match origin {
        Err(_) => Err("is plain http to a host that is not loopback"),
        Ok(origin) if only_https && origin.to_string().starts_with("http:") => Err("is plain http"),
        Ok(_) => Ok(dsn),
    }
}

/// The part of a DSN that is no secret: scheme, host and port.
#[must_use]
pub fn origin(dsn: &Dsn) -> String {
    format!("{}://{}:{}", dsn.scheme(), dsn.host(), dsn.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dsns_are_taken_as_sentry_writes_them() {
        for text in [
            "https://0123abcd@o42.ingest.de.sentry.io/4507",
            "https://0123abcd:secret@sentry.example.com:9000/errors/7",
            "http://public@127.0.0.1:8000/1",
            "http://public@[::1]:8000/1",
        ] {
            assert!(parse_dsn(text, false).is_ok(), "{text}");
        }
    }

    #[test]
    fn others_are_refused_without_being_quoted() {
        for (text, only_https, problem) in [
            ("", false, "no URL"),
            ("0123abcd", false, "no URL"),
            ("https://sentry.example.com/7", false, "no key before the @"),
            ("https://k3y@sentry.example.com", false, "no project"),
            ("https://k3y@sentry.example.com//", false, "no project"),
            ("ftp://k3y@sentry.example.com/7", false, "neither https nor"),
            ("mailto:k3y@example.com", false, "no key before the @"),
            ("http://k3y@sentry.example.com/7", false, "not loopback"),
            ("http://k3y@127.0.0.1:8000/7", true, "is plain http"),
            ("https://k3y@sentry.example.com/7 ", false, "blanks"),
        ] {
            let found = parse_dsn(text, only_https).expect_err(text);
            assert!(found.contains(problem), "{text}: {found}");
            assert!(!found.contains("k3y"), "{found}");
        }
    }
}
