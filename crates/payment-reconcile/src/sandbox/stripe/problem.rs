//! Stripe's way of saying no.

use serde_json::{Map, Value, json};

/// One refusal: `{"error":{"type","code","message","param",…}}`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) code: Option<&'static str>,
    pub(super) message: String,
    pub(super) param: Option<String>,
    /// Further fields, such as `decline_code` and `payment_intent`.
    pub(super) more: Map<String, Value>,
}

impl Problem {
    pub(super) fn new(
        status: u16,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            code,
            message: message.into(),
            param: None,
            more: Map::new(),
        }
    }

    /// 400, for this parameter.
    pub(super) fn invalid(
        code: Option<&'static str>,
        message: impl Into<String>,
        param: &str,
    ) -> Self {
        let problem = Self::new(400, "invalid_request_error", code, message);
        Self {
            param: Some(param.to_owned()),
            ..problem
        }
    }

    /// Something is named that is not there: 404 when the path names it, else 400.
    pub(super) fn missing(status: u16, what: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {what}: '{id}'");
        Self {
            status,
            ..Self::invalid(Some("resource_missing"), message, param)
        }
    }

    /// The object's state does not allow it.
    pub(super) fn unexpected_state(message: &str, payment_intent: Value) -> Self {
        let code = Some("payment_intent_unexpected_state");
        let mut problem = Self::new(400, "invalid_request_error", code, message);
        problem.more.insert("payment_intent".into(), payment_intent);
        problem
    }

    /// What is said with a status alone.
    pub(super) fn of_status(status: u16) -> Self {
        let invalid = "invalid_request_error";
        let (kind, code, message) = match status {
            401 => (invalid, None, "Invalid API Key provided."),
            402 => (
                "card_error",
                Some("card_declined"),
                "Your card was declined.",
            ),
            403 => (invalid, None, "The provided key does not have access."),
            404 => (
                invalid,
                Some("resource_missing"),
                "Unrecognized request URL.",
            ),
            409 => (
                invalid,
                Some("idempotency_key_in_use"),
                "There is currently another in-progress request using this Idempotent Key. Please try again later.",
            ),
            429 => (
                invalid,
                Some("rate_limit"),
                "Request rate limit exceeded. Learn more about rate limits at https://stripe.com/docs/rate-limits.",
            ),
            400..500 => (invalid, None, "Invalid request."),
            _ => (
                "api_error",
                None,
                "An unknown error occurred while processing your request.",
            ),
        };
        Self::new(status, kind, code, message)
    }

    /// Two requests want the same object at the same time.
    pub(super) fn lock_timeout() -> Self {
        Self::new(
            429,
            "invalid_request_error",
            Some("lock_timeout"),
            "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.",
        )
    }

    pub(super) fn to_json(&self) -> Value {
        let mut error = self.more.clone();
        if let Some(code) = self.code {
            error.insert("code".into(), code.into());
            let page = code.replace('_', "-");
            let page = format!("https://stripe.com/docs/error-codes/{page}");
            error.insert("doc_url".into(), page.into());
        }
        if let Some(param) = &self.param {
            error.insert("param".into(), param.as_str().into());
        }
        error.insert("message".into(), self.message.as_str().into());
        error.insert("type".into(), self.kind.into());
        json!({ "error": error })
    }
}
