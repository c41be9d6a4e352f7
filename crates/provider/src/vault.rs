//! Vault: secrets of its KV engine, and the token that reads them.
//!
//! Written against the API of HashiCorp's Vault, tested against OpenBao. Six requests, on our own client: `vaultrs` has
//! the requests, but neither repetition nor renewal, which are what takes care here (`docs/adr/0002`).
//!
//! - **One login at a time**, however many secrets are asked for. A token is logged in for when there is none, when its
//!   time is over, and once when Vault refuses it.
//! - **403 says two things**: the token is no longer good, or it may not read this path. `lookup-self` tells them apart,
//!   so that a path which is forbidden does not become a login each time it is asked for.
//! - **Nothing is forgotten here because Vault is away**: this is a reader, and who holds a
//!   [`Secret`](crate::secret::Secret) keeps the one it has.

mod error;
#[cfg(test)]
mod fuzz;
mod login;
mod renew;
mod token;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::one_at_a_time::OneAtATime;
use crate::secret::reference::Reference;
use crate::{Http, HttpSetupError, Origin, ProviderError, Request, Response};
pub use error::VaultError;
pub use login::Login;
use token::Token;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// Vault's agents and proxies can be told to want it.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// How often a request is made that Vault asks to make again in a moment.
const TRIES: u32 = 4;
/// Up to how long that moment may be. A start waits for it.
const LONGEST_MOMENT: Duration = Duration::from_secs(1);

/// How Vault is reached: the section `providers.vault`.
#[derive(Debug, Clone)]
pub struct VaultConfig {
    /// Its origin.
    pub addr: Origin,
    /// Where the KV engine is mounted, `secret` as a rule.
    pub mount: String,
    /// The version of that engine.
    pub kv: KvVersion,
    /// Whose certificates it may have, too, beside those that the system trusts: a file in PEM.
    pub ca_file: Option<PathBuf>,
    /// The namespace of all of it, if there is one: `teams/payments`.
    pub namespace: Option<String>,
    /// What proves who we are.
    pub login: Login,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// The version of a KV engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KvVersion {
    /// It keeps one value.
    One,
    /// It keeps older ones, too.
    #[default]
    Two,
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultSetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// The namespace cannot be sent.
    #[error("the namespace cannot be sent in a header")]
    Namespace,
}

/// A client of Vault. Cheap to clone; clones share their token.
#[derive(Clone)]
pub struct Vault(Arc<Shared>);

struct Shared {
    http: Http,
    addr: String,
    mount: String,
    kv: KvVersion,
    namespace: Option<HeaderValue>,
    login: Login,
    token: Mutex<Option<Arc<Token>>>,
    /// There is another token.
    logged_in: Notify,
    logging_in: OneAtATime<Result<Arc<Token>, VaultError>>,
}

/// A secret, and nothing of its metadata: in `data` of version 1, in `data.data` of version 2.
#[derive(Deserialize)]
struct KvAnswer {
    data: Option<serde_json::Map<String, Value>>,
}

impl KvAnswer {
    fn fields(self, kv: KvVersion) -> Option<serde_json::Map<String, Value>> {
        let mut data = self.data?;
        match kv {
            KvVersion::One => Some(data),
            // Deleted, or of version 1: there is none.
            KvVersion::Two => match data.remove("data")? {
                Value::Object(fields) => Some(fields),
                _ => None,
            },
        }
    }
}

impl Vault {
    /// A client. Asks nobody.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the namespace cannot be sent.
    pub fn new(config: VaultConfig) -> Result<Self, VaultSetupError> {
        let namespace = config.namespace.map(HeaderValue::try_from).transpose();
        Ok(Self(Arc::new(Shared {
            addr: config.addr.to_string(),
            http: match &config.ca_file {
                None => Http::new(config.addr, config.timeout)?,
                Some(file) => Http::trusting(config.addr, config.timeout, file)?,
            },
            mount: config.mount,
            kv: config.kv,
            namespace: namespace.map_err(|_| VaultSetupError::Namespace)?,
            login: config.login,
            token: Mutex::new(None),
            logged_in: Notify::new(),
            logging_in: OneAtATime::new(),
        })))
    }

