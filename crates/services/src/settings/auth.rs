//! `services.<name>.auth`.

use longshore_integration::section;
use longshore_integration::settings::{
    KeyPath, Reader, SecretRef, Section, SectionEntry, SectionSecrets, secret, text, text_by,
};
use longshore_provider::{HeaderName, Origin};

/// What follows where there is no such secret.
const OFF: &str = "the service is off";

section! {
    /// How a service knows us.
    pub(super) struct AuthKeys in "" {
        /// `none`, `bearer`, `basic`, `header` or `oauth2`.
        _auth_type: Option<String> = "type" as TYPE, text().optional().example("bearer");
        /// With `bearer`: the token.
        token: Option<SecretRef> = "token" as TOKEN, secret(OFF).optional().example("env:CRM_TOKEN");
        /// With `basic`: the user.
        user: Option<String> = "user" as USER, text_by(user).optional().example("shop");
        /// With `basic`: the password.
        password: Option<SecretRef> = "password" as PASSWORD, secret(OFF).optional().example("env:CRM_PASSWORD");
        /// With `header`: the header's name.
        name: Option<HeaderName> = "name" as NAME, text_by(header_name).optional().example("x-api-key");
        /// With `header`: what stands in it.
        value: Option<SecretRef> = "value" as VALUE, secret(OFF).optional().example("env:CRM_API_KEY");
        /// With `oauth2`: where tokens are fetched with client credentials: scheme, host and path. https, or http for loopback.
        token_url: Option<TokenUrl> = "token_url" as TOKEN_URL,
            text_by(token_url).optional().example("https://login.crm.example.com/oauth/token");
        /// With `oauth2`: our id.
        client_id: Option<String> = "client_id" as CLIENT_ID, text_by(not_empty).optional().example("shop");
        /// With `oauth2`: our secret.
        client_secret: Option<SecretRef> = "client_secret" as CLIENT_SECRET,
            secret(OFF).optional().example("env:CRM_CLIENT_SECRET");
        /// With `oauth2`: what tokens are for, if the service asks for it.
        scope: Option<String> = "scope" as SCOPE, text_by(not_empty).optional().example("contacts.write");
    }
}

/// How a service knows us.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Which way, with all that it takes.
    pub by: AuthType,
}

/// The five ways.
#[derive(Debug, Clone)]
pub enum AuthType {
    /// Not at all.
    None,
    /// `Authorization: Bearer <token>`.
    Bearer {
        /// The token.
        token: SecretRef,
    },
    /// `Authorization: Basic <base64 of user:password>`.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: SecretRef,
    },
    /// A header of the service's own.
    Header {
        /// Its name.
        name: HeaderName,
        /// What stands in it.
        value: SecretRef,
    },
    /// Tokens that are fetched with client credentials.
    OAuth2 {
        /// Where.
        token_url: TokenUrl,
        /// Our id there.
        client_id: String,
        /// Our secret there.
        client_secret: SecretRef,
        /// What the tokens are for.
        scope: Option<String>,
    },
}

/// Where tokens are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUrl {
    /// Scheme, host and port.
    pub origin: Origin,
    /// The path there.
    pub path: String,
}

impl AuthType {
    /// Its secret, and the name of its key.
    pub(crate) fn secret(&self) -> Option<(&'static str, &SecretRef)> {
        match self {
            Self::None => None,
            Self::Bearer { token } => Some((AuthKeys::TOKEN, token)),
            Self::Basic { password, .. } => Some((AuthKeys::PASSWORD, password)),
            Self::Header { value, .. } => Some((AuthKeys::VALUE, value)),
            Self::OAuth2 { client_secret, .. } => Some((AuthKeys::CLIENT_SECRET, client_secret)),
        }
    }
}

/// The keys that each way needs, and those that it may have.
const WAYS: [(&str, &[&str], &[&str]); 5] = [
    ("none", &[], &[]),
    ("bearer", &[AuthKeys::TOKEN], &[]),
    ("basic", &[AuthKeys::USER, AuthKeys::PASSWORD], &[]),
    ("header", &[AuthKeys::NAME, AuthKeys::VALUE], &[]),
    (
        "oauth2",
        &[
            AuthKeys::TOKEN_URL,
            AuthKeys::CLIENT_ID,
            AuthKeys::CLIENT_SECRET,
        ],
        &[AuthKeys::SCOPE],
    ),
];

