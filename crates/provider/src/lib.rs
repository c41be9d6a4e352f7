//! What all provider clients share.
//!
//! A provider client is a thin thing: it builds a [`Request`], hands it to [`Http::send`], or to [`Http::read`] where
//! it has no effect, together with its [`Run`](longshore_job::Run), and gets a [`Response`] or a [`ProviderError`].
//! What can be decided without knowing the provider is decided here, once:
//!
//! - [`Http`] waits for the run's gate before each request, and tells *never sent* from *sent, no answer*.
//! - [`ProviderError`] is what an answer is by its status, and [`answers`] what it means for a job: a provider says in an
//!   [`AnswerTable`] what its codes mean, and gets a [`JobError`](longshore_job::JobError).
//! - [`retry_after`] reads every way of saying "later", by the provider's own clock.
//! - [`redact`] and [`excerpt`] take people and credentials out of texts that were written elsewhere.
//! - [`secret`] follows references to secrets, and holds them so that they can change while they are used.
//! - [`vault`] reads secrets from Vault.

pub mod answers;
mod call_span;
mod error;
mod http;
mod one_at_a_time;
mod redact;
mod retry_after;
pub mod secret;
mod tls;
pub mod vault;

pub use answers::{AnswerTable, CallError, Meaning, Purpose, Row, decode, word};
pub use call_span::CallSpan;
pub use error::ProviderError;
pub use http::{
    Handshake, Http, HttpSetupError, InvalidCredential, InvalidOrigin, Origin, Request, Response,
    authorization, basic, bearer, causes, client, is_our_own, never_connected,
};
pub use redact::{excerpt, redact};
pub use reqwest::Client;
pub use reqwest::Method;
pub use reqwest::StatusCode;
pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use retry_after::{DEFAULT_RETRY_AFTER, MAX_RETRY_AFTER, MIN_RETRY_AFTER, retry_after};
pub use tls::install_crypto;
