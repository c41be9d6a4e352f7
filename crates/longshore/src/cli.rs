//! `sandbox` and `demo`: stand-ins on this machine.

use longshore_app::Failure;
use longshore_app::clap::{self, ArgMatches, Args, FromArgMatches};

/// What was given to a command.
pub(crate) fn read<T: FromArgMatches>(matches: &ArgMatches) -> Result<T, Failure> {
    T::from_arg_matches(matches).map_err(Failure::input)
}

/// `sandbox`.
#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    /// Where the stand-in for SendGrid listens; port 0 picks one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9480")]
    pub(crate) sendgrid_addr: std::net::SocketAddr,
    /// Where the stand-in for Twilio listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9481")]
    pub(crate) twilio_addr: std::net::SocketAddr,
    /// Where the stand-in for Google Maps listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9482")]
    pub(crate) google_maps_addr: std::net::SocketAddr,
    /// Where the stand-in for Stripe listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9483")]
    pub(crate) stripe_addr: std::net::SocketAddr,
    /// Where the stand-in for the company's app listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9484")]
    pub(crate) app_addr: std::net::SocketAddr,
    /// Where the made-up payment provider testpay listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9485")]
    pub(crate) testpay_addr: std::net::SocketAddr,
    /// Where the stand-in for S3 listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9486")]
    pub s3_addr: std::net::SocketAddr,
    /// Where the stand-in for R2 listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9487")]
    pub r2_addr: std::net::SocketAddr,
    /// Where the stand-in for Postmark listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9488")]
    pub(crate) postmark_addr: std::net::SocketAddr,
    /// Where the stand-in for SendGrid posts its events
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9465/webhooks/sendgrid"
    )]
    pub(crate) sendgrid_webhook_url: String,
    /// Where the stand-in for Stripe posts its events
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9465/webhooks/stripe"
    )]
    pub(crate) stripe_webhook_url: String,
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How many emails are enqueued
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    pub(crate) jobs: u32,
}
