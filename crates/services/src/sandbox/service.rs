//! A service, as far as the configuration describes it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use longshore_provider::{HeaderName, Method};
use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::{
    Draft, FaultCheck, Ids, Ledger, Refused, Server, StandInService, stand_in,
};
use serde_json::{Value, json};

use crate::{AnswerClass, AuthType, ServiceOperation};

/// How long its tokens are good, in seconds.
const TOKENS_LAST: u64 = 3600;

/// A stand-in for a service of the configuration.
///
/// It takes a request that an operation describes, and answers `{"id":…,"operation":…}`; any other is 404. Credentials have to be
/// there, and are good unless they were refused. Where a token is to be fetched on the service's own host, it gives one. A request
/// with an effect stands in the ledger: its recipient is the operation with the path, its job the one of its idempotency key. The
/// same key again is answered the same, and is no second effect.
#[derive(Debug)]
pub struct ServiceSandbox {
    server: Server,
    refused: Refused,
}

stand_in!(ServiceSandbox);

impl ServiceSandbox {
    /// Listens on this address; port 0 picks a free one. Stops when it is dropped.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(
        addr: SocketAddr,
        name: &'static str,
        operations: BTreeMap<String, ServiceOperation>,
        auth: &AuthType,
    ) -> io::Result<Self> {
        Self::start_with(addr, name, operations, auth, Ledger::default()).await
    }

    /// The same, writing into a ledger that there is already: one for several providers, or one that outlives
    /// this server.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start_with(
        addr: SocketAddr,
        name: &'static str,
        operations: BTreeMap<String, ServiceOperation>,
        auth: &AuthType,
        ledger: Ledger,
    ) -> io::Result<Self> {
        let refused = Refused::default();
        let (credential, token_path) = match auth {
            AuthType::None => (None, None),
            AuthType::Header { name, .. } => (Some(name.clone()), None),
            AuthType::OAuth2 { token_url, .. } => {
                (Some(AUTHORIZATION), Some(token_url.path.clone()))
            }
            AuthType::Bearer { .. } | AuthType::Basic { .. } => (Some(AUTHORIZATION), None),
        };
        let described = Described {
            name,
            operations,
            credential,
            token_path,
            refused: refused.clone(),
            ids: Ids::new(),
            by_key: Mutex::default(),
        };
        let server = Server::start(addr, described, ledger).await?;
        Ok(Self { server, refused })
    }

    /// Refuses these credentials from now on: what stands in the header, without `Bearer` or `Basic`.
    pub fn refuse(&self, credential: impl Into<String>) {
        self.refused.refuse(credential);
    }

    /// Takes them again.
    pub fn accept(&self, credential: &str) {
        self.refused.accept(credential);
    }
}

#[derive(Debug)]
struct Described {
    name: &'static str,
    operations: BTreeMap<String, ServiceOperation>,
    /// The header that has to be there.
    credential: Option<HeaderName>,
    /// Where it gives tokens.
    token_path: Option<String>,
    refused: Refused,
    ids: Ids,
    /// What was answered, by idempotency key. A std Mutex: it is held for one request, never across an await.
    by_key: Mutex<HashMap<String, Value>>,
}

impl Described {
    fn by_key(&self) -> MutexGuard<'_, HashMap<String, Value>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn operation(&self, request: &Parts) -> Option<(&String, &ServiceOperation)> {
        let is_it = |of: &ServiceOperation| {
            of.method == request.method && of.path.matches(request.uri.path())
        };
        self.operations.iter().find(|(_, of)| is_it(of))
    }

    fn is_known(&self, request: &Parts) -> bool {
        let Some(header) = &self.credential else {
            return true;
        };
        let credential = request.headers.get(header).and_then(|v| v.to_str().ok());
        let bare = credential.map(|text| text.rsplit(' ').next().unwrap_or_default());
        bare.is_some_and(|bare| !bare.is_empty() && !self.refused.has(bare))
    }

    fn token(&self) -> Response {
        let token = self.ids.next("token");
        let body = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": TOKENS_LAST,
        });
        json_answer(StatusCode::OK, &body)
    }

    fn carry_out(
        &self,
        name: &str,
        operation: &ServiceOperation,
        request: &Parts,
        check: &mut FaultCheck<'_>,
    ) -> Response {
        if operation.is_read() {
            return json_answer(StatusCode::OK, &json!({ "operation": name }));
        }
        let key = operation.idempotency_header.as_ref();
        let key = key.and_then(|header| request.headers.get(header)?.to_str().ok());
        if let Some(earlier) = key.and_then(|key| self.by_key().get(key).cloned()) {
            return json_answer(StatusCode::OK, &earlier);
        }
        let id = self.ids.next(self.name);
        let draft = Draft {
            // A key begins with the job's id.
            job: key.and_then(|key| key.get(..26)).map(str::to_owned),
            ..Draft::new(format!("{name} {}", request.uri.path()), &id)
        };
        let body = json!({ "id": id, "operation": name });
        if check.carries_out(vec![draft])
            && let Some(key) = key
        {
            self.by_key().insert(key.to_owned(), body.clone());
        }
        let created = match operation.method == Method::POST {
            true => StatusCode::CREATED,
            false => StatusCode::OK,
        };
        // What the configuration calls something else would not be a success.
        let is_success = |status: StatusCode| {
            let class = operation.classes.get(&status.as_u16());
            class.is_none_or(|class| *class == AnswerClass::Success)
        };
        let status = Some(created).filter(|status| is_success(*status));
        json_answer(status.unwrap_or(StatusCode::OK), &body)
    }
}

impl StandInService for Described {
    fn name(&self) -> &'static str {
        self.name
    }

    fn answer(&self, request: &Parts, _: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        let path = request.uri.path();
        if request.method == Method::POST && self.token_path.as_deref() == Some(path) {
            return self.token();
        }
        let Some((name, operation)) = self.operation(request) else {
            return json_answer(
                StatusCode::NOT_FOUND,
                &error("no operation is described here"),
            );
        };
        if !self.is_known(request) {
            return json_answer(
                StatusCode::UNAUTHORIZED,
                &error("these credentials are not good"),
            );
        }
        self.carry_out(name, operation, request, check)
    }

    fn explain(&self, status: u16) -> String {
        error(&format!("answered {status} on demand")).to_string()
    }
}

fn error(message: &str) -> Value {
    json!({ "error": { "message": message } })
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}
