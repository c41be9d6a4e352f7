//! `webhooks`.

use longshore_job::Job;
use longshore_job::kinds::{ApplyStripeEvent, SendEmail, SendSms};
use longshore_queue::Queue;
use longshore_webhooks::{Options, Webhooks, WebhooksError};

use super::{log_warnings, work};
use crate::failure::Failure;
use crate::registry;
use crate::session::Session;

pub(super) async fn run(session: &Session) -> Result<(), Failure> {
    log_warnings(session);
    let settings = &session.config.webhooks;
    let Some(public_url) = settings.public_url.clone() else {
        return Err(Failure::input(
            "set webhooks.public_url, the origin that the outside knows this listener by, such as \
             https://hooks.example.com: signatures are over it",
        ));
    };
    let link = session.link()?;
    let queue = |name: &str| {
        let queue = Queue::new(link.clone(), &session.config.redis.namespace, name);
        queue.map_err(Failure::input)
    };
    let twilio = registry::twilio_events(&session.config, queue(SendSms::QUEUE)?);
    let twilio = twilio.map_err(Failure::input)?;
    let stripe = registry::stripe_events(&session.config, queue(ApplyStripeEvent::QUEUE)?);
    let stripe = stripe.map_err(Failure::input)?;
    let sendgrid = registry::sendgrid_events(&session.config, queue(SendEmail::QUEUE)?);
    if twilio.is_none() && stripe.is_none() && sendgrid.is_none() {
        return Err(Failure::input(
            "no provider that posts events is configured: set providers.twilio.account_sid and .auth_token, \
             providers.stripe.secret_key and .webhook_secrets, or providers.sendgrid.api_key and .webhook_public_keys",
        ));
    }
    session.reached().await?;
    let options = Options {
        http_addr: settings.http_addr,
        private_addr: settings.private_addr,
        public_url,
    };
    let mut webhooks = Webhooks::new(options);
    if let Some(twilio) = twilio {
        webhooks = webhooks.twilio(twilio);
    }
    if let Some(stripe) = stripe {
        webhooks = webhooks.stripe(stripe);
    }
    if let Some(sendgrid) = sendgrid {
        webhooks = webhooks.sendgrid(sendgrid);
    }
    let listening = webhooks.listen().await.map_err(|error| match error {
        WebhooksError::Listen { addr, .. } if addr == settings.private_addr => {
            Failure::failed(format!("webhooks.private_addr: {error}"))
        }
        WebhooksError::Listen { .. } => Failure::failed(format!("webhooks.http_addr: {error}")),
    })?;
    let mut words = work::signals()?;
    listening
        .serve(async move {
            // A second signal is not waited for: what is under way ends within ten seconds.
            let _ = words.recv().await;
        })
        .await;
    tracing::info!("drained");
    Ok(())
}
