//! OAuth 2.0 tokens by client credentials: fetched once for a process, and renewed before they end.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use longshore_job::{Answer, JobError, Run, Scope};
use longshore_provider::secret::{ExposeSecret, Secret, SecretString, SecretVersion};
use longshore_provider::{
    HeaderValue, Http, HttpSetupError, Origin, ProviderError, Request, Response, basic, bearer,
    word,
};
use serde_json::Value;

/// How long a token lasts whose end the endpoint does not say.
const UNSAID: Duration = Duration::from_secs(300);

/// No token counts as longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How long before its end a token is renewed; a tenth of its time where that is less.
const MARGIN: Duration = Duration::from_secs(60);

/// How long nobody asks an endpoint again that is in trouble and names no time.
const WAIT: Duration = Duration::from_secs(10);

/// The errors of the endpoint that are about our credentials (RFC 6749, section 5.2).
const REFUSALS: [&str; 4] = [
    "invalid_client",
    "unauthorized_client",
    "invalid_grant",
    "invalid_scope",
];

/// Where tokens are fetched, and with what.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// The service, as configuration has it.
    pub service: &'static str,
    /// The origin of the endpoint.
    pub origin: Origin,
    /// Its path there.
    pub path: String,
    /// Our id there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret,
    /// What the token is for.
    pub scope: Option<String>,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// Tokens of one service. Clones share them.
#[derive(Clone)]
pub struct TokenSource(Arc<Shared>);

struct Shared {
    config: TokenConfig,
    http: Http,
    /// A std Mutex: it is never held across an await.
    current: Mutex<Option<Token>>,
    /// One fetches; the others wait, and take what came of it.
    fetching: tokio::sync::Mutex<()>,
}

/// A token.
#[derive(Clone)]
pub(crate) struct Token {
    value: SecretString,
    header: HeaderValue,
    renew_at: Instant,
    /// The client secret that it was fetched with.
    of: SecretVersion,
}

impl Token {
    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    pub(crate) fn expose(&self) -> &str {
        self.value.expose_secret()
    }
}

impl TokenSource {
    /// None fetched yet. Asks nobody.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: TokenConfig) -> Result<Self, HttpSetupError> {
        let http = Http::new(config.origin.clone(), config.timeout)?;
        Ok(Self(Arc::new(Shared {
            config,
            http,
            current: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        })))
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.0.config.client_secret
    }

    /// The token in use, or a new one where that is about to end; and whether it is new.
    pub(crate) async fn get(&self, run: &Run) -> Result<(Token, bool), JobError> {
        if let Some(token) = self.good() {
            return Ok((token, false));
        }
        let _one = self.0.fetching.lock().await;
        match self.good() {
            Some(token) => Ok((token, false)),
            None => Ok((self.fetch(run).await?, true)),
        }
    }

    /// Another token than this one, which the service has refused.
    pub(crate) async fn replace(&self, run: &Run, refused: &Token) -> Result<Token, JobError> {
        let _one = self.0.fetching.lock().await;
        match self.good() {
            // Somebody else was refused before.
            Some(other) if other.expose() != refused.expose() => Ok(other),
            _ => self.fetch(run).await,
        }
    }

    fn good(&self) -> Option<Token> {
        let token = self.current().clone()?;
        let is_good = token.of == self.secret().version() && Instant::now() < token.renew_at;
        is_good.then_some(token)
    }

    fn current(&self) -> MutexGuard<'_, Option<Token>> {
        // It is replaced as a whole.
        self.0
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches one. The endpoint is another party than the service: it has no part in the service's limits, and whatever its trouble is,
    /// it costs the job no attempt.
    async fn fetch(&self, run: &Run) -> Result<Token, JobError> {
        let config = &self.0.config;
        let (of, fetched_at) = (config.client_secret.version(), Instant::now());
        // As RFC 6749, section 2.3.1, has it: both as in a form, then as Basic.
        let secret = config.client_secret.current();
        let secret = SecretString::from(as_in_form(secret.expose_secret()));
        let scope = config.scope.as_deref().map(|scope| ("scope", scope));
        let grant = [("grant_type", "client_credentials")];
        let request = Request::post(config.path.as_str())
            .form(grant.into_iter().chain(scope))
            .authorization(basic(&as_in_form(&config.client_id), &secret));
        let answered = self.0.http.read(&run.elsewhere(), request).await;
        let response = answered.map_err(|error| self.failed(&error))?;
        let token = self.read(&response, of, fetched_at);
        let token = token.ok_or_else(|| self.trouble("answered without a bearer token", None))?;
        *self.current() = Some(token.clone());
        Ok(token)
    }

    fn read(&self, response: &Response, of: SecretVersion, fetched_at: Instant) -> Option<Token> {
        let body: Value = serde_json::from_slice(&response.body).ok()?;
        let is_bearer = |kind: &Value| {
            kind.as_str()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
        };
        if !body.get("token_type").is_none_or(is_bearer) {
            return None;
        }
        let value = SecretString::from(body.get("access_token")?.as_str()?);
        let header = bearer(&value).ok()?;
        let seconds = body.get("expires_in").and_then(|ends| match ends {
            Value::String(text) => text.parse().ok(),
            ends => ends.as_f64(),
        });
        let lasts = seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .unwrap_or(UNSAID)
            .min(LONGEST);
        Some(Token {
            value,
            header,
            renew_at: fetched_at + lasts.saturating_sub(MARGIN.min(lasts / 10)),
            of,
        })
    }

    /// What follows where the endpoint gave no token.
    fn failed(&self, error: &ProviderError) -> JobError {
        let Some(response) = error.response() else {
            return match error {
                ProviderError::NeverSent { cause } => JobError::NotReached {
                    reason: format!(
                        "the token endpoint of {} was not reached: {cause}",
                        self.name()
                    ),
                    answer: self.answer("token endpoint not reached", None),
                },
                _ => self.trouble("gave no answer", None),
            };
        };
        let status = response.status.as_u16();
        let body: Option<Value> = serde_json::from_slice(&response.body).ok();
        let code = body.as_ref().and_then(|body| body.get("error")?.as_str());
        let code = code.and_then(word);
        let is_refusal = code.is_some_and(|code| REFUSALS.contains(&code));
        if status == 401 || (matches!(status, 400 | 403) && is_refusal) {
            let code = code.unwrap_or("401");
            let name = self.name();
            return JobError::Unauthorized {
                reason: format!(
                    "the token endpoint of {name} refuses client_id and client_secret: {code}"
                ),
                answer: self.answer(&format!("token {code}"), Some(status)),
            };
        }
        let wait = match error {
            ProviderError::Throttled { retry_after, .. } => Some(*retry_after),
            _ => None,
        };
        self.trouble(&format!("answered {status}"), wait)
    }

    fn trouble(&self, what: &str, wait: Option<Duration>) -> JobError {
        JobError::Throttled {
            retry_after: wait.unwrap_or(WAIT),
            scope: Scope::Provider,
            reason: format!("the token endpoint of {} {what}", self.name()),
            answer: self.answer("token endpoint", None),
        }
    }

    fn answer(&self, code: &str, status: Option<u16>) -> Answer {
        Answer {
            code: Some(code.to_owned()),
            status,
            ..Answer::of(self.name()).quoting_nothing()
        }
    }

    fn name(&self) -> &'static str {
        self.0.config.service
    }
}

fn as_in_form(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Shows no token.
impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("service", &self.name())
            .finish_non_exhaustive()
    }
}
