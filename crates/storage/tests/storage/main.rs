//! The store's client against two implementations of S3 that are not ours: `s3s-fs` for every operation it knows, and
//! `s3s` over the sandbox's shelves for the rest, with faults.

mod breaker;
mod exposure;
mod fallback;
mod fs;
mod fuzz;
mod keys;
mod moto;
mod operations;
mod presign;
mod role;

use std::net::SocketAddr;
use std::time::Duration;

use longshore_provider::secret::SecretString;
use longshore_storage::sandbox::S3Sandbox;
use longshore_storage::{Bucket, CredentialSource, Name, StaticKeys, Store, StoreConfig};

pub(crate) const LOOPBACK: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

pub(crate) fn config(name: Name, origin: &str) -> StoreConfig {
    StoreConfig {
        name,
        region: "eu-north-1".to_owned(),
        endpoint: Some(origin.parse().expect("an origin")),
        force_path_style: true,
        keys: keys(S3Sandbox::SECRET_ACCESS_KEY),
        timeout: Duration::from_secs(5),
        backoff: Duration::from_millis(1),
    }
}

pub(crate) fn keys(secret: &str) -> CredentialSource {
    CredentialSource::fixed(StaticKeys {
        access_key_id: S3Sandbox::ACCESS_KEY_ID.to_owned(),
        secret_access_key: SecretString::from(secret.to_owned()),
        session_token: None,
    })
}

pub(crate) fn store(name: Name, origin: &str) -> Store {
    Store::new(config(name, origin)).expect("set up")
}

pub(crate) fn bucket() -> Bucket {
    Bucket {
        fallback_name: Some("exports-away".to_owned()),
        ..Bucket::new("exports", "exports-test")
    }
}
