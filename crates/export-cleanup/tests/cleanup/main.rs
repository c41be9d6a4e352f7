//! Sweeps, rules and moves against the sandbox's S3 and R2.

mod lifecycle;
mod move_back;
mod rules;
mod sweep;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use longshore_export_cleanup::BucketName;
use longshore_export_cleanup::Cleanup;
use longshore_job::{Outcome, Run};
use longshore_provider::secret::SecretString;
use longshore_storage::sandbox::S3Sandbox;
use longshore_storage::{
    Bucket, CredentialSource, ExpiryRule, Name, StaticKeys, Store, StoreConfig, Stores,
};
use longshore_testing::{MemoryRequest, Script};
use serde_json::Value;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Two stores, and the three buckets that have defaults.
pub(crate) struct Scene {
    pub(crate) s3: S3Sandbox,
    pub(crate) r2: S3Sandbox,
    pub(crate) script: Script,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self {
            s3: S3Sandbox::start(any).await.expect("started"),
            r2: S3Sandbox::start(any).await.expect("started"),
            script: script(),
        }
    }

    pub(crate) fn cleanup(&self) -> Cleanup {
        self.cleanup_with(None)
    }

    pub(crate) fn cleanup_with(&self, max_delete_share: Option<f64>) -> Cleanup {
        let bucket = |alias: BucketName, rules: &[(&str, u32)]| {
            let rules = rules.iter();
            let rules = rules.map(|(prefix, days)| ExpiryRule::new(*prefix, *days));
            let bucket = Bucket {
                fallback_name: Some(format!("{alias}-away")),
                rules: rules.collect(),
                max_delete_share,
                ..Bucket::new(alias.as_str(), format!("{alias}-test"))
            };
            (alias, bucket)
        };
        let buckets = [
            bucket(BucketName::UPLOADS, &[("tmp/", 90)]),
            bucket(BucketName::EXPORTS, &[("", 7)]),
            bucket(BucketName::PUBLIC, &[]),
        ];
        self.cleanup_of(buckets)
    }

    /// Of these buckets, in both stores.
    pub(crate) fn cleanup_of(
        &self,
        buckets: impl IntoIterator<Item = (BucketName, Bucket)>,
    ) -> Cleanup {
        let stores = Stores::new(store(Name::S3, &self.s3.origin()))
            .with_fallback(store(Name::R2, &self.r2.origin()));
        Cleanup::new(stores, buckets)
    }

    /// A run of the one job.
    pub(crate) fn run(&self) -> Run {
        self.script.run()
    }
}

/// Of a sweep, which asks its memory for checkpoints and what is kept, and for nothing else.
pub(crate) fn script() -> Script {
    let script = Script::new();
    script.memory.forbid(
        MemoryRequest::EarlierRequests,
        "deleting twice is deleting once",
    );
    script
        .memory
        .forbid(MemoryRequest::NoteMessage, "a sweep owns no message");
    script
}

fn store(name: Name, origin: &str) -> Store {
    let settings = StoreConfig {
        name,
        region: "eu-north-1".to_owned(),
        endpoint: Some(origin.parse().expect("an origin")),
        force_path_style: true,
        keys: CredentialSource::fixed(StaticKeys {
            access_key_id: S3Sandbox::ACCESS_KEY_ID.to_owned(),
            secret_access_key: SecretString::from(S3Sandbox::SECRET_ACCESS_KEY),
            session_token: None,
        }),
        timeout: Duration::from_secs(10),
        backoff: Duration::from_millis(1),
    };
    Store::new(settings).expect("set up")
}

pub(crate) fn result(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Done { result, .. } => result.expect("has a result"),
        Outcome::Skipped { reason } => panic!("skipped: {reason}"),
    }
}
