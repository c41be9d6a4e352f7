//! Light or dark.

use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};

use crate::content::{PageError, see_other};
use crate::form::Form;
use crate::local_path::local_path;
use crate::theme::{THEME, Theme};
use crate::visit::Visitor;

/// A year, in seconds.
const YEAR: u64 = 365 * 24 * 3600;

/// `POST /theme`
pub(crate) async fn theme(visitor: Visitor, form: Form) -> Result<Response, PageError> {
    let wanted = form.get("theme").and_then(Theme::parse);
    let theme = wanted.ok_or_else(|| PageError::Wrong("There are no such colours.".to_owned()))?;
    let to = visitor.view.to(local_path(form.get("to").unwrap_or("/")));
    let jar = visitor.shared.access.jar;
    let cookie = jar.keep(THEME, theme.as_str(), YEAR);
    Ok(([(SET_COOKIE, cookie)], see_other(&to)).into_response())
}
