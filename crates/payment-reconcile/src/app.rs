//! The app: payment effects delivered to it, and its ledger read.
//!
//! The app is our own, and no provider: its requests go [elsewhere](Run::elsewhere) than to Stripe, so that neither
//! Stripe's limits hold them back nor their failures count for Stripe's breaker. It knows us by a signature over the
//! body, see [`signature`], and an effect by its `Idempotency-Key`.

mod effect;
mod error;
mod ledger;
mod signature;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use longshore_job::{JobError, Run};
use longshore_provider::secret::Secret;
use longshore_provider::{
    HeaderName, HeaderValue, Http, HttpSetupError, Origin, Request, Response,
};
use serde_json::value::to_raw_value;

pub(crate) use effect::{Effect, EffectAnswer, EffectKind};
use ledger::Unread;
pub(crate) use ledger::{LedgerPage, LedgerPayment, LedgerStatus};
use signature::Signer;

/// The app's name in answers, as configuration has it.
pub(crate) const NAME: &str = "app";

/// What is wrong with an answer of which not all came.
const BROKE_OFF: &str = "its body broke off";

const EFFECTS: &str = "/payments/effects";
const PAYMENTS: &str = "/payments";

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const SIGNATURE: HeaderName = HeaderName::from_static("longshore-signature");

/// How the app is reached: the section `app`.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// Its origin.
    pub base_url: Origin,
    /// What requests are signed with. The app has the same.
    pub secret: Secret,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// A client of the app. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct AppClient {
    http: Http,
    signer: Signer,
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppSetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// Everybody could sign with an empty one.
    #[error("the app's secret is empty")]
    NoSecret,
}

impl AppClient {
    /// A client.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the secret is empty.
    pub fn new(config: &AppConfig) -> Result<Self, AppSetupError> {
        let signer = Signer::new(&config.secret).ok_or(AppSetupError::NoSecret)?;
        let http = Http::new(config.base_url.clone(), config.timeout)?;
        Ok(Self { http, signer })
    }

    /// Tells the app of an effect: `POST /payments/effects`. To be called through
    /// [`deliver`](crate::events::deliver), which remembers what was told.
    ///
    /// # Errors
    /// When the app has not said that it took it. It may have: telling it again, under the same key, is harmless.
    pub(crate) async fn effect(
        &self,
        run: &Run,
        effect: &Effect,
    ) -> Result<EffectAnswer, JobError> {
        // Written once, so that what is signed is what is sent, byte for byte.
        let body = to_raw_value(effect).map_err(|error| {
            JobError::permanent(format!("the effect cannot be written as JSON: {error}"))
        })?;
        let key = HeaderValue::try_from(&effect.event_id)
            .map_err(|_| JobError::permanent("the event's id cannot be sent in a header"))?;
        let request = Request::post(EFFECTS)
            .header(IDEMPOTENCY_KEY, key)
            .header(SIGNATURE, self.sign(body.get().as_bytes()));
        let request = request.json(&body).map_err(|error| {
            JobError::permanent(format!("the effect cannot be written as JSON: {error}"))
        })?;
        let response = self.http.send(&run.elsewhere(), request).await;
        let response = response.map_err(error::of_answer)?;
        match effect.effect.has_contact() {
            true if !response.complete => Err(error::not_understood(response, BROKE_OFF)),
            true => Ok(EffectAnswer::read(&response.body)),
            false => Ok(EffectAnswer::default()),
        }
    }

    /// A page of the payments that were created since `from` and before `to`: `GET /payments`. `cursor` is the `next`
    /// of the page before.
    ///
    /// # Errors
    /// When there is no page, or one in which something is missing that money hangs on.
    pub(crate) async fn payments(
        &self,
        run: &Run,
        from: Timestamp,
        to: Timestamp,
        cursor: Option<&str>,
    ) -> Result<LedgerPage, JobError> {
        let (from, to) = (from.to_string(), to.to_string());
        let window = [("from", &*from), ("to", &*to)];
        let cursor = cursor.map(|cursor| ("cursor", cursor));
        let request = Request::get(PAYMENTS)
            .query(window.into_iter().chain(cursor))
            .header(SIGNATURE, self.sign(b""));
        let response = self.http.read(&run.elsewhere(), request).await;
        let response: Response = response.map_err(error::of_answer)?;
        if !response.complete {
            return Err(error::not_understood(response, BROKE_OFF));
        }
        let page = LedgerPage::read(&response.body);
        page.map_err(|Unread(why)| {
            error::not_understood(response, &format!("that is no page of payments: {why}"))
        })
    }

    fn sign(&self, body: &[u8]) -> HeaderValue {
        let signature = self.signer.sign(Timestamp::now().as_second(), body);
        HeaderValue::try_from(signature)
            .unwrap_or_else(|error| unreachable!("digits and letters: {error}"))
    }
}

/// Shows no secret.
impl fmt::Debug for AppClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppClient")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
