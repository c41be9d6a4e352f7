//! Messages to Slack: a kind of jobs (`slack_post_message`), and all that it takes to carry them out.

mod args;
#[cfg(feature = "worker")]
mod client;
#[cfg(feature = "worker")]
mod events;
#[cfg(feature = "worker")]
mod integration;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "worker")]
mod settings;
#[cfg(all(test, feature = "worker"))]
mod tests;

pub use args::PostMessage;
#[cfg(feature = "worker")]
pub use integration::integration;
