//! Discards the letters of a cause, for good.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use maud::html;

use crate::act::acts::Outcome;
use crate::act::carry_out::{begin, operation_id};
use crate::components::act_form::{ActForm, act_form};
use crate::components::rehearsal::sample;
use crate::components::state::{Tone, toned};
use crate::content::{Content, PageError};
use crate::foreign::Short;
use crate::form::Form;
use crate::number::{counted, number};
use crate::pages::causes::path_of;
use crate::pages::letters::{crumbs, found};
use crate::pages::replay::{LOOKED, delivery, narrowed, still_as_seen, target};
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::visit::Visit;

pub(crate) fn routes() -> Vec<Route> {
    let handler = get(preview).post(discard);
    vec![Route::act("/dead/{queue}/{group}/discard", handler)]
}

/// `GET /dead/{queue}/{group}/discard`
async fn preview(
    visit: Visit,
    Path((queue, group)): Path<(String, String)>,
    query: Query,
) -> Result<Content, PageError> {
    let operator = &visit.shared.operator;
    let row = found(operator, &queue, &group).await?;
    let only = delivery(query.get("delivery"))?;
    let target = target(&queue, &group, only);
    let rehearsal = operator
        .rehearse_some(&target, None, LOOKED, |_| {})
        .await?;
    let view = &visit.view;
    let path = path_of(&queue, &group);
    let hidden: Vec<_> = only
        .map(|only| ("delivery", only.as_str()))
        .into_iter()
        .collect();
    let body = html! {
        (crumbs(view, &row))
        h1 { "Discard dead letters" }
        p {
            (counted(rehearsal.letters, "letter")) " of " strong { (Short(&row.reason, 200)) }
            " would be gone. This cannot be taken back. "
            a href=(view.to(&format!("{path}/export"))) { "Export them first" } "."
        }
        section class="sheet" {
            ul class="preview" {
                @if rehearsal.would_run > 0 {
                    li { span class="num" { (number(rehearsal.would_run)) } span { (toned(Tone::Warn, "would run")) " if they were replayed instead." } }
                }
                @if rehearsal.delivered > 0 {
                    li { span class="num" { (number(rehearsal.delivered)) } span { (toned(Tone::Good, "delivered:")) " their provider has said so since." } }
                }
                @if rehearsal.outcome_unknown > 0 {
                    li { span class="num" { (number(rehearsal.outcome_unknown)) } span { (toned(Tone::Warn, "not known:")) " they may have been carried out already. Their idempotency keys stay for their time." } }
                }
            }
            (sample(&rehearsal))
            (narrowed(view, &path, only, &rehearsal))
            p class="hint" { "It can be stopped at any time; what is gone by then is gone." }
            (act_form(view, &ActForm {
                action: &format!("{path}/discard"),
                verb: &format!("Discard {} for good", counted(rehearsal.letters, "letter")),
                count: rehearsal.letters,
                is_final: true,
                hidden: &hidden,
                questions: html! {},
                back: &path,
            }))
        }
    };
    Ok(Content::new(
        Section::DeadLetters,
        "Discard dead letters",
        body,
    ))
}

/// `POST /dead/{queue}/{group}/discard`
async fn discard(
    visit: Visit,
    Path((queue, group)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let only = delivery(form.get("delivery"))?;
    let signed = visit.who.signed(form.reason()?);
    let id = operation_id(&form)?;
    let (shared, seen) = (visit.shared.clone(), form.count());
    let is_production = visit.view.is_production;
    begin(&visit, &form, async move {
        let operator = &shared.operator;
        let target = target(&queue, &group, only);
        still_as_seen(seen, operator.count(&target).await?, is_production)?;
        match operator.begin_discard_as(id, &target, &signed).await? {
            Some(row) => Ok(Outcome::seen_at(format!("/operations/{}", row.id))),
            None => Err(PageError::Conflict(
                "There are no letters of this cause any more.".to_owned(),
            )),
        }
    })
    .await
}
