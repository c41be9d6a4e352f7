//! Stand-ins for Stripe and the company's app, in builds for development.

use longshore_integration::{Listening, Sandbox, SandboxAt};
use longshore_sandbox::{AppSandbox, StripeSandbox, WebhookEndpoint};

pub(crate) const STRIPE: Sandbox = Sandbox {
    name: "stripe",
    addr: "127.0.0.1:9483",
    posts_to: Some("http://127.0.0.1:9465/webhooks/stripe"),
    start: |at| Box::pin(stripe(at)),
};

pub(crate) const APP: Sandbox = Sandbox {
    name: "app",
    addr: "127.0.0.1:9484",
    posts_to: None,
    start: |at| Box::pin(app(at)),
};

/// What `config/local.toml` has for them.
const WEBHOOK_SECRET: &str = "whsec_local";
const APP_SECRET: &str = "local";

async fn stripe(at: SandboxAt) -> std::io::Result<Listening> {
    let stripe = StripeSandbox::start(at.addr).await?;
    let endpoints = at.posts_to.iter();
    let endpoints = endpoints.map(|url| WebhookEndpoint::new(url, WEBHOOK_SECRET));
    stripe.change_webhooks(|webhooks| webhooks.endpoints = endpoints.collect());
    Ok(Listening::new(stripe.origin(), || stripe.stop()))
}

async fn app(at: SandboxAt) -> std::io::Result<Listening> {
    let app = AppSandbox::start(at.addr).await?;
    app.set_secret(APP_SECRET);
    Ok(Listening::new(app.origin(), || app.stop()))
}
