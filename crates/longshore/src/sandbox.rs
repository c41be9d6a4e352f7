//! `sandbox`.

use std::io;
use std::net::SocketAddr;

use longshore_sandbox::{
    AppSandbox, GoogleMapsSandbox, Ledger, PostmarkSandbox, S3Sandbox, SendGridSandbox,
    StripeSandbox, TestPaySandbox, TwilioSandbox, WebhookEndpoint,
};

use longshore_app::clap::{Args, Command};
use longshore_app::{Failure, OwnCommand, output, signals};

use crate::cli::{Sandbox, read};

/// What `config/local.toml` has for them.
const WEBHOOK_SECRET: &str = "whsec_local";
const APP_SECRET: &str = "local";

/// The command.
pub(super) fn command() -> OwnCommand {
    OwnCommand {
        command: Sandbox::augment_args(
            Command::new("sandbox").about("Runs the stand-in providers, for local development"),
        ),
        examples: &[
            "longshore --profile local sandbox",
            "longshore sandbox --sendgrid-addr 127.0.0.1:0",
        ],
        run: |matches| Box::pin(async move { run(&read(&matches)?).await }),
    }
}

async fn run(args: &Sandbox) -> Result<(), Failure> {
    let mut words = signals::listen()?;
    let sendgrid = SendGridSandbox::start(args.sendgrid_addr).await;
    let sendgrid = started(args.sendgrid_addr, sendgrid)?;
    sendgrid.use_development_key();
    let webhook_url = args.sendgrid_webhook_url.clone();
    sendgrid.change_webhook(|webhook| webhook.url = Some(webhook_url));
    let twilio = TwilioSandbox::start(args.twilio_addr).await;
    let twilio = started(args.twilio_addr, twilio)?;
    let maps = GoogleMapsSandbox::start(args.google_maps_addr).await;
    let maps = started(args.google_maps_addr, maps)?;
    let stripe = StripeSandbox::start(args.stripe_addr).await;
    let stripe = started(args.stripe_addr, stripe)?;
    let endpoint = WebhookEndpoint::new(&args.stripe_webhook_url, WEBHOOK_SECRET);
    stripe.change_webhooks(|webhooks| webhooks.endpoints = vec![endpoint]);
    let app = AppSandbox::start(args.app_addr).await;
    let app = started(args.app_addr, app)?;
    app.set_secret(APP_SECRET);
    let testpay = TestPaySandbox::start(args.testpay_addr).await;
    let testpay = started(args.testpay_addr, testpay)?;
    let s3 = S3Sandbox::start(args.s3_addr).await;
    let s3 = started(args.s3_addr, s3)?;
    let r2 = S3Sandbox::start_with(args.r2_addr, "r2", Ledger::default()).await;
    let r2 = started(args.r2_addr, r2)?;
    let postmark = PostmarkSandbox::start(args.postmark_addr).await;
    let postmark = started(args.postmark_addr, postmark)?;
    for (name, origin) in [
        ("sendgrid", sendgrid.origin()),
        ("twilio", twilio.origin()),
        ("google_maps", maps.origin()),
        ("stripe", stripe.origin()),
        ("app", app.origin()),
        ("testpay", testpay.origin()),
        ("s3", s3.origin()),
        ("r2", r2.origin()),
        ("postmark", postmark.origin()),
    ] {
        output::line(&format!("{name:<12} {origin}"))?;
    }
    tracing::info!(
        public_key = sendgrid.public_key(),
        "SendGrid's events are signed: this belongs into providers.sendgrid.webhook_public_keys"
    );
    tracing::info!(
        "at each: GET /sandbox/ledger says what was accepted, PUT /sandbox/faults makes faults"
    );
    let _ = words.recv().await;
    let stop = async {
        sendgrid.stop().await;
        twilio.stop().await;
        maps.stop().await;
        stripe.stop().await;
        app.stop().await;
        testpay.stop().await;
        s3.stop().await;
        r2.stop().await;
        postmark.stop().await;
    };
    tokio::select! {
        () = stop => {}
        Some(()) = words.recv() => {}
    }
    Ok(())
}

fn started<T>(addr: SocketAddr, provider: io::Result<T>) -> Result<T, Failure> {
    provider.map_err(|error| Failure::failed(format!("{addr} cannot be listened on: {error}")))
}
