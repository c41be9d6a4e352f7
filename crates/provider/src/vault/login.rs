//! The ways to log in.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::token::Token;
use super::{Vault, VaultError, error};
use crate::secret::local::resolve;
use crate::{ProviderError, Request};

const TOKEN_KEY: &str = "providers.vault.token";
const ROLE_ID_KEY: &str = "providers.vault.role_id";
const SECRET_ID_KEY: &str = "providers.vault.secret_id";
const JWT_KEY: &str = "providers.vault.kubernetes_jwt";
const JWT_LOGIN_KEY: &str = "providers.vault.jwt";

/// What proves who we are. What is secret in it may be a reference (`env:`, `file:`), and is followed at each login:
/// credentials that somebody writes anew are taken as they come.
#[derive(Clone)]
pub enum Login {
    /// A token that somebody else has made.
    Token(SecretString),
    /// AppRole.
    AppRole {
        /// The role's id.
        role_id: SecretString,
        /// Its secret id.
        secret_id: SecretString,
        /// Where the method is mounted, `approle` as a rule.
        mount: String,
    },
    /// Kubernetes: the token of the pod's service account.
    Kubernetes {
        /// The role.
        role: String,
        /// Where the service account's token is; Kubernetes writes it anew every hour.
        jwt: PathBuf,
        /// Where the method is mounted, `kubernetes` as a rule.
        mount: String,
    },
    /// A JSON Web Token that somebody whom Vault trusts has signed: a CI system, a cloud, a cluster's OIDC issuer.
    Jwt {
        /// The role.
        role: String,
        /// The token.
        jwt: SecretString,
        /// Where the method is mounted, `jwt` as a rule.
        mount: String,
    },
}

#[derive(Deserialize)]
struct LoginAnswer {
    auth: Auth,
}

/// What a login or a renewal gives.
#[derive(Deserialize)]
pub(super) struct Auth {
    client_token: SecretString,
    /// In seconds; 0 = for ever.
    lease_duration: u64,
    renewable: bool,
}

#[derive(Deserialize)]
struct LookedUp {
    data: TokenData,
}

#[derive(Deserialize)]
struct TokenData {
    /// In seconds; 0 = for ever.
    ttl: u64,
    renewable: bool,
}

impl Vault {
    pub(super) async fn log_in(&self, number: u64) -> Result<Token, VaultError> {
        match &self.0.login {
            Login::Token(token) => self.look_up(follow(TOKEN_KEY, token)?, number).await,
            Login::AppRole {
                role_id,
                secret_id,
                mount,
            } => {
                let role_id = follow(ROLE_ID_KEY, role_id)?;
                let secret_id = follow(SECRET_ID_KEY, secret_id)?;
                let body = json!({
                    "role_id": role_id.expose_secret(),
                    "secret_id": secret_id.expose_secret(),
                });
                let keys = "providers.vault.role_id and .secret_id";
                self.log_in_by("AppRole", mount, keys, &body, number).await
            }
            Login::Kubernetes { role, jwt, mount } => {
                let jwt = follow(JWT_KEY, &format!("file:{}", jwt.display()).into())?;
                let body = json!({ "role": role, "jwt": jwt.expose_secret() });
                let keys = "providers.vault.kubernetes_role and the role's bound service accounts";
                self.log_in_by("Kubernetes", mount, keys, &body, number)
                    .await
            }
            Login::Jwt { role, jwt, mount } => {
                let jwt = follow(JWT_LOGIN_KEY, jwt)?;
                let body = json!({ "role": role, "jwt": jwt.expose_secret() });
                let keys = "providers.vault.jwt_role and the role's bound claims, and whether providers.vault.jwt is over";
                self.log_in_by("JWT", mount, keys, &body, number).await
            }
        }
    }

    async fn log_in_by(
        &self,
        method: &'static str,
        mount: &str,
        keys: &'static str,
        body: &Value,
        number: u64,
    ) -> Result<Token, VaultError> {
        let request = Request::post(format!("/v1/auth/{mount}/login")).json(body);
        let request =
            request.unwrap_or_else(|error| unreachable!("a map of texts is JSON: {error}"));
        let asked = Instant::now();
        let response = self.request(None, request).await.map_err(|error| {
            // 400 is a wrong secret id, 403 a wrong role or service account, 404 no such method.
            match error.response() {
                Some(response) if response.status.is_client_error() => VaultError::LoginRefused {
                    method,
                    said: error::message_of(response),
                    keys,
                },
                _ => self.trouble(&error),
            }
        })?;
        let auth = self.auth(&response.body)?;
        let header = self.header(&auth.client_token)?;
        Ok(Token {
            header,
            number,
            logged_in: asked,
            counted_from: asked,
            ttl: auth.ttl(),
            renewable: auth.renewable,
        })
    }

    /// What is known of a token that was given to us.
    async fn look_up(&self, token: SecretString, number: u64) -> Result<Token, VaultError> {
        let asked = Instant::now();
        let mut token = Token {
            header: self.header(&token)?,
            number,
            logged_in: asked,
            counted_from: asked,
            ttl: None,
            renewable: false,
        };
        let request = Request::get("/v1/auth/token/lookup-self");
        match self.request(Some(&token), request).await {
            Ok(response) => {
                let known = serde_json::from_slice::<LookedUp>(&response.body);
                let LookedUp { data } = known.map_err(|_| self.no_login())?;
                token.ttl = lifetime(data.ttl);
                token.renewable = data.renewable;
                Ok(token)
            }
            Err(ProviderError::Rejected { response })
                if response.status == StatusCode::FORBIDDEN =>
            {
                Err(VaultError::LoginRefused {
                    method: "token",
                    said: error::message_of(&response),
                    keys: "providers.vault.token: it may be over, or lack the policy `default`",
                })
            }
            Err(error) => Err(self.trouble(&error)),
        }
    }

    pub(super) fn auth(&self, body: &[u8]) -> Result<Auth, VaultError> {
        let answer = serde_json::from_slice::<LoginAnswer>(body);
        answer
            .map(|answer| answer.auth)
            .map_err(|_| self.no_login())
    }

    fn header(&self, token: &SecretString) -> Result<HeaderValue, VaultError> {
        let header = HeaderValue::from_str(token.expose_secret());
        let mut header = header.map_err(|_| VaultError::NoCredential {
            key: TOKEN_KEY,
            cause: "it has characters that cannot be sent in a header".to_owned(),
        })?;
        header.set_sensitive(true);
        Ok(header)
    }

    fn no_login(&self) -> VaultError {
        self.away("what it answered is no login".to_owned())
    }
}

impl Auth {
    pub(super) fn ttl(&self) -> Option<Duration> {
        lifetime(self.lease_duration)
    }

    pub(super) fn renewable(&self) -> bool {
        self.renewable
    }
}

/// No token counts as longer: what is reckoned with its time stays within what a `Duration` holds.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

fn lifetime(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds).min(LONGEST))
}

/// Follows a reference to one of Vault's own credentials.
fn follow(key: &'static str, reference: &SecretString) -> Result<SecretString, VaultError> {
    resolve(reference.expose_secret()).map_err(|error| VaultError::NoCredential {
        key,
        cause: error.to_string(),
    })
}

/// Shows the method and what is no secret.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token"),
            Self::AppRole { mount, .. } => write!(f, "AppRole({mount})"),
            Self::Kubernetes { role, mount, .. } => write!(f, "Kubernetes({mount}, {role})"),
            Self::Jwt { role, mount, .. } => write!(f, "Jwt({mount}, {role})"),
        }
    }
}
