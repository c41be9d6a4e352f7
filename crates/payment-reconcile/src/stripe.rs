//! Stripe's API of version 2023-10-16, as far as payments need it.
//!
//! This file knows how Stripe is spoken to; what is read is in [`event`], [`payment_intent`], [`charge`], [`money_back`],
//! [`invoice`], [`subscription`] and [`list`], what is written in [`mod@write`], and how a write is made only once in [`once`].

mod charge;
mod event;
mod invoice;
mod linked;
mod list;
mod look;
mod money_back;
mod once;
mod payment_intent;
mod payments;
mod refunding;
mod subscription;
mod throttle;
mod write;

use longshore_job::Run;
use longshore_provider::secret::{ExposeSecret, HeaderSecret};
use longshore_provider::{
    HeaderName, HeaderValue, Http, HttpSetupError, InvalidCredential, Request, Response,
    decode as understood,
};
use serde::de::DeserializeOwned;

use crate::StripeConfig;
pub(crate) use charge::{Charge, MoneyBack};
pub(crate) use event::Event;
pub(crate) use invoice::Invoice;
pub(crate) use linked::{Linked, WithMetadata};
pub(crate) use list::{ListPage, Listed};
pub(crate) use longshore_provider::CallError;
pub(crate) use money_back::{Dispute, Refund};
#[cfg(test)]
pub(crate) use payment_intent::LastError;
pub(crate) use payment_intent::{IntentStatus, PaymentIntent};
pub(crate) use subscription::Subscription;
use throttle::Throttle;

/// The provider's name, as configuration and metrics have it.
pub(crate) const NAME: &str = "stripe";

/// Sent with each request: what an answer looks like is not left to the account's settings.
const VERSION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("stripe-version"),
    HeaderValue::from_static("2023-10-16"),
);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A client of Stripe. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Stripe {
    http: Http,
    secret_key: HeaderSecret,
    live: bool,
    throttle: Throttle,
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// The key cannot be sent.
    #[error(transparent)]
    Key(#[from] InvalidCredential),
}

impl Stripe {
    /// For so long after a request its idempotency key is surely remembered; older ones are looked for first.
    pub const KEY_LIFE: std::time::Duration = once::KEY_LIFE;

    /// A client.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the key has characters that no header can carry.
    pub fn new(config: &StripeConfig) -> Result<Self, SetupError> {
        let key = config.secret_key.current();
        Ok(Self {
            http: Http::new(config.base_url.clone(), config.timeout)?,
            secret_key: HeaderSecret::new(config.secret_key.clone())?,
            live: ["sk_live_", "rk_live_"]
                .iter()
                .any(|prefix| key.expose_secret().starts_with(prefix)),
            throttle: Throttle::default(),
        })
    }

    /// Whether the key is one for real money.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// An event. Stripe has them for 30 days.
    pub(crate) async fn event(&self, run: &Run, id: &str) -> Result<Event, CallError> {
        self.read(run, Request::get(at("events", id, "")?)).await
    }

    /// A payment intent, with its last charge.
    pub(crate) async fn payment_intent(
        &self,
        run: &Run,
        id: &str,
    ) -> Result<PaymentIntent, CallError> {
        let path = at("payment_intents", id, "")?;
        self.read(run, Request::get(path).query(expanded(["latest_charge"])))
            .await
    }

    /// A subscription, also one that has ended.
    pub(crate) async fn subscription(
        &self,
        run: &Run,
        id: &str,
    ) -> Result<Subscription, CallError> {
        let path = at("subscriptions", id, "")?;
        self.read(run, Request::get(path)).await
    }

    /// Up to 100 payment intents of a time with their last charges, newest first.
    pub(crate) async fn payment_intents(
        &self,
        run: &Run,
        page: &ListPage<'_>,
    ) -> Result<Listed<PaymentIntent>, CallError> {
        let filter = [("expand[]", "data.latest_charge")];
        self.list(run, "/v1/payment_intents", page, &filter).await
    }

    async fn read<T: DeserializeOwned>(&self, run: &Run, request: Request) -> Result<T, CallError> {
        let response = self.http.read(run, self.signed(request)).await;
        understood(&response.map_err(|error| self.throttle.name_wait(error))?)
    }

    /// A POST under an idempotency key, which goes out once.
    async fn post(
        &self,
        run: &Run,
        path: String,
        key: &str,
        form: String,
    ) -> Result<Response, CallError> {
        let key = HeaderValue::try_from(key)
            .unwrap_or_else(|error| unreachable!("keys are made of ids and words: {error}"));
        let request = Request::post(path).encoded_form(form);
        let request = self.signed(request).header(IDEMPOTENCY_KEY, key);
        let response = self.http.send(run, request).await;
        Ok(response.map_err(|error| self.throttle.name_wait(error))?)
    }

    /// A DELETE, which takes no key: what is gone cannot go again.
    async fn delete(&self, run: &Run, request: Request) -> Result<Response, CallError> {
        let response = self.http.send(run, self.signed(request)).await;
        Ok(response.map_err(|error| self.throttle.name_wait(error))?)
    }

    fn signed(&self, request: Request) -> Request {
        let (name, value) = VERSION;
        request
            .authorization(self.secret_key.bearer())
            .header(name, value)
    }
}

/// What Stripe is to write as objects, not as ids.
fn expanded<const N: usize>(what: [&str; N]) -> [(&str, &str); N] {
    what.map(|what| ("expand[]", what))
}

/// `/v1/<objects>/<id><more>`
fn at(objects: &str, id: &str, more: &str) -> Result<String, CallError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    match !id.is_empty() && id.bytes().all(plain) {
        true => Ok(format!("/v1/{objects}/{id}{more}")),
        // It would have been part of the URL.
        false => Err(CallError::NotAsked {
            code: "not an id",
            reason: "the id is none of Stripe's: letters, digits, _ and - only".to_owned(),
        }),
    }
}
