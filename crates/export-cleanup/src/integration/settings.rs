//! `providers.s3.*` and `providers.r2.*`: where objects are.

use longshore_integration::settings::{
    Calls, KeyPath, Reader, SecretRef, calls, flag, group, origin, secret, text_by,
};
use longshore_integration::{Sections, section};
use longshore_provider::Origin;

section! {
    /// S3, where the company's buckets are. It is on once it has a region.
    pub struct S3Settings in "providers.s3" {
        /// How it is reached.
        pub store: StoreSettings = "", group::<StoreSettings>()
            .because("rate_per_second", "S3 takes 3,500 writes and 5,500 reads a second per prefix; a sweep makes two calls per 1,000 objects.")
            .because("breaker.failures", "10 failed tries in a row, whoever's they are.");
    }
}

section! {
    /// Cloudflare's store, which stands in for S3: what cannot be written while the breaker is open goes there, for buckets
    /// with a `fallback_name`, and comes back by a `move_back` job. It is on once it has an endpoint. R2 knows no roles, so it
    /// needs a token's key.
    pub struct R2Settings in "providers.r2" {
        /// How it is reached.
        pub store: StoreSettings = "", group::<StoreSettings>()
            .with("region", "auto")
            .example("endpoint_url", "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com")
            .example("access_key_id", "0123456789abcdef0123456789abcdef")
            .example("secret_access_key", "env:R2_SECRET_ACCESS_KEY")
            .example("session_token", "env:R2_SESSION_TOKEN");
    }
}

section! {
    /// How a store is reached.
    pub struct StoreSettings in "" {
        /// The region that requests are signed for.
        pub region: Option<String> = "region" as REGION, text_by(region).optional().example("eu-north-1");
        /// Where it is, unless it is AWS's own.
        pub endpoint_url: Option<Origin> = "endpoint_url" as ENDPOINT_URL,
            origin().optional().example("http://127.0.0.1:9486");
        /// The bucket's name in the path instead of the host: for stores that are like S3.
        pub force_path_style: bool = "force_path_style", flag().or("false");
        /// An access key's id. Without one, the AWS default chain: the environment, a profile, a web identity (IRSA), the role
        /// of the container or the machine. A role is the better way.
        pub access_key_id: Option<SecretRef> = "access_key_id" as ACCESS_KEY_ID,
            secret("the key is of no use").optional().example("AKIA0123456789ABCDEF");
        /// Its secret.
        pub secret_access_key: Option<SecretRef> = "secret_access_key" as SECRET_ACCESS_KEY,
            secret("the key is of no use").optional().example("env:S3_SECRET_ACCESS_KEY");
        /// The session it belongs to, if it is a temporary one.
        pub session_token: Option<SecretRef> = "session_token" as SESSION_TOKEN,
            secret("no session is meant").optional().example("env:S3_SESSION_TOKEN");
        /// How it is called.
        pub calls: Calls = "", calls("15", "1000")
            .because("timeout_seconds", "For one try, and a second more per MiB sent. A call is tried four times.")
            .with("breaker.failures", "10");
    }
}

/// Finds what of the stores is set without the rest, and takes out those that are off.
pub(super) fn complete(reader: &mut Reader<'_>, sections: &mut Sections) {
    let (s3, r2) = (at("s3"), at("r2"));
    keys_are_whole(reader, &s3);
    keys_are_whole(reader, &r2);
    let key = |store: &KeyPath| store.join(StoreSettings::ACCESS_KEY_ID);
    let region = s3.join(StoreSettings::REGION);
    if !reader.is_set(&region) {
        sections.remove::<S3Settings>();
        if reader.is_set(key(&s3)) {
            let cure = "set it, such as eu-north-1: it turns S3 on";
            reader.missing(region, "is not set, and a key is", cure);
        }
    }
    let on = reader.is_set(r2.join(StoreSettings::ENDPOINT_URL));
    if on && !reader.is_set(key(&r2)) {
        let cure = "set a token's access key id: R2 knows no roles of AWS";
        reader.missing(key(&r2), "is not set, and R2 is on", cure);
    }
    let has_key = |r2: &R2Settings| r2.store.key().is_some();
    if !on || !sections.get().is_some_and(has_key) {
        sections.remove::<R2Settings>();
    }
}

/// Where a store's section stands.
fn at(store: &str) -> KeyPath {
    KeyPath::new(&["providers", store])
}

/// An id and a secret, or neither.
fn keys_are_whole(reader: &mut Reader<'_>, store: &KeyPath) {
    let id = store.join(StoreSettings::ACCESS_KEY_ID);
    let secret = store.join(StoreSettings::SECRET_ACCESS_KEY);
    let (missing, problem, cure) = match (reader.is_set(&id), reader.is_set(&secret)) {
        (true, false) => (
            secret,
            "is not set, and the key's id is",
            "set the key's secret, or leave both out for the AWS default chain",
        ),
        (false, true) => (
            id,
            "is not set, and the key's secret is",
            "set the key's id, or leave both out for the AWS default chain",
        ),
        _ => return,
    };
    reader.missing(missing, problem, cure);
}

impl StoreSettings {
    /// Its access key: the id and the secret. Without one, the AWS default chain.
    #[must_use]
    pub fn key(&self) -> Option<(&SecretRef, &SecretRef)> {
        self.access_key_id
            .as_ref()
            .zip(self.secret_access_key.as_ref())
    }
}

/// It stands in a host name.
fn region(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
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
