//! What a page's handler answers with. The guard around it draws the frame, keeps the picture, and knows the visitor's form token.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use longshore_operator::OperatorError;
use maud::Markup;

use crate::section::Section;

/// A page without its frame.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) body: Markup,
    /// Whether it may be shown again while Redis is away. What shows personal data is not kept.
    pub(crate) is_kept: bool,
    pub(crate) status: StatusCode,
}

impl Content {
    pub(crate) fn new(section: Section, title: impl Into<String>, body: Markup) -> Self {
        Self {
            title: title.into(),
            section,
            body,
            is_kept: true,
            status: StatusCode::OK,
        }
    }

    /// Shown once, and never kept.
    pub(crate) fn once(mut self) -> Self {
        self.is_kept = false;
        self
    }
}

/// Why there is no such page, or why an act was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PageError {
    /// Redis cannot be used now.
    Away(String),
    /// Nothing is there.
    Missing(String),
    /// What was asked for cannot be.
    Wrong(String),
    /// It is not as it was when the page was drawn.
    Conflict(String),
    /// Who asks may not.
    Forbidden(String),
    /// Too often.
    Busy(String),
    /// Anything else.
    Failed(String),
}

impl PageError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What is said above the reason.
    pub(crate) fn heading(&self) -> &'static str {
        match self {
            Self::Away(_) => "Redis does not answer",
            Self::Missing(_) => "Nothing is here",
            Self::Wrong(_) => "It cannot be done like this",
            Self::Conflict(_) => "It has changed meanwhile",
            Self::Forbidden(_) => "You may not do this",
            Self::Busy(_) => "Too often",
            Self::Failed(_) => "It failed",
        }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Away(why)
        | Self::Missing(why)
        | Self::Wrong(why)
        | Self::Conflict(why)
        | Self::Forbidden(why)
        | Self::Busy(why)
        | Self::Failed(why)) = self;
        f.write_str(why)
    }
}

impl From<OperatorError> for PageError {
    fn from(error: OperatorError) -> Self {
        let why = error.to_string();
        match error {
            OperatorError::Queue(error) if error.is_outage() => Self::Away(why),
            OperatorError::Queue(_) => Self::Failed(why),
            OperatorError::UnknownQueue { .. }
            | OperatorError::UnknownJob(_)
            | OperatorError::UnknownGroup(_)
            | OperatorError::UnknownOperation(_)
            | OperatorError::UnknownReplay(_) => Self::Missing(why),
            OperatorError::OperationOver(_)
            | OperatorError::ReplayOver(_)
            | OperatorError::ReplayRunning { .. }
            | OperatorError::NotDead { .. }
            | OperatorError::NotWaiting { .. } => Self::Conflict(why),
            _ => Self::Wrong(why),
        }
    }
}

/// What the guard finds in a response's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Unframed(Arc<Mutex<Option<Result<Content, PageError>>>>);

impl Unframed {
    fn new(answer: Result<Content, PageError>) -> Self {
        Self(Arc::new(Mutex::new(Some(answer))))
    }

    pub(crate) fn take(&self) -> Option<Result<Content, PageError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl IntoResponse for Content {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Unframed::new(Ok(self)));
        response
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Unframed::new(Err(self)));
        response
    }
}

/// Leads to another page, which is fetched by GET.
pub(crate) fn see_other(to: &str) -> Response {
    // A path of ours holds nothing that a header could not.
    (StatusCode::SEE_OTHER, [(LOCATION, to.to_owned())]).into_response()
}
