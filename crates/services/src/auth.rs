//! How a service knows us: five ways.

use std::fmt;

use longshore_job::{JobError, Run};
use longshore_provider::secret::{ExposeSecret, HeaderSecret, Secret};
use longshore_provider::{HeaderName, Request, basic};

use crate::token::{Token, TokenSource};

/// How requests to a service are signed for.
#[derive(Clone)]
pub enum AuthMethod {
    /// Not at all.
    None,
    /// `Authorization: Bearer <token>`.
    Bearer(AuthHeader),
    /// `Authorization: Basic <base64 of user:password>`.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// The secret in a header of the service's own.
    Header {
        /// The header.
        name: HeaderName,
        /// What stands in it.
        value: AuthHeader,
    },
    /// A token that is fetched with client credentials, as OAuth 2.0 has it (RFC 6749, section 4.4).
    OAuth2(TokenSource),
}

/// A secret that can stand in a header.
#[derive(Clone)]
pub struct AuthHeader {
    secret: Secret,
    header: HeaderSecret,
}

/// The secret cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has characters that cannot be sent in a header, such as a line break")]
pub struct InvalidCredentials;

impl AuthHeader {
    /// From now on the secret takes no value that cannot stand in a header.
    ///
    /// # Errors
    /// When the one it has cannot.
    pub fn new(secret: Secret) -> Result<Self, InvalidCredentials> {
        let header = HeaderSecret::new(secret.clone()).map_err(|_| InvalidCredentials)?;
        Ok(Self { secret, header })
    }
}

impl AuthMethod {
    /// The secrets behind it: where one of them changes, what was refused before may be accepted.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::None => Vec::new(),
            Self::Bearer(header) | Self::Header { value: header, .. } => {
                vec![header.secret.clone()]
            }
            Self::Basic { password, .. } => vec![password.clone()],
            Self::OAuth2(source) => vec![source.secret().clone()],
        }
    }

    /// The request with our credentials, and the token that they are, if they are one; and whether that is new.
    ///
    /// # Errors
    /// When a token is needed and cannot be fetched. Nothing was sent to the service.
    pub(crate) async fn sign(
        &self,
        run: &Run,
        request: Request,
    ) -> Result<(Request, Option<(Token, bool)>), JobError> {
        Ok(match self {
            Self::None => (request, None),
            Self::Bearer(value) => (request.authorization(value.header.bearer()), None),
            Self::Basic { user, password } => (
                request.authorization(basic(user, &password.current())),
                None,
            ),
            Self::Header { name, value } => {
                (request.header(name.clone(), value.header.bare()), None)
            }
            Self::OAuth2(source) => {
                let (token, is_new) = source.get(run).await?;
                let signed = request.authorization(token.header());
                (signed, Some((token, is_new)))
            }
        })
    }

    /// The request with another token, after the service has refused this one. `None` where there are no tokens.
    ///
    /// # Errors
    /// When the other token cannot be fetched.
    pub(crate) async fn sign_anew(
        &self,
        run: &Run,
        request: Request,
        refused: &Token,
    ) -> Result<Option<(Request, Token)>, JobError> {
        let Self::OAuth2(source) = self else {
            return Ok(None);
        };
        let token = source.replace(run, refused).await?;
        Ok(Some((request.authorization(token.header()), token)))
    }

    /// What no reason may hold.
    pub(crate) fn exposed(&self, token: Option<&Token>) -> Vec<String> {
        let secrets = self.secrets().into_iter();
        let secrets = secrets.map(|secret| secret.current().expose_secret().to_owned());
        let token = token.map(|token| token.expose().to_owned());
        secrets.chain(token).collect()
    }
}

/// Shows no secret.
impl fmt::Debug for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bearer(_) => "Bearer",
            Self::Basic { .. } => "Basic",
            Self::Header { .. } => "Header",
            Self::OAuth2(_) => "OAuth2",
        })
    }
}

/// Shows no secret.
impl fmt::Debug for AuthHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthHeader").finish_non_exhaustive()
    }
}
