//! testpay's events, posted to `/webhooks/testpay`: `{"id":"tp_evt_…"}`, signed in the header `Testpay-Signature`. The job asks
//! testpay what the event is about, so nothing else is read here.

use std::time::UNIX_EPOCH;

use longshore_integration::{Context, Event, EventJob, Posted, Read, Refusal, SetUpError, Source};
use longshore_job::Prepared;
use longshore_payment_reconcile::ApplyPaymentEvent;
use longshore_provider::secret::{ExposeSecret, Secret};
use ring::hmac;
use serde::Deserialize;

use crate::client::NAME;
use crate::settings::TestPaySettings;

/// How far the time of a signature may be from now, in seconds.
const TOLERANCE: u64 = 300;

struct TestPayEvents(Secret);

#[derive(Deserialize)]
struct Notification {
    id: String,
}

/// The source, if testpay is on and its events are signed.
pub(crate) async fn source(context: Context<'_>) -> Result<Option<Box<dyn Source>>, SetUpError> {
    let Some(settings) = context.get::<TestPaySettings>() else {
        return Ok(None);
    };
    let Some(secret) = &settings.webhook_secret else {
        return Ok(None);
    };
    let secret = context
        .secret(TestPaySettings::WEBHOOK_SECRET, secret)
        .await?;
    Ok(Some(Box::new(TestPayEvents(secret))))
}

impl Source for TestPayEvents {
    fn read(&self, posted: &Posted<'_>) -> Result<Read, Refusal> {
        self.verify(posted)?;
        let no_event = Refusal::BadRequest("the body is no event of testpay's");
        let notification: Notification =
            serde_json::from_slice(posted.body).map_err(|_| no_event)?;
        let job = ApplyPaymentEvent::new(NAME, &*notification.id);
        let job = Prepared::new(&job).map_err(|_| no_event)?;
        Ok(Read {
            events: vec![Event::Job(Box::new(EventJob {
                job,
                event: notification.id,
            }))],
            remarks: Vec::new(),
        })
    }
}

impl TestPayEvents {
    /// `t=<seconds>,v1=<hexadecimal>`: an HMAC over `<seconds>.<body>`, not older than five minutes.
    fn verify(&self, posted: &Posted<'_>) -> Result<(), Refusal> {
        let header = posted.head.headers.get("testpay-signature");
        let header = header.and_then(|value| value.to_str().ok());
        let parts = header.and_then(|text| text.strip_prefix("t=")?.split_once(",v1="));
        let (time, signature) = parts.ok_or(Refusal::BadSignature("there is no signature"))?;
        let seconds: u64 = time
            .parse()
            .map_err(|_| Refusal::BadSignature("the time is none"))?;
        let now = posted.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        if now.as_secs().abs_diff(seconds) > TOLERANCE {
            return Err(Refusal::BadSignature(
                "the time is more than 300 s from now",
            ));
        }
        let secret = self.0.current();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let message = [time.as_bytes(), b".", posted.body].concat();
        let wrong = Refusal::BadSignature("the signature does not match");
        let signature = hex::decode(signature).map_err(|_| wrong)?;
        hmac::verify(&key, &message, &signature).map_err(|_| wrong)
    }
}
