//! `webhooks`.

use std::sync::Arc;

use longshore_queue::Queue;
use longshore_webhooks::{Listening, Webhooks, WebhooksOptions};

use super::{cannot_bind, log_warnings, signals};
use crate::config::WebhooksSettings;
use crate::failure::Failure;
use crate::registry::{self, SetupContext};
use crate::secrets::Secrets;
use crate::session::Session;
use crate::telemetry;

pub(super) async fn run(session: &Session) -> Result<(), Failure> {
    log_warnings(session);
    let ended = signals::EndedBySignal {
        early: "before any event was taken",
        cut_off: "cut off requests that were not answered; their providers send them again",
    };
    signals::serve(listen(session), Listening::serve, ended).await
}

/// A listener for all providers that are configured.
async fn listen(session: &Session) -> Result<Listening, Failure> {
    let settings = &session.config.webhooks;
    let link = session.link()?;
    tracing::info!("on {}", session.target(&link));
    let queue = |name: &str| {
        let queue = Queue::new(link.clone(), &session.config.redis.namespace, name);
        let settings = session.config.queue(name);
        let queue = queue.map_err(Failure::input)?;
        Ok::<_, Failure>(match settings {
            Some(settings) => queue.with_delivery_bytes(settings.delivery_bytes),
            None => queue,
        })
    };
    let secrets = Arc::new(Secrets::new(&session.config)?);
    let setup = SetupContext::new(&session.config, &secrets);
    let (mut sources, mut left_out) = (Vec::new(), Vec::new());
    for integration in session.config.integrations() {
        for events in integration.events {
            match (events.source)(setup.context()).await? {
                Some(source) if settings.public_url.is_none() && source.needs_public_url() => {
                    left_out.push(events.name);
                }
                Some(source) => {
                    sources.push((events.name, source, queue(integration.queue.name)?));
                }
                None => {}
            }
        }
    }
    if !left_out.is_empty() {
        let problem = format!(
            "events of {} are not taken: their signatures are over the origin that the outside knows this listener by; set {}, \
             such as https://hooks.example.com",
            left_out.join(" and "),
            WebhooksSettings::PUBLIC_URL
        );
        if sources.is_empty() {
            return Err(Failure::input(problem));
        }
        tracing::warn!("{problem}");
    }
    if sources.is_empty() {
        let all = session.config.integrations().iter();
        let keys: Vec<_> = all
            .flat_map(|of| of.events)
            .map(|events| registry::all_of(events.turned_on_by))
            .collect();
        return Err(Failure::input(format!(
            "no provider that posts events is configured: set {}",
            keys.join(", or ")
        )));
    }
    session.reached().await?;
    secrets.keep_fresh(session.config.reread);
    let options = WebhooksOptions {
        http_addr: settings.http_addr,
        private_addr: settings.private_addr,
        public_url: settings.public_url.clone(),
        trusted_proxies: session.config.trusted_proxies.clone(),
    };
    let mut webhooks = Webhooks::telling(options, telemetry::collector().into_iter().collect());
    for (name, source, queue) in sources {
        webhooks = webhooks.source(name, source, &queue);
    }
    webhooks.listen().await.map_err(|error| {
        let keys = [WebhooksSettings::HTTP_ADDR, WebhooksSettings::PRIVATE_ADDR];
        cannot_bind(&error, settings.private_addr, keys)
    })
}
