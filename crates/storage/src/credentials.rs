//! What requests are signed with.

use std::fmt;
use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_s3::config::{Credentials, ProvideCredentials, Region};
use longshore_provider::secret::SecretString;
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;

use crate::transport::UngatedClient;

/// Where a store's credentials come from.
#[derive(Clone)]
pub enum CredentialSource {
    /// The AWS default chain: the environment, a profile, a web identity (IRSA), the container's role (ECS, EKS), the
    /// machine's role (EC2).
    DefaultChain,
    /// Keys of our own, asked for at every request, so that they can be changed under a running process.
    Static(Arc<dyn Fn() -> StaticKeys + Send + Sync>),
}

/// An access key.
#[derive(Clone)]
pub struct StaticKeys {
    /// Its id, `AKIA…`.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// The session it belongs to, if it is a temporary one.
    pub session_token: Option<SecretString>,
}

impl CredentialSource {
    /// Keys that stay as they are.
    #[must_use]
    pub fn fixed(keys: StaticKeys) -> Self {
        Self::Static(Arc::new(move || keys.clone()))
    }
}

/// What the SDK asks.
pub(crate) struct SdkCredentials {
    keys: CredentialSource,
    http: UngatedClient,
    region: Region,
    chain: OnceCell<DefaultCredentialsChain>,
}

impl SdkCredentials {
    pub(crate) fn new(keys: CredentialSource, http: UngatedClient, region: Region) -> Self {
        Self {
            keys,
            http,
            region,
            chain: OnceCell::new(),
        }
    }

    async fn load(&self) -> aws_credential_types::provider::Result {
        let keys = match &self.keys {
            CredentialSource::Static(keys) => keys(),
            CredentialSource::DefaultChain => {
                let chain = self.chain.get_or_init(|| self.build_chain()).await;
                return chain.provide_credentials().await;
            }
        };
        Ok(Credentials::new(
            keys.access_key_id,
            keys.secret_access_key.expose_secret(),
            keys.session_token
                .map(|token| token.expose_secret().to_owned()),
            None,
            "configuration",
        ))
    }

    async fn build_chain(&self) -> DefaultCredentialsChain {
        let config = ProviderConfig::without_region()
            .with_http_client(self.http.clone())
            .with_region(Some(self.region.clone()))
            .with_behavior_version(Some(BehaviorVersion::v2026_01_12()));
        DefaultCredentialsChain::builder()
            .configure(config)
            .build()
            .await
    }
}

impl ProvideCredentials for SdkCredentials {
    fn provide_credentials<'a>(
        &'a self,
    ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        aws_credential_types::provider::future::ProvideCredentials::new(self.load())
    }
}

/// Says of which sort, and nothing else.
impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DefaultChain => "DefaultChain",
            Self::Static(_) => "Static",
        })
    }
}

/// Does not even show the key's id.
impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKeys").finish_non_exhaustive()
    }
}

impl fmt::Debug for SdkCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SdkCredentials")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
