//! What requests are signed with.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::{Credentials, ProvideCredentials, Region};
use longshore_provider::secret::SecretString;
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;
use tokio::time::timeout;

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

/// How long the chain may take. Requests wait for it, and no limit of theirs has begun.
const LOAD_WITHIN: Duration = Duration::from_secs(5);

/// How long credentials are used that do not say when they end.
const USED_FOR: Duration = Duration::from_secs(15 * 60);

/// How long before their end others are fetched: a request may be on its way for a while.
const BEFORE_END: Duration = Duration::from_secs(10);

/// What the SDK asks. It keeps what the chain gave, since the SDK's own cache cannot be told that it was refused.
pub(crate) struct SdkCredentials {
    keys: CredentialSource,
    http: UngatedClient,
    region: Region,
    chain: OnceCell<DefaultCredentialsChain>,
    /// Held while the chain is asked, so that one fetch serves all who wait.
    fetching: tokio::sync::Mutex<()>,
    // A std Mutex: it is never held across an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// The last key that was refused, while none was accepted since.
    refused: Option<String>,
}

/// What the chain gave, and until when it is used.
struct Kept {
    credentials: Credentials,
    until: SystemTime,
}

impl SdkCredentials {
    pub(crate) fn new(keys: CredentialSource, http: UngatedClient, region: Region) -> Self {
        Self {
            keys,
            http,
            region,
            chain: OnceCell::new(),
            fetching: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// The store does not take this key. Returns whether another one is worth a try: always, unless the chain gave this one because
    /// the one before was refused. It is asked again in any case.
    pub(crate) fn refused(&self, key_id: &str) -> bool {
        if !matches!(self.keys, CredentialSource::DefaultChain) {
            return false;
        }
        let mut state = self.state();
        let in_use = state
            .kept
            .as_ref()
            .map(|kept| kept.credentials.access_key_id());
        match in_use {
            // Another run has met it, too, and others have been fetched since, or are about to be.
            Some(other) if other != key_id => true,
            None if state.refused.as_deref() == Some(key_id) => true,
            _ => {
                state.kept = None;
                state.refused.replace(key_id.to_owned()).is_none()
            }
        }
    }

    /// The store takes this key.
    pub(crate) fn accepted(&self, key_id: &str) {
        let mut state = self.state();
        let in_use = state
            .kept
            .as_ref()
            .map(|kept| kept.credentials.access_key_id());
        if in_use == Some(key_id) {
            state.refused = None;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> Option<Credentials> {
        let state = self.state();
        let kept = state.kept.as_ref();
        let kept = kept.filter(|kept| SystemTime::now() < kept.until);
        kept.map(|kept| kept.credentials.clone())
    }

    async fn of_chain(&self) -> aws_credential_types::provider::Result {
        if let Some(kept) = self.kept() {
            return Ok(kept);
        }
        let _one = self.fetching.lock().await;
        if let Some(kept) = self.kept() {
            return Ok(kept);
        }
        let fetched = timeout(LOAD_WITHIN, async {
            let chain = self.chain.get_or_init(|| self.build_chain()).await;
            chain.provide_credentials().await
        });
        let fetched = fetched
            .await
            .map_err(|_| CredentialsError::provider_timed_out(LOAD_WITHIN))??;
        let end = fetched.expiry().unwrap_or(SystemTime::now() + USED_FOR);
        self.state().kept = Some(Kept {
            credentials: fetched.clone(),
            until: end - BEFORE_END,
        });
        Ok(fetched)
    }

    async fn load(&self) -> aws_credential_types::provider::Result {
        let keys = match &self.keys {
            CredentialSource::Static(keys) => keys(),
            CredentialSource::DefaultChain => return self.of_chain().await,
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
