//! `providers.s3.*` and `providers.r2.*`: where objects are.

use std::time::Duration;

use longshore_integration::settings::{Calls, Key, Reader, SOME_TIME, SecretRef, base_url, secret};
use longshore_provider::Origin;

pub(super) const KEYS: &[Key] = &[
    Key::text("providers.s3.region"),
    Key::text("providers.s3.endpoint_url"),
    Key::toml("providers.s3.force_path_style").or("false"),
    Key::text(S3_SECRETS[0]).secret(),
    Key::text(S3_SECRETS[1]).secret(),
    Key::text(S3_SECRETS[2]).secret(),
    Key::toml("providers.s3.timeout_seconds").or("15"),
    // S3 takes 3,500 writes and 5,500 reads a second per prefix. A sweep makes two requests per 1,000 objects.
    Key::toml("providers.s3.rate_per_second").or("1000"),
    Key::toml("providers.s3.rate.count"),
    Key::toml("providers.s3.rate.per_seconds"),
    // Section 2.3 of the integration document: 10 failures in a row.
    Key::toml("providers.s3.breaker.failures").or("10"),
    Key::toml("providers.s3.breaker.window_seconds"),
    Key::toml("providers.s3.breaker.open_seconds").or("30"),
    Key::text("providers.r2.region").or("auto"),
    Key::text("providers.r2.endpoint_url"),
    Key::toml("providers.r2.force_path_style").or("false"),
    Key::text(R2_SECRETS[0]).secret(),
    Key::text(R2_SECRETS[1]).secret(),
    Key::text(R2_SECRETS[2]).secret(),
    Key::toml("providers.r2.timeout_seconds").or("15"),
    Key::toml("providers.r2.rate_per_second").or("1000"),
    Key::toml("providers.r2.rate.count"),
    Key::toml("providers.r2.rate.per_seconds"),
    Key::toml("providers.r2.breaker.failures").or("10"),
    Key::toml("providers.r2.breaker.window_seconds"),
    Key::toml("providers.r2.breaker.open_seconds").or("30"),
];

/// Where S3's secrets stand: the access key's id, which changes with it, the key's own and the session's.
pub(super) const S3_SECRETS: [&str; 3] = [
    "providers.s3.access_key_id",
    "providers.s3.secret_access_key",
    "providers.s3.session_token",
];
/// And R2's.
pub(super) const R2_SECRETS: [&str; 3] = [
    "providers.r2.access_key_id",
    "providers.r2.secret_access_key",
    "providers.r2.session_token",
];

/// How S3 is reached.
#[derive(Debug, Clone)]
pub struct S3Settings(pub StoreSettings);

/// How its stand-in is reached.
#[derive(Debug, Clone)]
pub struct R2Settings(pub StoreSettings);

/// How a store is reached.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The region that requests are signed for.
    pub region: String,
    /// Where it is, unless it is AWS's own.
    pub endpoint_url: Option<Origin>,
    /// The bucket's name stands in the path, not in the host.
    pub force_path_style: bool,
    /// Keys of our own; without, the AWS default chain.
    pub keys: Option<StoreKeys>,
    /// How long one try of a call may take.
    pub timeout: Duration,
    /// How often it is called, and when it is left alone.
    pub calls: Calls,
}

/// An access key.
#[derive(Debug, Clone)]
pub struct StoreKeys {
    /// Its id.
    pub access_key_id: SecretRef,
    /// Its secret.
    pub secret_access_key: SecretRef,
    /// The session it belongs to, if it is a temporary one.
    pub session_token: Option<SecretRef>,
}

impl StoreSettings {
    /// Every secret in it, by its key: see [`S3_SECRETS`].
    pub(super) fn secrets(
        &self,
        [id, secret, token]: [&'static str; 3],
    ) -> Vec<(&'static str, &SecretRef)> {
        let Some(keys) = &self.keys else {
            return Vec::new();
        };
        let session = keys.session_token.iter();
        let key = [(id, &keys.access_key_id), (secret, &keys.secret_access_key)];
        key.into_iter()
            .chain(session.map(|session| (token, session)))
            .collect()
    }
}

/// `None` without a region: then S3 is off.
pub(super) fn s3(reader: &mut Reader<'_>) -> Option<StoreSettings> {
    let on = reader.is_set("providers.s3.region");
    if !on && reader.is_set("providers.s3.access_key_id") {
        let cure = "set it, such as eu-north-1: it turns S3 on";
        reader.missing("providers.s3.region", "is not set, and a key is", cure);
    }
    let settings = read(reader, "s3");
    settings.filter(|_| on)
}

/// `None` without an endpoint: then R2 is off.
pub(super) fn r2(reader: &mut Reader<'_>) -> Option<StoreSettings> {
    let on = reader.is_set("providers.r2.endpoint_url");
    if on && !reader.is_set("providers.r2.access_key_id") {
        let cure = "set a token's access key id: R2 knows no roles of AWS";
        reader.missing(
            "providers.r2.access_key_id",
            "is not set, and R2 is on",
            cure,
        );
    }
    let settings = read(reader, "r2");
    settings.filter(|settings| on && settings.keys.is_some())
}

fn read(reader: &mut Reader<'_>, provider: &str) -> Option<StoreSettings> {
    let path = |name: &str| format!("providers.{provider}.{name}");
    let region = match reader.is_set(&path("region")) {
        true => region(reader, &path("region")),
        false => Some(String::new()),
    };
    let endpoint_url = match reader.is_set(&path("endpoint_url")) {
        true => base_url::read(reader, &path("endpoint_url")).map(Some),
        false => Some(None),
    };
    let force_path_style = reader.flag(path("force_path_style").as_str());
    let keys = keys(reader, provider);
    let timeout = reader.seconds(path("timeout_seconds").as_str(), SOME_TIME);
    let calls = Calls::read(reader, provider);
    Some(StoreSettings {
        region: region?,
        endpoint_url: endpoint_url?,
        force_path_style: force_path_style?,
        keys: keys?,
        timeout: timeout?,
        calls: calls?,
    })
}

/// It stands in a host name.
fn region(reader: &mut Reader<'_>, path: &str) -> Option<String> {
    let region = reader.text(path)?;
    let fits = region
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits || region.len() > 32 {
        let cure = "write it as AWS does, such as eu-north-1";
        reader.error(path, "is not a region", cure);
        return None;
    }
    Some(region)
}

/// An id and a secret, or neither.
fn keys(reader: &mut Reader<'_>, provider: &str) -> Option<Option<StoreKeys>> {
    let path = |name: &str| format!("providers.{provider}.{name}");
    let (id, secret) = (path("access_key_id"), path("secret_access_key"));
    let token = path("session_token");
    let set = (reader.is_set(&id), reader.is_set(&secret));
    let session_token = match reader.is_set(&token) {
        true => Some(secret::read(reader, &token, "no session is meant")?),
        false => None,
    };
    match set {
        (false, false) => return Some(None),
        (true, true) => {}
        (true, false) => {
            let cure = "set the key's secret, or leave both out for the AWS default chain";
            reader.missing(secret.as_str(), "is not set, and the key's id is", cure);
            return None;
        }
        (false, true) => {
            let cure = "set the key's id, or leave both out for the AWS default chain";
            reader.missing(id.as_str(), "is not set, and the key's secret is", cure);
            return None;
        }
    }
    Some(Some(StoreKeys {
        access_key_id: secret::read(reader, &id, "the key is of no use")?,
        secret_access_key: secret::read(reader, &secret, "the key is of no use")?,
        session_token,
    }))
}
