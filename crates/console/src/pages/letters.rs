//! One cause: its letters, and what can be done to all of them.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use longshore_operator::{Filter, GroupRow, LetterRow, Operator, ThisProgram};
use maud::{Markup, html};

use crate::components::announced::announced;
use crate::components::doing::doing;
use crate::components::moment::moment;
use crate::components::table::{numbers, table, text};
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::number::number;
use crate::pages::causes::{facts, path_of, runbook_of, trend};
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::view::{View, part};
use crate::visit::Visit;

/// So many letters stand on a page at first.
const SHOWN: usize = 50;

/// A reason that is longer stands whole beneath its beginning.
const LONGEST_HEADING: usize = 200;

/// So many at the most.
const MOST_SHOWN: usize = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::page("/dead/{queue}/{group}", get(show))]
}

/// The cause of a path.
pub(crate) async fn found(
    operator: &Operator,
    queue: &str,
    group: &str,
) -> Result<GroupRow, PageError> {
    let groups = operator.groups(Some(queue)).await?;
    let mut groups = groups.into_iter();
    groups.find(|row| row.group == group).ok_or_else(|| {
        PageError::Missing(format!(
            "The queue {queue} has no letters of the cause {group} now: they were replayed or discarded."
        ))
    })
}

/// The way back to a cause from what is done to its letters.
pub(crate) fn crumbs(view: &View, row: &GroupRow) -> Markup {
    html! {
        p class="crumbs" {
            a href=(view.to("/dead")) { "Dead letters" } " / "
            a href=(view.to(&path_of(&row.queue, &row.group))) { (Short(&row.reason, 80)) }
        }
    }
}

/// `GET /dead/{queue}/{group}?show=200`
async fn show(
    visit: Visit,
    Path((queue, group)): Path<(String, String)>,
    query: Query,
) -> Result<Content, PageError> {
    let operator = &visit.shared.operator;
    let row = match found(operator, &queue, &group).await {
        Err(PageError::Missing(why)) => return Ok(gone(&visit.view, &queue, &group, &why)),
        found => found?,
    };
    let doing_now = operator.queue_row(&queue).await?;
    let shown = query.number("show").unwrap_or(SHOWN).clamp(1, MOST_SHOWN);
    let filter = Filter {
        queue: Some(&queue),
        group: Some(&group),
        limit: shown,
        ..Filter::default()
    };
    let letters = operator.letters(&filter).await?;
    let view = &visit.view;
    let path = path_of(&queue, &group);
    let body = html! {
        p class="crumbs" { a href=(view.to("/dead")) { "Dead letters" } " / " (Short(&queue, 60)) }
        h1 { (Short(&row.reason, LONGEST_HEADING)) }
        @if row.reason.chars().count() > LONGEST_HEADING { div class="para" { (Foreign(&row.reason)) } }
        section class="sheet cause" {
            div class="count" { (number(row.count)) small { (if row.count == 1 { "letter" } else { "letters" }) } }
            (facts(view, &row, None))
            (trend(&row))
            div class="doing" {
                (doing(view, &doing_now))
                @if let Some(runbook) = visit.shared.fleet.runbook(&runbook_of(row.class)) { a href=(runbook) { "Runbook" } }
            }
        }
        (acts(view, &path))
        section {
            div class="head" { h2 { "Letters, the newest first" } p class="hint" { code { (ThisProgram::get().name) " dead list --group " (row.group) } } }
            (announced(view, &path, letters.iter().map(|letter| letter.died_at.as_str())))
            (rows(view, &letters))
            @if letters.len() == shown && shown < MOST_SHOWN {
                p { a class="button" href=(view.to_with(&path, &[("show", &(shown * 4).to_string())])) { "Show more" } }
            }
        }
    };
    let title = format!("{} · dead letters", crate::foreign::plain(&row.reason));
    Ok(Content::new(Section::DeadLetters, title, body))
}

/// What became of a cause that has no letters now.
fn gone(view: &View, queue: &str, group: &str, why: &str) -> Content {
    let body = html! {
        p class="crumbs" { a href=(view.to("/dead")) { "Dead letters" } " / " (Short(queue, 60)) }
        h1 { "No letters of this cause" }
        div class="para" { (Foreign(why)) }
        p class="buttons" {
            a class="button main" href=(view.to_with("/audit", &[("target", group)])) { "What was done to them" }
            a class="button" href=(view.to("/operations")) { "Operations" }
        }
    };
    let mut content = Content::new(Section::DeadLetters, "No letters of this cause", body).once();
    content.status = StatusCode::NOT_FOUND;
    content
}

fn acts(view: &View, path: &str) -> Markup {
    html! {
        @if view.can_act {
            p class="buttons" {
                a class="button main" href=(view.to(&format!("{path}/replay"))) { "Rehearse a replay" }
                a class="button" href=(view.to(&format!("{path}/export"))) { "Export" }
                a class="button" href=(view.to(&format!("{path}/discard"))) { "Discard" }
            }
        } @else {
            p class="hint" { "You are a viewer: an operator can replay, export or discard them." }
        }
    }
}

fn rows(view: &View, letters: &[LetterRow]) -> Markup {
    let columns = [
        text("Job"),
        text("Died"),
        numbers("Attempts"),
        text("What it died of"),
    ];
    let rows: Vec<Vec<Markup>> = letters
        .iter()
        .map(|letter| {
            vec![
                html! { a class="id" href=(view.to(&format!("/jobs/{}", part(&letter.id)))) { (Short(&letter.id, 30)) } },
                moment(view, &letter.died_at),
                html! { (letter.attempt) },
                html! {
                    @if let Some(broken) = &letter.broken { span class="wrong" { "broken: " } (Foreign(broken)) }
                    @else if let Some(reason) = &letter.reason { (Foreign(reason)) }
                    @else { span class="hint" { "no reason is kept" } }
                    @if let Some(delivery) = letter.delivery { " · the message is " strong { (delivery.as_str()) } }
                },
            ]
        })
        .collect();
    table("Letters of this cause", &columns, &rows)
}
