//! Around every route: who sends it, whether they may, and the frame of what is answered.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use longshore_job::JobId;
use longshore_operator::ThisProgram;
use maud::html;

use crate::access::{Known, VISITOR};
use crate::components::again::again;
use crate::components::band::Band;
use crate::components::page::{Age, Page};
use crate::content::{Content, PageError, Unframed, see_other};
use crate::foreign::Foreign;
use crate::form::Form;
use crate::headers;
use crate::packed::{QUICK, gzip, may_pack};
use crate::pages::{OPEN, SENT_BY_VIEWERS};
use crate::section::Section;
use crate::session::{LONGEST, is_same, masked, random, unmasked};
use crate::shared::Shared;
use crate::theme::Theme;
use crate::view::{ONCE_MARK, TOKEN_MARK, View, path_only};
use crate::visit::{Visit, Visitor};

/// A form may be this long, in bytes: args that are edited are the longest.
const LONGEST_FORM: usize = 1 << 20;

/// What is known of a request before it is let through.
struct Asked {
    view: View,
    theme: Theme,
    known: Option<Known>,
    /// The path and the query within the console.
    path: String,
    /// What its forms carry.
    token: String,
    /// Cookies to be kept.
    cookies: Vec<String>,
    /// Whether its page may be sent compressed.
    may_pack: bool,
}

/// Lets a request through, or not, and frames the answer.
pub(crate) async fn around(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    let is_asset = head.uri.path().starts_with("/assets/");
    if is_asset {
        let mut answer = next.run(Request::from_parts(head, body)).await;
        headers::secure(answer.headers_mut());
        return answer;
    }
    let asked = asked(&shared, &head).await;
    let path = head.uri.path().to_owned();
    let is_page = head.method == Method::GET;
    let mut form = None;
    let mut answer = match admitted(&shared, &asked, head, body).await {
        Ok(request) => {
            form = request.extensions().get::<Form>().cloned();
            next.run(request).await
        }
        Err(refusal) => refusal,
    };
    let unframed = answer.extensions_mut().remove::<Unframed>();
    if let Some(content) = unframed.and_then(|unframed| unframed.take()) {
        let content = match (content, &form) {
            (Err(error @ (PageError::Wrong(_) | PageError::Conflict(_))), Some(form)) => {
                Ok(of_form(&asked, &error, form))
            }
            (content, _) => content,
        };
        let did = did(&shared, &asked);
        answer = framed(&shared, &asked, content, is_page, did);
    }
    let cookies = &asked.cookies;
    for cookie in cookies.iter().filter(|_| path != "/logout") {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers::secure(headers);
    answer
}

async fn asked(shared: &Shared, head: &Parts) -> Asked {
    let access = &shared.access;
    let now = Timestamp::now();
    let mut known = access.known(head, now.as_second());
    let session = known.as_ref().and_then(|known| known.who.session());
    if let Some(session) = session
        && shared.has_session_ended(session).await
    {
        // It is known to have ended now: who sends this is known by something else, or not at all.
        known = access.known(head, now.as_second());
    }
    let mut cookies = Vec::new();
    if let Some(renewed) = known.as_ref().and_then(|known| known.renewed.as_ref()) {
        let seconds = LONGEST.unsigned_abs();
        cookies.push(access.jar.keep(crate::access::SESSION, renewed, seconds));
    }
    let mut token = match &known {
        Some(known) => known.token.clone(),
        None => access.visitor_token(head, ""),
    };
    if token.is_empty() {
        let cookie = random();
        let name = known.as_ref().map_or("", |known| &known.who.name);
        token = crate::session::visitor_token(&cookie, name);
        cookies.push(access.jar.keep(VISITOR, &cookie, LONGEST.unsigned_abs()));
    }
    Asked {
        view: View {
            prefix: prefix(shared, head),
            now,
            can_act: known.as_ref().is_some_and(|known| known.who.can_act()),
            is_production: shared.fleet.is_production(),
        },
        theme: Theme::of(&head.headers, access.jar),
        path: path_and_query(head),
        known,
        token,
        cookies,
        may_pack: may_pack(&head.headers),
    }
}

/// The path under which the console is mounted: what the routers around it, and a proxy before them, have taken away.
fn prefix(shared: &Shared, head: &Parts) -> String {
    let outer = &shared.access.path;
    let original = head.extensions.get::<OriginalUri>();
    let whole = original.map_or(head.uri.path(), |original| original.0.path());
    let inner = head.uri.path();
    let nested = match whole.strip_suffix(inner) {
        Some(prefix) => prefix,
        // `/ops` itself is `/` within.
        None if inner == "/" => whole,
        None => "",
    };
    format!("{outer}{nested}")
}

fn path_and_query(head: &Parts) -> String {
    let whole = head.uri.path_and_query();
    whole.map_or("/", |whole| whole.as_str()).to_owned()
}

/// The request with who sends it, or the refusal.
async fn admitted(
    shared: &Arc<Shared>,
    asked: &Asked,
    mut head: Parts,
    body: Body,
) -> Result<Request, Response> {
    let path = head.uri.path().to_owned();
    let is_open = OPEN.contains(&path.as_str());
    if asked.known.is_none() && !is_open {
        return Err(to_login(asked, &head));
    }
    let visitor = Visitor {
        shared: Arc::clone(shared),
        view: asked.view.clone(),
        address: shared.access.address(&head),
    };
    head.extensions.insert(visitor);
    if let Some(known) = &asked.known {
        head.extensions.insert(Visit {
            shared: Arc::clone(shared),
            view: asked.view.clone(),
            who: known.who.clone(),
        });
    }
    if matches!(head.method, Method::GET | Method::HEAD) {
        return Ok(Request::from_parts(head, body));
    }
    let forbidden = |why: &str| Err(PageError::Forbidden(why.to_owned()).into_response());
    if !headers::is_of_this_origin(&head.headers, shared.access.origin.as_deref()) {
        return forbidden("This was sent by a page of another site.");
    }
    let Ok(bytes) = to_bytes(body, LONGEST_FORM).await else {
        let why = "The form did not arrive whole, or it is longer than 1 MiB.".to_owned();
        return Err(PageError::Wrong(why).into_response());
    };
    let form = Form::read(&bytes);
    let token = form.get("token").unwrap_or_default();
    if !is_same(&unmasked(token), &asked.token) {
        return forbidden(
            "The form is not of this session: open the page again, and send it once more.",
        );
    }
    if !asked.view.can_act && !SENT_BY_VIEWERS.contains(&path.as_str()) {
        return forbidden("You are a viewer: an operator can do this.");
    }
    head.extensions.insert(form);
    Ok(Request::from_parts(head, Body::empty()))
}

/// Nobody knows who this is: a page leads to the login and back.
fn to_login(asked: &Asked, head: &Parts) -> Response {
    let login = |to: &str| asked.view.to_with("/login", &[("to", to)]);
    if head.uri.path() == "/live" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if head.method == Method::GET {
        return see_other(&login(&asked.path));
    }
    let page = path_only(&asked.path);
    let page = page.strip_suffix("/rehearse").unwrap_or(page);
    let body = html! {
        h1 { "The session is over" }
        p { "Nothing was changed, and what was typed is not kept." }
        p { a class="button main" href=(login(page)) { "Log in again" } }
    };
    let mut content = Content::new(Section::Other, "The session is over", body).once();
    content.status = StatusCode::UNAUTHORIZED;
    content.into_response()
}

/// What the form has done that led here.
fn did(shared: &Shared, asked: &Asked) -> Option<String> {
    let (_, query) = asked.path.split_once('?')?;
    let (_, form) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "did")?;
    shared.acts.sentence(&form)
}

