//! What Twilio would answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::header::AUTHORIZATION;
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::axum::{Json, Router};
use longshore_sandbox::{Draft, FaultCheck, StandInService};
use tokio::sync::mpsc::UnboundedSender;

use super::create::NewMessage;
use super::list::Query;
use super::problem::Problem;
use super::{State, TwilioMessage, control};

/// What each answer is known by.
const REQUEST_ID: HeaderName = HeaderName::from_static("twilio-request-id");

#[derive(Debug)]
pub(super) struct Twilio {
    pub(super) state: Arc<State>,
    /// The sids of accepted messages, to the courier.
    pub(super) accepted: UnboundedSender<String>,
}

impl StandInService for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        let answer = self.answered(request, body, check);
        let mut answer = answer.unwrap_or_else(IntoResponse::into_response);
        if let Ok(id) = HeaderValue::try_from(self.state.ids.next("RQ")) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
        answer
    }

    fn explain(&self, status: u16) -> String {
        Problem::of_status(status).to_json()
    }

    fn request_id(&self) -> Option<HeaderName> {
        Some(REQUEST_ID)
    }

    fn control(&self) -> Router {
        control::router(Arc::clone(&self.state))
    }
}

impl Twilio {
    fn answered(
        &self,
        request: &Parts,
        body: &Bytes,
        check: &mut FaultCheck<'_>,
    ) -> Result<Response, Problem> {
        if request.method == Method::GET {
            self.state.reads.fetch_add(1, Ordering::Relaxed);
        }
        let path = request.uri.path();
        let not_found = || Problem::not_found(path);
        let rest = path.strip_prefix("/2010-04-01/Accounts/");
        let (account, resource) = rest
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(not_found)?;
        let caller = self.caller(&request.headers)?;
        if !caller.may_see(account) {
            return Err(not_found());
        }
        let message = resource
            .strip_prefix("Messages/")
            .and_then(|name| name.strip_suffix(".json"));
        match (&request.method, resource, message) {
            (&Method::POST, "Messages.json", _) => self.create(account, caller, body, check),
            (&Method::GET, "Messages.json", _) => {
                let query = Query::read(request.uri.query().unwrap_or_default())?;
                let page = query.answer(account, &self.state.messages);
                Ok(Json(page).into_response())
            }
            (&Method::GET, _, Some(sid)) => {
                let found = self.state.messages.get(sid);
                let found = found.filter(|message| message.account_sid == account);
                let message = found.ok_or_else(not_found)?;
                Ok(Json(message.to_json()).into_response())
            }
            (_, "Messages.json", _) | (_, _, Some(_)) => Err(Problem::of_status(405)),
            _ => Err(not_found()),
        }
    }

    /// Who asks, by `Authorization`.
    fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let caller = headers.get(AUTHORIZATION).and_then(Caller::read);
        let refused = &self.state.refused_secrets;
        caller
            .filter(|caller| !refused.has(&caller.secret))
            .ok_or_else(|| Problem::of_status(401))
    }

    fn create(
        &self,
        account: &str,
        caller: Caller,
        form: &[u8],
        check: &mut FaultCheck<'_>,
    ) -> Result<Response, Problem> {
        let new = NewMessage::read(form)?;
        let draft = Draft {
            job: new.job(),
            template: None,
            recipient: new.to.clone(),
            id: self.state.ids.next("SM"),
        };
        let status = match new.messaging_service_sid {
            Some(_) => "accepted",
            None => "queued",
        };
        let message = TwilioMessage {
            sid: draft.id.clone(),
            account_sid: account.to_owned(),
            to: new.to,
            from: new.from,
            messaging_service_sid: new.messaging_service_sid,
            body: new.body,
            media: new.media,
            content: new.content,
            status: status.to_owned(),
            direction: "outbound-api".to_owned(),
            created: SystemTime::now(),
            sent: None,
            error_code: None,
            status_callback: new.status_callback,
            auth_token: caller.auth_token(),
        };
        let answer = (StatusCode::CREATED, Json(message.to_json())).into_response();
        let sid = draft.id.clone();
        if check.carries_out(vec![draft]) {
            self.state.messages.keep(message);
            // The courier is gone only when the sandbox is.
            let _ = self.accepted.send(sid);
        }
        Ok(answer)
    }
}

/// An account with its auth token, or an API key with its secret.
struct Caller {
    user: String,
    secret: String,
}

impl Caller {
    fn read(authorization: &HeaderValue) -> Option<Self> {
        let pair = authorization.to_str().ok()?.strip_prefix("Basic ")?;
        let pair = String::from_utf8(BASE64_STANDARD.decode(pair).ok()?).ok()?;
        let (user, secret) = pair.split_once(':')?;
        let known = user.starts_with("AC") || user.starts_with("SK");
        (known && !secret.is_empty()).then(|| Self {
            user: user.to_owned(),
            secret: secret.to_owned(),
        })
    }

    fn may_see(&self, account: &str) -> bool {
        // Nobody says here which account an API key belongs to.
        account.starts_with("AC") && (self.user.starts_with("SK") || self.user == account)
    }

    fn auth_token(self) -> Option<String> {
        self.user.starts_with("AC").then_some(self.secret)
    }
}
