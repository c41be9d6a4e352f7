//! A request, with what is known of who sent it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::content::PageError;
use crate::shared::Shared;
use crate::view::View;
use crate::who::Who;

/// A request, whoever sent it.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) view: View,
    pub(crate) address: Option<IpAddr>,
}

/// A request of somebody who was let in.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) shared: Arc<Shared>,
    pub(crate) view: View,
    pub(crate) who: Who,
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        found(parts)
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        found(parts)
    }
}

/// What the guard has put there.
fn found<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<T, PageError> {
    let found = parts.extensions.get::<T>().cloned();
    found.ok_or_else(|| PageError::Forbidden("Log in first.".to_owned()))
}
