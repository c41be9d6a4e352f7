//! One store.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Config;
use aws_sdk_s3::config::retry::{ReconnectMode, RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, IdentityCache, ProvideCredentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use longshore_job::Run;
use longshore_provider::{HttpSetupError, Origin};

use crate::connector::{GatedClient, Observed};
use crate::credentials::{CredentialSource, SdkCredentials};
use crate::error::Again;
use crate::md5::ContentMd5;
use crate::name::Name;
use crate::session::Session;
use crate::transport::{Transport, UngatedClient};

/// The SDK's tries of one operation: the first and three more.
const TRIES: u32 = 4;

/// How a store is reached.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Which one it is: limits, breaker and history know it by this name.
    pub name: Name,
    /// The region requests are signed for; R2's is `auto`.
    pub region: String,
    /// Where it is, unless it is AWS's own.
    pub endpoint: Option<Origin>,
    /// Whether the bucket's name stands in the path instead of the host.
    pub force_path_style: bool,
    /// What requests are signed with.
    pub keys: CredentialSource,
    /// How long one try may take, from the first byte out to the last byte in; a second more per MiB sent.
    pub timeout: Duration,
    /// How long the first retry waits at the most; the next ones twice as long each, up to 20 s.
    pub backoff: Duration,
}

/// A store cannot be set up on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct SetupError(#[from] HttpSetupError);

/// A store. Cheap to clone; clones share their connections and credentials.
#[derive(Debug, Clone)]
pub struct Store {
    name: Name,
    /// It is AWS's own, and not one that is like it.
    is_aws: bool,
    config: Config,
    transport: Arc<Transport>,
    credentials: Arc<SdkCredentials>,
}

impl Store {
    /// Sets it up. Nothing is sent: credentials are looked for when the first request needs them.
    ///
    /// # Errors
    /// When it is reached by `https` and the system has no CA certificates.
    pub fn new(settings: StoreConfig) -> Result<Self, SetupError> {
        let needs_tls = settings.endpoint.as_ref().is_none_or(|at| !at.is_plain());
        let transport = Arc::new(Transport::new(settings.timeout, needs_tls)?);
        let region = Region::new(settings.region);
        let bare = UngatedClient(transport.clone());
        let credentials = SdkCredentials::new(settings.keys, bare.clone(), region.clone());
        let credentials = Arc::new(credentials);
        // Stores that are like S3 know fewer checksums; AWS's own gets one with every write.
        let (calculate, validate) = match &settings.endpoint {
            None => (
                RequestChecksumCalculation::WhenSupported,
                ResponseChecksumValidation::WhenSupported,
            ),
            Some(_) => (
                RequestChecksumCalculation::WhenRequired,
                ResponseChecksumValidation::WhenRequired,
            ),
        };
        let retries = RetryConfig::standard()
            .with_max_attempts(TRIES)
            .with_initial_backoff(settings.backoff)
            // Connections are our client's own: it drops those that broke.
            .with_reconnect_mode(ReconnectMode::ReuseAllConnections);
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(region)
            .credentials_provider(Arc::clone(&credentials) as Arc<dyn ProvideCredentials>)
            // Those of our own may change at any time, and those of the chain are kept by who fetches them.
            .identity_cache(IdentityCache::no_cache())
            .http_client(bare)
            .force_path_style(settings.force_path_style)
            .retry_config(retries)
            // The breaker, which the whole fleet shares, decides when there have been tries enough.
            .retry_partition(
                RetryPartition::custom("longshore")
                    .token_bucket(TokenBucket::unlimited())
                    .build(),
            )
            .retry_classifier(Again)
            // They lie behind `GatedClient`, see `Transport`.
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .request_checksum_calculation(calculate)
            .response_checksum_validation(validate);
        if let Some(endpoint) = &settings.endpoint {
            config = config
                .endpoint_url(endpoint.to_string())
                .interceptor(ContentMd5);
        }
        Ok(Self {
            name: settings.name,
            is_aws: settings.endpoint.is_none(),
            config: config.build(),
            transport,
            credentials,
        })
    }

    /// Which one it is.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name
    }

    /// The store, as this run may use it: every try is asked for, and told of.
    #[must_use]
    pub fn during(&self, run: &Run) -> Session {
        self.session(Some(run.clone()))
    }

    /// The store, for whoever asks nobody: apps, the command line.
    #[must_use]
    pub fn directly(&self) -> Session {
        self.session(None)
    }

    fn session(&self, run: Option<Run>) -> Session {
        let observed = Arc::new(Observed::default());
        if self.is_aws {
            observed.note_encodes_keys(true);
        }
        let client = GatedClient {
            store: self.name,
            run,
            transport: self.transport.clone(),
            credentials: self.credentials.clone(),
            observed: observed.clone(),
        };
        let config = self.config.to_builder().http_client(client).build();
        let client = aws_sdk_s3::Client::from_conf(config);
        Session::new(self.name, client, observed)
    }
}
