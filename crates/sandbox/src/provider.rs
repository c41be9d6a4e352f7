//! What makes a provider, as the server around it sees it.

use axum::Router;
use axum::body::Bytes;
use axum::http::request::Parts;
use axum::response::Response;

/// Says what the real service would answer. Says only: the server around it decides whether it happens.
pub(crate) trait Provider: Send + Sync + 'static {
    /// Its name, as configuration has it.
    fn name(&self) -> &'static str;

    /// What the service would do with this request and answer to it.
    fn judge(&self, request: &Parts, body: &Bytes) -> Verdict;

    /// A body like those the service explains this status with, in JSON.
    fn explain(&self, status: u16) -> String;

    /// What was decided about effects that it drafted: told before the ledger notes them, and once for each request
    /// that has any. For providers that remember what they did.
    fn decided(&self, _effects: &[Draft], _carried_out: bool) {}

    /// Controls of its own under `/sandbox/`, beside ledger and faults.
    fn control(&self) -> Router {
        Router::new()
    }
}

/// What a request would come to.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// What would be carried out; nothing when the request is refused.
    pub(crate) effects: Vec<Draft>,
    /// The answer.
    pub(crate) answer: Response,
}

/// One effect that has not happened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// The job that asked for it, where the request says so.
    pub(crate) job: Option<String>,
    /// The template, where there are templates.
    pub(crate) template: Option<String>,
    /// Who or what it is for.
    pub(crate) recipient: String,
    /// The id that the service gives it.
    pub(crate) id: String,
}
