//! What all routes have in common.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::http::HeaderMap;
use longshore_client::Client;
use longshore_integration::Files;
use longshore_job::{JobId, Kinds, Prepared};
use longshore_listener::LogLimit;
use longshore_operator::Operator;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::tokens::{Caller, Tokens};
use crate::trace;

/// At most so many calls wait for jobs at the same time. Each holds a connection.
pub(crate) const MOST_WAITING: usize = 400;

/// Says whether the store's own provider is left alone at this time.
pub type IsAway = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// Says why a job will be refused, as far as the configuration of this process knows. That of the workers may differ.
pub type Foresee = Arc<dyn Fn(&Prepared) -> Option<String> + Send + Sync>;

/// What all routes have in common.
pub(crate) struct Door {
    pub(crate) kinds: Kinds,
    pub(crate) kind_rows: Vec<(String, Value)>,
    pub(crate) schemas: HashMap<&'static str, Value>,
    pub(crate) client: Client,
    pub(crate) operator: Operator,
    pub(crate) tokens: Tokens,
    pub(crate) files: Option<Arc<dyn Files>>,
    pub(crate) is_away: IsAway,
    pub(crate) foresee: Foresee,
    pub(crate) openapi: Bytes,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) waiting: Semaphore,
    pub(crate) stop: watch::Receiver<bool>,
    /// Since when the process is to stop.
    pub(crate) stopping: Arc<OnceLock<Instant>>,
    /// Whoever finds the address can make these lines.
    pub(crate) strangers: LogLimit,
    pub(crate) outages: LogLimit,
}

impl Door {
    /// The schema of a kind's args.
    pub(crate) fn schema(&self, kind: &str) -> &Value {
        self.schemas.get(kind).unwrap_or(&Value::Null)
    }

    /// The client of a caller: with its name, and in the trace of its request.
    pub(crate) fn client_of(&self, caller: &Caller, headers: &HeaderMap) -> Client {
        // A token's name is one that a client may have.
        let client = self.client.clone();
        let client = client
            .named(&*caller.token.name)
            .unwrap_or_else(|_| self.client.clone());
        match trace::of(headers) {
            Some((parent, state)) => client.in_trace(parent, state),
            None => client,
        }
    }

    /// One job as its producers see it, for a caller who may.
    pub(crate) async fn job(&self, caller: &Caller, id: JobId) -> Result<Seen, ApiError> {
        let view = self.operator.job_of_producer(id).await;
        let view = view.map_err(|error| self.failed(error))?;
        caller.allow(view.kind.as_deref())?;
        let has_ended = view.has_ended();
        let mut json = serde_json::to_value(&view).unwrap_or_default();
        if let Some(fields) = json.as_object_mut() {
            fields.remove("args");
            // As the client crate tells it.
            let last = view.last_run();
            let told = |what: Option<&str>| what.map_or(Value::Null, Value::from);
            fields.insert("outcome".to_owned(), told(last.outcome));
            fields.insert("reason".to_owned(), told(last.reason));
            fields.insert("provider".to_owned(), told(last.provider));
            fields.insert("code".to_owned(), told(last.code));
            if let Some(details) = last.details.filter(|details| !details.is_empty()) {
                fields.insert("details".to_owned(), json!(details));
            }
        }
        Ok(Seen { has_ended, json })
    }

    /// Logs what the caller is not told, and makes the answer.
    pub(crate) fn failed<E>(&self, error: E) -> ApiError
    where
        E: std::fmt::Display + Into<ApiError>,
    {
        let text = error.to_string();
        let error: ApiError = error.into();
        if error.status.is_server_error()
            && let Some(unlogged) = self.outages.pass()
        {
            tracing::error!(error = text, unlogged, "a request cannot be carried out");
        }
        error
    }
}

/// A job, read.
pub(crate) struct Seen {
    pub(crate) has_ended: bool,
    pub(crate) json: Value,
}
