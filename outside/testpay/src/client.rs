//! testpay over HTTP.
//!
//! Its requests go [elsewhere](Run::elsewhere) than the queue's, which is Stripe's: neither do Stripe's limits hold them
//! back, nor do their failures count for Stripe's breaker.

use std::time::Duration;

use longshore_job::Run;
use longshore_provider::secret::{HeaderSecret, Secret};
use longshore_provider::{
    CallError, HeaderName, Http, HttpSetupError, InvalidCredential, Origin, Request, Response,
    decode as understood,
};
use serde::de::DeserializeOwned;

/// The provider's name, as configuration, results and the mapping have it.
pub(crate) const NAME: &str = "testpay";

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How testpay is reached: the section `providers.testpay`.
#[derive(Debug, Clone)]
pub struct TestPayConfig {
    /// Its origin: where the sandbox listens.
    pub base_url: Origin,
    /// The API key.
    pub api_key: Secret,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// A client of testpay. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct TestPay {
    http: Http,
    api_key: HeaderSecret,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// The key cannot be sent.
    #[error(transparent)]
    Key(#[from] InvalidCredential),
}

impl TestPay {
    /// A client.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the key has characters that no header can carry.
    pub fn new(config: &TestPayConfig) -> Result<Self, SetupError> {
        Ok(Self {
            http: Http::new(config.base_url.clone(), config.timeout)?,
            api_key: HeaderSecret::new(config.api_key.clone())?,
        })
    }

    /// `GET /v1/<objects>/<id or reference>`
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        run: &Run,
        objects: &str,
        id: &str,
    ) -> Result<T, CallError> {
        let request = self.signed(Request::get(at(objects, id, "")?));
        understood(&self.http.read(&run.elsewhere(), request).await?)
    }

    /// `GET /v1/<objects>?<query>`
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        run: &Run,
        objects: &str,
        query: &[(&str, &str)],
    ) -> Result<T, CallError> {
        let request = Request::get(format!("/v1/{objects}")).query(query.iter().copied());
        let request = self.signed(request);
        understood(&self.http.read(&run.elsewhere(), request).await?)
    }

    /// A POST under a reference, which goes out once.
    pub(crate) async fn post(&self, run: &Run, request: Request) -> Result<Response, CallError> {
        let request = self.signed(request);
        Ok(self.http.send(&run.elsewhere(), request).await?)
    }

    fn signed(&self, request: Request) -> Request {
        request.header(API_KEY, self.api_key.bare())
    }
}

/// `/v1/<objects>/<id><more>`
pub(crate) fn at(objects: &str, id: &str, more: &str) -> Result<String, CallError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    match !id.is_empty() && id.bytes().all(plain) {
        true => Ok(format!("/v1/{objects}/{id}{more}")),
        // It would have been part of the URL.
        false => Err(CallError::NotAsked {
            code: "not an id",
            reason: "the id is none of testpay's: letters, digits, _ and - only".to_owned(),
        }),
    }
}
