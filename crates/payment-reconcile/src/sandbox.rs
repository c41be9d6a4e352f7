//! Stand-ins for development and tests: [`StripeSandbox`] takes payments as Stripe does, and [`AppSandbox`] is the company's
//! app, which is told what became of them.
//!
//! Beside the ledger and the faults that every stand-in has, they can be told and asked over HTTP:
//!
//! | request | does |
//! |---|---|
//! | `PUT /sandbox/webhooks` | at Stripe: who is told of events, and how, see [`WebhookSettings`] |
//! | `GET /sandbox/webhooks` | at Stripe: the same |
//! | `GET /sandbox/webhooks/told` | at Stripe: every event that was told, oldest first |
//! | `POST /sandbox/payment_intents` | at Stripe: plants payment intents, a list of [`PlantedPaymentIntent`]; answers their ids |
//! | `DELETE /sandbox/idempotency_keys` | at Stripe: forgets all saved results |
//! | `PUT /sandbox/saved_errors` | at Stripe: `{"count","effect"}`: the next so many operations are 500, and their keys keep it |
//! | `GET /sandbox/effects` | at the app: every effect that was applied, oldest first |
//! | `POST /sandbox/payments` | at the app: plants payments, a list of [`AppPayment`] with `created` |

mod app;
mod stripe;

use longshore_integration::{RunningStandIn, Sandbox, SandboxAt};

pub use app::{AppBackup, AppEffect, AppEffectKind, AppPayment, AppSandbox, Applied};
pub use stripe::{
    EventTold, PlantedPaymentIntent, StripeRequest, StripeSandbox, WebhookEndpoint, WebhookSettings,
};

pub(crate) const STRIPE: Sandbox = Sandbox {
    name: "stripe",
    addr: "127.0.0.1:9483",
    posts_to: Some("http://127.0.0.1:9465/webhooks/stripe"),
    start: &|at| Box::pin(stripe(at)),
};

pub(crate) const APP: Sandbox = Sandbox {
    name: "app",
    addr: "127.0.0.1:9484",
    posts_to: None,
    start: &|at| Box::pin(app(at)),
};

/// What `config/local.toml` has for them.
const WEBHOOK_SECRET: &str = "whsec_local";
const APP_SECRET: &str = "local";

async fn stripe(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let stripe = StripeSandbox::start(at.addr).await?;
    let endpoints = at.posts_to.iter();
    let endpoints = endpoints.map(|url| WebhookEndpoint::new(url, WEBHOOK_SECRET));
    stripe.change_webhooks(|webhooks| webhooks.endpoints = endpoints.collect());
    Ok(RunningStandIn::new(stripe.origin(), || stripe.stop()))
}

async fn app(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let app = AppSandbox::start(at.addr).await?;
    app.set_secret(APP_SECRET);
    Ok(RunningStandIn::new(app.origin(), || app.stop()))
}
