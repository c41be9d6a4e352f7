//! Addresses that nothing is sent to, by their hashes. No address is shown: nobody here knows it.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use longshore_operator::{Suppressed, SuppressionRow};
use maud::{Markup, html};

use crate::act::acts::Outcome;
use crate::act::carry_out::carry_out;
use crate::components::act_form::{ActForm, act_form};
use crate::components::empty::empty;
use crate::components::job_rows::job_link;
use crate::components::moment::moment;
use crate::components::table::{table, text};
use crate::content::{Content, PageError, see_other};
use crate::foreign::{Foreign, Short};
use crate::form::Form;
use crate::number::{counted, number};
use crate::route::Route;
use crate::section::Section;
use crate::view::{TOKEN_MARK, View, part};
use crate::visit::Visit;

/// So many stand on the page, the newest.
const ROWS: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::page("/suppressions", get(show)),
        Route::sent("/suppressions/find", post(find)),
        Route::act("/suppressions/{hash}/remove", get(preview).post(remove)),
    ]
}

/// `GET /suppressions`
async fn show(visit: Visit) -> Result<Content, PageError> {
    let view = &visit.view;
    let (rows, count) = visit.shared.operator.suppressions(ROWS).await?;
    let body = html! {
        div class="head" {
            h1 { "Suppressions" }
            p class="hint" { (counted(count as u64, "address").replace("addresss", "addresses")) " that nothing is sent to: their mail bounced for good, or was reported as spam" }
        }
        @if view.can_act {
            form class="filters" method="post" action=(view.to("/suppressions/find")) {
                input type="hidden" name="token" value=(TOKEN_MARK);
                label class="field" {
                    span { "An address, or the first 8 digits of its hash" }
                    input name="who" type="text" required autocomplete="off" maxlength="320" spellcheck="false";
                }
                button type="submit" { "Find" }
            }
        }
        @if rows.is_empty() {
            (empty("No address is suppressed.", Some("longshore suppressions list")))
        } @else {
            (list(view, &rows))
            @if count > rows.len() { p class="hint" { "The newest " (number(rows.len() as u64)) " of " (number(count as u64)) "." } }
        }
    };
    Ok(Content::new(Section::Suppressions, "Suppressions", body))
}

fn list(view: &View, rows: &[SuppressionRow]) -> Markup {
    let columns = [
        text("Hash"),
        text("Why"),
        text("Since"),
        text("By the mail of"),
        text(""),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            vec![
                html! {
                    span class="id" { (Short(&row.hash, 16)) }
                    @if let Some(why) = &row.broken { " " span class="wrong" { (Foreign(why)) } }
                },
                html! { @if let Some(reason) = &row.reason { (Short(&reason.replace('_', " "), 60)) } },
                html! { @if let Some(since) = &row.since { (moment(view, since)) } },
                html! { @if let Some(job) = &row.job { (job_link(view, job)) } },
                html! {
                    @if view.can_act { a href=(view.to(&remove_path(&row.hash))) { "Remove" } }
                },
            ]
        })
        .collect();
    table("Suppressed addresses", &columns, &rows)
}

fn remove_path(hash: &str) -> String {
    format!("/suppressions/{}/remove", part(hash))
}

fn suppressed(text: &str) -> Result<Suppressed, PageError> {
    text.parse().map_err(|_| {
        PageError::Wrong("Write the address, or at least 8 digits of its hash.".to_owned())
    })
}

/// `POST /suppressions/find`: leads to the one that is meant. An address stands in no URL.
async fn find(visit: Visit, form: Form) -> Result<Response, PageError> {
    let meant = suppressed(form.wanted("who", "Write the address or its hash.")?)?;
    let row = visit.shared.operator.suppression(&meant).await?;
    Ok(see_other(&visit.view.to(&remove_path(&row.hash))).into_response())
}

/// `GET /suppressions/{hash}/remove`
async fn preview(visit: Visit, Path(hash): Path<String>) -> Result<Content, PageError> {
    let row = visit
        .shared
        .operator
        .suppression(&suppressed(&hash)?)
        .await?;
    let view = &visit.view;
    let body = html! {
        p class="crumbs" { a href=(view.to("/suppressions")) { "Suppressions" } }
        h1 { "Remove an address" }
        section class="sheet" {
            dl class="facts" {
                dt { "Hash" } dd class="id" { (Foreign(&row.hash)) }
                @if let Some(reason) = &row.reason { dt { "Why" } dd { (Foreign(&reason.replace('_', " "))) } }
                @if let Some(since) = &row.since { dt { "Since" } dd { (moment(view, since)) } }
                @if let Some(job) = &row.job { dt { "By the mail of" } dd { (job_link(view, job)) } }
            }
            p { "Mails to it would be sent from now on, until the next one bounces. Do that only if its owner asked for it." }
            (act_form(view, &ActForm {
                action: &remove_path(&row.hash),
                verb: "Remove it from the list",
                count: 1,
                is_final: false,
                hidden: &[],
                questions: html! {},
                back: "/suppressions",
            }))
        }
    };
    Ok(Content::new(
        Section::Suppressions,
        "Remove an address",
        body,
    ))
}

/// `POST /suppressions/{hash}/remove`
async fn remove(visit: Visit, Path(hash): Path<String>, form: Form) -> Result<Response, PageError> {
    let meant = suppressed(&hash)?;
    let signed = visit.who.signed(form.reason()?);
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let operator = &shared.operator;
        let row = operator.suppression(&meant).await?;
        let said = match operator.unsuppress(&row, &signed).await? {
            true => "The address is off the list: mails to it are sent from now on.",
            false => "It was not on the list any more.",
        };
        Ok(Outcome::done("/suppressions", said))
    })
    .await
}