    /// One field of a secret, in its newest version.
    ///
    /// # Errors
    /// When Vault does not give it; see [`VaultError::is_passing`].
    pub async fn read(&self, path: &str, field: &str) -> Result<SecretString, VaultError> {
        let response = self.secret(path).await?;
        let answer: Option<KvAnswer> = serde_json::from_slice(&response.body).ok();
        let Some(answer) = answer.filter(|_| response.complete) else {
            let cause = "what it answered is no secret".to_owned();
            return Err(self.away(cause));
        };
        let fields = answer.fields(self.0.kv);
        let fields = fields.ok_or_else(|| self.not_found(path))?;
        let (path, field) = (path.to_owned(), field.to_owned());
        match fields.get(&field) {
            None => Err(VaultError::NoField { path, field }),
            Some(Value::String(text)) => Ok(text.as_str().into()),
            Some(_) => Err(VaultError::NotText { path, field }),
        }
    }

    /// Logs in, unless that has been done.
    ///
    /// # Errors
    /// When Vault is away, or refuses it.
    pub async fn ensure_logged_in(&self) -> Result<(), VaultError> {
        self.token(None).await.map(|_| ())
    }

    /// Whether it is there, unsealed, and may be read from.
    ///
    /// # Errors
    /// When it is not. Asks without a token.
    pub async fn health(&self) -> Result<(), VaultError> {
        let query = [("standbyok", "true"), ("perfstandbyok", "true")];
        let request = Request::get("/v1/sys/health").query(query);
        match self.request(None, request).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.trouble(&error)),
        }
    }

    /// Reads a secret with whatever token is good for it.
    async fn secret(&self, path: &str) -> Result<Response, VaultError> {
        let mut refused = None;
        loop {
            let token = self.token(refused).await?;
            let at = format!("/v1/{}", self.policy_path(path));
            let error = match self.request(Some(&token), Request::get(at)).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            match error.response().map(|response| response.status) {
                Some(StatusCode::FORBIDDEN) => {
                    if refused.is_some() || !self.may_be_over(&token).await? {
                        return Err(VaultError::Forbidden {
                            path: self.policy_path(path),
                        });
                    }
                    refused = Some(token.number);
                }
                Some(StatusCode::NOT_FOUND) => return Err(self.not_found(path)),
                _ => return Err(self.trouble(&error)),
            }
        }
    }

    fn not_found(&self, path: &str) -> VaultError {
        VaultError::NotFound {
            path: self.policy_path(path),
        }
    }

    /// A secret's path, as policies and requests have it.
    fn policy_path(&self, path: &str) -> String {
        match self.0.kv {
            KvVersion::One => format!("{}/{path}", self.0.mount),
            KvVersion::Two => format!("{}/data/{path}", self.0.mount),
        }
    }

    /// Asks, and asks again a few times where Vault says that it takes a moment: its nodes do not agree yet (412), or
    /// too many ask (429).
    async fn request(
        &self,
        token: Option<&Token>,
        request: Request,
    ) -> Result<Response, ProviderError> {
        let mut request = request.header(REQUEST, HeaderValue::from_static("true"));
        if let Some(token) = token {
            request = request.header(TOKEN, token.header.clone());
        }
        if let Some(namespace) = &self.0.namespace {
            request = request.header(NAMESPACE, namespace.clone());
        }
        let mut tries = 1;
        loop {
            let error = match self.0.http.send_ungated(request.clone()).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let moment = match (&error, error.response().map(|response| response.status)) {
                (_, Some(StatusCode::PRECONDITION_FAILED)) => Duration::from_millis(100) * tries,
                (
                    ProviderError::Throttled { retry_after, .. },
                    Some(StatusCode::TOO_MANY_REQUESTS),
                ) => (*retry_after).min(LONGEST_MOMENT),
                _ => return Err(error),
            };
            if tries == TRIES {
                return Err(error);
            }
            tries += 1;
            sleep(moment).await;
        }
    }

    fn current(&self) -> Option<Arc<Token>> {
        // What is behind the lock is replaced and never changed.
        let token = self.0.token.lock();
        token.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, token: &Arc<Token>) {
        let place = self.0.token.lock();
        *place.unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(token));
        self.0.logged_in.notify_waiters();
    }
}

/// Whether a text can be a mount: a path, as it stands in URLs.
#[must_use]
pub fn is_mount(text: &str) -> bool {
    let as_path = format!("vault:{text}");
    matches!(Reference::parse(&as_path), Ok(Reference::Vault { path, .. }) if path == text)
}

/// Shows no credential.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("addr", &self.0.addr)
            .field("mount", &self.0.mount)
            .field("login", &self.0.login)
            .finish_non_exhaustive()
    }
}