/// By hand: which keys there have to be depends on one of them.
impl Section for AuthSettings {
    const AT: &'static str = AuthKeys::AT;
    const DOC: &'static [&'static str] = AuthKeys::DOC;
    const ENTRIES: &'static [SectionEntry] = AuthKeys::ENTRIES;

    fn read(reader: &mut Reader<'_>, at: &KeyPath) -> Option<Self> {
        let keys = AuthKeys::read(reader, at);
        let choices = || WAYS.map(|(name, ..)| name).join(", ");
        let path = at.join(AuthKeys::TYPE);
        let Some(word) = reader.peek(&path) else {
            let cure = format!("write one of {}", choices());
            reader.missing(&path, "is not set", cure);
            return None;
        };
        let Some((_, needs, may)) = WAYS.into_iter().find(|(name, ..)| *name == word) else {
            let cure = format!("write one of {}", choices());
            reader.error(&path, format!("is `{word}`"), cure);
            return None;
        };
        for name in reader.names(at) {
            let known = needs.iter().chain(may).any(|key| *key == name);
            if !known && name != AuthKeys::TYPE {
                let problem = format!("does not belong to the type {word}");
                let cure = "leave it out, or write another type";
                reader.error(at.join(&name), problem, cure);
            }
        }
        for key in needs {
            if !reader.has(at.join(key)) {
                let problem = format!("is not set, and the type {word} needs it");
                reader.missing(at.join(key), problem, "set it");
            }
        }
        let keys = keys?;
        let by = match word.as_str() {
            "bearer" => AuthType::Bearer { token: keys.token? },
            "basic" => AuthType::Basic {
                user: keys.user?,
                password: keys.password?,
            },
            "header" => AuthType::Header {
                name: keys.name?,
                value: keys.value?,
            },
            "oauth2" => AuthType::OAuth2 {
                token_url: keys.token_url?,
                client_id: keys.client_id?,
                client_secret: keys.client_secret?,
                scope: keys.scope,
            },
            _ => AuthType::None,
        };
        Some(Self { by })
    }

    fn secrets<'a>(&'a self, at: &KeyPath, found: &mut SectionSecrets<'a>) {
        let secret = self.by.secret();
        found.extend(secret.map(|(key, secret)| (at.join(key).to_string(), secret)));
    }
}

fn not_empty(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let text = reader.text(path)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        reader.error(path, "is empty, or has control characters", "set it");
        return None;
    }
    Some(text)
}

fn user(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let user = not_empty(reader, path)?;
    if user.contains(':') {
        let cure = "leave the colon out: it ends the user where both are sent";
        reader.error(path, "has a colon", cure);
        return None;
    }
    Some(user)
}

/// Reads the name of a header that is ours to set.
pub(super) fn header_name(reader: &mut Reader<'_>, path: &KeyPath) -> Option<HeaderName> {
    let text = reader.text(path)?;
    let problem = match text.parse::<HeaderName>() {
        Ok(name) if is_ours(&name) => return Some(name),
        Ok(_) => "is a header that the client sets itself",
        Err(_) => "is not the name of a header",
    };
    reader.error(path, problem, "write one such as x-api-key");
    None
}

/// Not the headers that say how a request is sent, nor those that credentials have a key of their own for.
pub(super) fn is_ours(name: &HeaderName) -> bool {
    const NOT_OURS: [&str; 14] = [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    !NOT_OURS.contains(&name.as_str())
}

fn token_url(reader: &mut Reader<'_>, path: &KeyPath) -> Option<TokenUrl> {
    let text = reader.text(path)?;
    let place = text.find("://").map_or(0, |scheme| scheme + 3);
    let (origin, rest) = match text[place..].find(['/', '?', '#']) {
        Some(end) => text.split_at(place + end),
        None => (text.as_str(), "/"),
    };
    // Says what is wrong without quoting the text, which may have credentials in it.
    let problem = match (
        origin.parse::<Origin>(),
        rest.parse::<crate::PathTemplate>(),
    ) {
        (Err(error), _) => format!("is not a URL for tokens, {error}"),
        (Ok(origin), _) if origin.is_plain() && reader.is_profile("production") => {
            "is plain http".to_owned()
        }
        (Ok(origin), Ok(template)) if template.parameters().is_empty() => {
            let path = rest.to_owned();
            return Some(TokenUrl { origin, path });
        }
        (Ok(_), _) => "has more than a plain path".to_owned(),
    };
    let cure = "write scheme, host and path, such as https://login.crm.example.com/oauth/token; https, or http for loopback";
    reader.error(path, problem, cure);
    None
}