/// The whole page; the last one there was where Redis is away.
fn framed(
    shared: &Shared,
    asked: &Asked,
    content: Result<Content, PageError>,
    is_page: bool,
    did: Option<String>,
) -> Response {
    let role = asked.known.as_ref().map(|known| known.who.role);
    let is_kept = |content: &Content| is_page && content.is_kept && content.status.is_success();
    let is_away = matches!(content, Err(PageError::Away(_)));
    let (content, age) = match content {
        Ok(content) => {
            if let Some(role) = role.filter(|_| is_kept(&content)) {
                let at = asked.view.now;
                shared.pictures.keep(&asked.path, role, &content, at);
            }
            (content, Age::Fresh)
        }
        Err(PageError::Away(why)) if is_page => {
            let last = role.and_then(|role| shared.pictures.last(&asked.path, role));
            match last {
                Some(picture) => {
                    let at = picture.at;
                    (picture.content.clone(), Age::Last { at, why })
                }
                None => (of_error(&asked.view, &PageError::Away(why)), Age::Fresh),
            }
        }
        Err(error) => (of_error(&asked.view, &error), Age::Fresh),
    };
    let away = match &age {
        Age::Last { why, .. } => Some(why.clone()),
        Age::Fresh if is_away => Some("it does not answer".to_owned()),
        Age::Fresh => None,
    };
    let page = Page {
        band: Band {
            view: &asked.view,
            fleet: &shared.fleet,
            who: asked.known.as_ref().map(|known| &known.who),
            theme: asked.theme,
            section: content.section,
            path: &asked.path,
            away: away.as_deref(),
        },
        title: &content.title,
        body: &content.body,
        age,
        did,
    };
    let text = finished(&page.draw().into_string(), &asked.token);
    // What shows personal data is not kept, and not compressed either.
    match asked.may_pack && is_page && content.is_kept {
        true => {
            let packed = gzip(text.as_bytes(), QUICK);
            (content.status, [(CONTENT_ENCODING, "gzip")], Html(packed)).into_response()
        }
        false => (content.status, Html(text)).into_response(),
    }
}

/// Puts in what belongs to this visitor alone.
fn finished(text: &str, token: &str) -> String {
    let text = text.replace(TOKEN_MARK, &masked(token));
    if !text.contains(ONCE_MARK) {
        return text;
    }
    let mut parts = text.split(ONCE_MARK);
    let mut finished = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        finished.push_str(&JobId::generate().to_string());
        finished.push_str(part);
    }
    finished
}

/// A page that says why a form was refused, and lets it be mended.
fn of_form(asked: &Asked, error: &PageError, form: &Form) -> Content {
    let mut content = of_error(&asked.view, error);
    let more = again(&asked.view, error, form, &asked.path);
    content.body = html! {
        h1 { (error.heading()) }
        div class="para" { (Foreign(&ThisProgram::get().commands(&error.to_string()))) }
        (more)
        p { a href=(asked.view.to("/")) { "To the overview" } }
    };
    content
}

/// A page that says why there is none.
fn of_error(view: &View, error: &PageError) -> Content {
    let why = error.to_string();
    let is_away = matches!(error, PageError::Away(_));
    let body = html! {
        h1 { (error.heading()) }
        div class="para" { (Foreign(&ThisProgram::get().commands(&why))) }
        @if is_away { p { "Nothing was changed. What was accepted is kept in Redis, and goes on when it is back." } }
        p { a class="button" href=(view.to("/")) { "To the overview" } }
    };
    let mut content = Content::new(Section::Other, error.heading(), body).once();
    content.status = error.status();
    content
}
