//! Logging in and out.

use std::time::Instant;

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use longshore_operator::ThisProgram;
use maud::{Markup, html};

use crate::access::SESSION;
use crate::content::{Content, PageError, see_other};
use crate::form::Form;
use crate::local_path::local_path;
use crate::section::Section;
use crate::session::{LONGEST, Session};
use crate::users::{LONGEST_PASSWORD, is_password};
use crate::view::{TOKEN_MARK, View};
use crate::visit::{Visit, Visitor};

/// `GET /login?to=/dead`
pub(crate) async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Content {
    let query = query.unwrap_or_default();
    let to = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "to");
    let to = to.map_or(String::from("/"), |(_, to)| to.into_owned());
    page(&visitor, local_path(&to), "", None)
}

fn page(visitor: &Visitor, to: &str, name: &str, wrong: Option<&str>) -> Content {
    let body = match visitor.shared.access.users.is_empty() {
        true => html! {
            h1 { "Nobody is known here" }
            p { "No user is configured. Make a password's hash, and set it:" }
            p { code { (ThisProgram::get().name) " console hash-password" } }
            p { code { "LONGSHORE_CONSOLE__USERS__ADA__PASSWORD_HASH" } ", " code { "LONGSHORE_CONSOLE__USERS__ADA__ROLE=operator" } }
        },
        false => login_form(&visitor.view, to, name, wrong),
    };
    Content::new(
        Section::Other,
        "Log in",
        html! { div class="login" { (body) } },
    )
    .once()
}

fn login_form(view: &View, to: &str, name: &str, wrong: Option<&str>) -> Markup {
    html! {
        h1 { "Log in" }
        form class="act" method="post" action=(view.to("/login")) {
            input type="hidden" name="token" value=(TOKEN_MARK);
            input type="hidden" name="to" value=(to);
            @if let Some(wrong) = wrong { p class="wrong" role="alert" { (wrong) } }
            label class="field" {
                span { "Name" }
                input name="name" type="text" value=(name) required autocomplete="username" maxlength="64" autofocus[name.is_empty()];
            }
            label class="field" {
                span { "Password" }
                input name="password" type="password" required autocomplete="current-password" maxlength=(LONGEST_PASSWORD) autofocus[!name.is_empty()];
            }
            div class="buttons" { button class="main" type="submit" { "Log in" } }
        }
    }
}

/// `POST /login`
pub(crate) async fn log_in(visitor: Visitor, form: Form) -> Result<Response, PageError> {
    let shared = &visitor.shared;
    let name = form.get("name").unwrap_or_default();
    let password = form.typed("password").unwrap_or_default();
    let to = local_path(form.get("to").unwrap_or("/"));
    let address = visitor.address;
    if let Err(wait) = shared.attempts.take(address, name, Instant::now()) {
        shared.failed_logins.inc();
        tracing::warn!("a login was refused: too many failed");
        let seconds = wait.as_secs() + 1;
        let wrong = format!("Too many logins have failed. Try again in {seconds} s.");
        let mut content = page(&visitor, to, name, Some(&wrong));
        content.status = StatusCode::TOO_MANY_REQUESTS;
        return Ok(content.into_response());
    }
    let user = shared.access.user(name);
    let hash = user.and_then(crate::users::ConsoleUser::password_hash);
    let fits = password.len() <= LONGEST_PASSWORD;
    let is_right = is_password(hash.clone(), password.to_owned()).await;
    let (Some(hash), true) = (hash, is_right && fits) else {
        shared.failed_logins.inc();
        tracing::warn!("a login failed");
        let mut content = page(
            &visitor,
            to,
            name,
            Some("The name or the password is wrong."),
        );
        content.status = StatusCode::UNAUTHORIZED;
        return Ok(content.into_response());
    };
    shared.attempts.give_back(address, name);
    let session = Session::begin(name, Timestamp::now().as_second());
    tracing::info!(user = name, "logged in");
    let seconds = LONGEST.unsigned_abs();
    let cookie = shared
        .access
        .jar
        .keep(SESSION, &session.signed(&hash), seconds);
    Ok(([(SET_COOKIE, cookie)], see_other(&visitor.view.to(to))).into_response())
}

/// `POST /logout`
pub(crate) async fn log_out(visit: Visit) -> Response {
    let access = &visit.shared.access;
    if let Some(session) = visit.who.session() {
        visit.shared.end_session(session).await;
        tracing::info!(user = visit.who.name, "logged out");
    }
    let cookie = access.jar.keep(SESSION, "", 0);
    let to = visit.view.to("/login");
    ([(SET_COOKIE, cookie)], see_other(&to)).into_response()
}
