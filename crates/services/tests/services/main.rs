//! The handler against a service that notes what it is asked, and answers as it is told.

mod answers;
mod requests;
mod tokens;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use longshore_job::{Handler, JobError, Outcome};
use longshore_provider::Method;
use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::{FaultCheck, Ledger, Server, StandInService};
use longshore_services::{
    AnswerClass, AuthMethod, CallService, CallServiceHandler, Service, ServiceConfig,
    ServiceOperation,
};
use longshore_testing::Script;
use serde_json::Value;

/// A request that came.
#[derive(Debug, Clone)]
struct Came {
    method: String,
    path_and_query: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// A status, a content type and a body.
type Answer = (u16, &'static str, String);

#[derive(Debug, Default)]
struct Book {
    came: Vec<Came>,
    answers: VecDeque<Answer>,
}

/// A service that answers what is next, and else `{"ok":true}`.
#[derive(Debug, Clone, Default)]
struct Noting(Arc<Mutex<Book>>);

impl Noting {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("no test panics with it")
    }
}

impl StandInService for Noting {
    fn name(&self) -> &'static str {
        "crm"
    }

    fn answer(&self, request: &Parts, body: &Bytes, _: &mut FaultCheck<'_>) -> Response {
        let headers = request.headers.iter().map(|(name, value)| {
            let value = value.to_str().expect("text");
            (name.to_string(), value.to_owned())
        });
        let mut book = self.book();
        book.came.push(Came {
            method: request.method.to_string(),
            path_and_query: request.uri.to_string(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(body).into_owned(),
        });
        let ok = || (200, "application/json", r#"{"ok":true}"#.to_owned());
        let (status, kind, body) = book.answers.pop_front().unwrap_or_else(ok);
        let status = longshore_sandbox::axum::http::StatusCode::from_u16(status).expect("a status");
        (status, [("content-type", kind)], body).into_response()
    }

    fn explain(&self, _: u16) -> String {
        "{}".to_owned()
    }
}

/// A service, a handler that calls it, and what surrounds its runs.
struct Scene {
    noting: Noting,
    server: Server,
    handler: CallServiceHandler,
    script: Script,
}

fn operation(method: Method, path: &str) -> ServiceOperation {
    ServiceOperation {
        method,
        path: path.parse().expect("a template"),
        headers: Vec::new(),
        idempotency_header: None,
        classes: [].into(),
    }
}

fn operations() -> BTreeMap<String, ServiceOperation> {
    let header = |name: &'static str| name.parse().expect("a header");
    let keyed = ServiceOperation {
        headers: vec![(header("x-api-version"), "2".parse().expect("a value"))],
        idempotency_header: Some(header("idempotency-key")),
        ..operation(Method::POST, "/v1/contacts")
    };
    let delete = ServiceOperation {
        classes: [(404, AnswerClass::Success), (409, AnswerClass::Unknown)].into(),
        ..operation(Method::DELETE, "/v1/contacts/{id}")
    };
    [
        ("ping", operation(Method::GET, "/v1/ping")),
        ("create", keyed),
        ("update", operation(Method::PATCH, "/v1/contacts/{id}")),
        ("delete", delete),
    ]
    .into_iter()
    .map(|(name, operation)| (name.to_owned(), operation))
    .collect()
}

impl Scene {
    async fn set() -> Self {
        Self::set_with(|_| AuthMethod::None).await
    }

    /// `auth` gets the service's origin.
    async fn set_with(auth: impl FnOnce(&str) -> AuthMethod) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let noting = Noting::default();
        let server = Server::start(any, noting.clone(), Ledger::default());
        let server = server.await.expect("a free port");
        let service = Service::new(ServiceConfig {
            name: "crm",
            base_url: server.origin().parse().expect("an origin"),
            auth: auth(&server.origin()),
            timeout: Duration::from_secs(5),
            operations: operations(),
        });
        Self {
            noting,
            server,
            handler: CallServiceHandler::new(service.expect("a client")),
            script: Script::new(),
        }
    }

    fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.noting.book().answers.extend(answers);
    }

    async fn run(&self, job: CallService) -> Result<Outcome, JobError> {
        self.handler.run(job, self.script.for_new_job().run()).await
    }

    /// Runs a job that gets done, and gives its result.
    async fn done(&self, job: CallService) -> Value {
        match self.run(job).await {
            Ok(Outcome::Done {
                result: Some(result),
                ..
            }) => result,
            other => panic!("{other:?}"),
        }
    }

    async fn failed(&self, job: CallService) -> JobError {
        self.run(job).await.expect_err("no success")
    }

    fn came(&self) -> Vec<Came> {
        self.noting.book().came.clone()
    }
}

fn ping() -> CallService {
    CallService::new("crm", "ping")
}

fn json(status: u16, body: &str) -> Answer {
    (status, "application/json", body.to_owned())
}
