//! One box for what somebody has at hand. A recipient is posted, and stands in no URL.

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use longshore_job::{Person, PersonForm};
use longshore_operator::{JobPage, SearchFound};
use maud::{Markup, html};

use crate::components::empty::empty;
use crate::components::job_rows::job_rows;
use crate::content::{Content, PageError, see_other};
use crate::foreign::{Foreign, Short};
use crate::form::Form;
use crate::number::counted;
use crate::pages::job_place::path_of as job_path;
use crate::pages::queue::path_of as queue_path;
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::view::{TOKEN_MARK, View, part};
use crate::visit::Visit;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::act("/search", get(show).post(sent))]
}

/// `GET /search?q=…`
async fn show(visit: Visit, query: Query) -> Result<Response, PageError> {
    let view = &visit.view;
    let text = query.get("q").unwrap_or_default().trim();
    if text.is_empty() {
        let body = html! {
            h1 { "Search" }
            p { "Write a job's id, an idempotency key, a tag, the id of an operation or of a cause, or whom a message went to." }
        };
        return Ok(Content::new(Section::Other, "Search", body).into_response());
    }
    let found = visit.shared.operator.search(text).await?;
    if let Some(job) = found.by_id.first() {
        return Ok(see_other(&view.to(&job_path(&job.id))));
    }
    if let Some(operation) = &found.operation {
        return Ok(see_other(
            &view.to(&format!("/operations/{}", part(operation))),
        ));
    }
    let body = html! {
        h1 { "Search" }
        p { "For " strong { (Short(text, 200)) } }
        (results(view, &found, text))
        @if matches!(Person::parse(text).map(|person| person.form()), Ok(PersonForm::Id)) {
            (of_person(view, text, "Look for jobs of the user with this id"))
        }
    };
    Ok(Content::new(Section::Other, "Search", body).into_response())
}

fn results(view: &View, found: &SearchFound, text: &str) -> Markup {
    html! {
        @if found.is_empty() {
            (empty("No job, key, cause, operation or tag is called so.", Some("longshore jobs find --recipient X")))
        }
        @for queue in &found.groups {
            p { "A cause of dead letters in " a href=(view.to(&format!("/dead/{}/{}", part(queue), part(text)))) { (Short(queue, 64)) } "." }
        }
        @if !found.by_key.is_empty() {
            section { h2 { "By idempotency key" } (job_rows(view, "By key", &found.by_key)) }
        }
        @if !found.by_tag.is_empty() {
            section { h2 { "By tag" } (job_rows(view, "By tag", &found.by_tag)) }
        }
        @if !found.more_in.is_empty() {
            p class="hint" {
                "As a tag it was looked for in the newest " (counted(found.looked, "job")) ". There are more jobs in "
                @for (n, queue) in found.more_in.iter().enumerate() {
                    @if n > 0 { ", " }
                    a href=(view.to_with(&queue_path(queue), &[("tag", text)])) { (Short(queue, 64)) }
                }
                "."
            }
        }
    }
}

/// `POST /search`: a recipient is looked for at once; all else gets an address that can be sent to a colleague.
async fn sent(visit: Visit, form: Form) -> Result<Response, PageError> {
    let text = form.get("q").unwrap_or_default();
    let as_person = form.is_set("person") || text.contains('@') || text.starts_with('+');
    if !as_person {
        return Ok(see_other(&visit.view.to_with("/search", &[("q", text)])));
    }
    // What was typed is not said again.
    let person = Person::parse(text);
    let person = person.map_err(|error| PageError::Wrong(format!("What was typed {error}.")))?;
    let operator = &visit.shared.operator;
    let queues = match form.get("queue") {
        Some(queue) => vec![queue.to_owned()],
        None => operator.queue_names(),
    };
    let mut pages = Vec::new();
    for queue in queues {
        let page = operator
            .person_page(&queue, &person, form.get("after"))
            .await?;
        pages.push((queue, page));
    }
    let found = pages.iter();
    let found: Vec<_> = found
        .map(|(queue, page)| (queue.clone(), page.rows.len() as u64))
        .collect();
    let signed = visit.who.signed("");
    operator.note_person_search(&found, &signed).await?;
    let view = &visit.view;
    let body = html! {
        h1 { "Jobs of one person" }
        p class="hint" { "Known here as " code { (person) } ". The audit has that you looked, and not for whom. What was typed stands in no URL, so this page cannot be sent to anybody." }
        @let none = pages.iter().all(|(_, page)| page.rows.is_empty());
        @if none { p class="empty" { "They are in none of the jobs that were looked at." } }
        @for (queue, page) in &pages { (of_queue(view, queue, page, text)) }
    };
    // It holds who is meant.
    let content = Content::new(Section::Other, "Jobs of one person", body).once();
    Ok(content.into_response())
}

fn of_queue(view: &View, queue: &str, page: &JobPage, text: &str) -> Markup {
    html! {
        @if !page.rows.is_empty() || page.next.is_some() || page.broken.is_some() {
            section {
                h2 { (Short(queue, 64)) }
                @if let Some(why) = &page.broken { div class="para wrong" { "Some cannot be read: " (Foreign(why)) } }
                @if !page.rows.is_empty() { (job_rows(view, "Jobs", &page.rows)) }
                @if let Some(next) = &page.next {
                    p class="hint" { (counted(page.looked, "job")) " were looked at. There are more." }
                    (further(view, text, queue, next))
                }
            }
        }
    }
}

fn further(view: &View, text: &str, queue: &str, after: &str) -> Markup {
    html! {
        form method="post" action=(view.to("/search")) {
            input type="hidden" name="token" value=(TOKEN_MARK);
            input type="hidden" name="q" value=(text);
            input type="hidden" name="person" value="yes";
            input type="hidden" name="queue" value=(queue);
            input type="hidden" name="after" value=(after);
            button type="submit" { "Look further" }
        }
    }
}

fn of_person(view: &View, text: &str, words: &str) -> Markup {
    html! {
        form method="post" action=(view.to("/search")) {
            input type="hidden" name="token" value=(TOKEN_MARK);
            input type="hidden" name="q" value=(text);
            input type="hidden" name="person" value="yes";
            button type="submit" { (words) }
        }
    }
}
