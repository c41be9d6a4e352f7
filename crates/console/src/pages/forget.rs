//! Forgetting a person: in which jobs they are, first.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use longshore_job::Person;
use longshore_operator::PersonPreview;
use maud::{Markup, html};

use crate::act::acts::Outcome;
use crate::act::carry_out::carry_out;
use crate::components::act_form::{ActForm, act_form};
use crate::components::state::{Tone, state, toned};
use crate::components::table::{numbers, table, text};
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::form::Form;
use crate::number::{counted, number};
use crate::route::Route;
use crate::section::Section;
use crate::view::{TOKEN_MARK, View};
use crate::visit::Visit;

/// Who waits for a page longer has gone.
const PATIENCE: Duration = Duration::from_secs(25);

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::act("/forget", get(ask).post(forget)),
        Route::sent("/forget/rehearse", post(rehearse)),
    ]
}

/// `GET /forget`
async fn ask(visit: Visit) -> Content {
    let view = &visit.view;
    let body = html! {
        h1 { "Forget a person" }
        section class="sheet" {
            p { "What waits for them is cancelled, what runs is asked to stop, and their data is stripped from all jobs that have ended. How each job went stays." }
            @if view.can_act {
                form class="act" method="post" action=(view.to("/forget/rehearse")) {
                    input type="hidden" name="token" value=(TOKEN_MARK);
                    label class="field" {
                        span { "Address, telephone number or user id" }
                        input name="who" type="text" required autocomplete="off" maxlength="254" spellcheck="false";
                        small { "It stands in no URL, no log and no audit." }
                    }
                    div class="buttons" { button class="main" type="submit" { "Rehearse" } }
                }
                p class="hint" { "All jobs are looked at, which may take a while." }
            } @else {
                p class="hint" { "You are a viewer: an operator can do this." }
            }
        }
    };
    Content::new(Section::Other, "Forget a person", body)
}

fn person(form: &Form) -> Result<(Person, &str), PageError> {
    let text = form.wanted("who", "Write an address, a number or an id.")?;
    let person = Person::parse(text);
    // What was typed is not said again.
    let person = person.map_err(|error| PageError::Wrong(format!("What was typed {error}.")))?;
    Ok((person, text))
}

async fn preview(visit: &Visit, person: &Person, text: &str) -> Result<PersonPreview, PageError> {
    let operator = &visit.shared.operator;
    let found = tokio::time::timeout(PATIENCE, operator.preview_forget(person, text, |_| {}));
    match found.await {
        Ok(found) => Ok(found?),
        Err(_) => Err(PageError::Busy(
            "There are too many jobs to look at all of them for a page: use `longshore forget`."
                .to_owned(),
        )),
    }
}

/// `POST /forget/rehearse`
async fn rehearse(visit: Visit, form: Form) -> Result<Response, PageError> {
    let (person, text) = person(&form)?;
    let found = preview(&visit, &person, text).await?;
    let view = &visit.view;
    let body = html! {
        h1 { "Forget a person" }
        p { "Known as " code { (found.person) } " from here on." }
        section class="sheet" {
            @match found.jobs {
                0 => p { (toned(Tone::Good, "They are in no job.")) },
                jobs => {
                    p { "They are in " strong { (counted(jobs, "job")) } ":" }
                    (rows(&found))
                },
            }
            @if found.jobs > 0 || found.suppressed || found.mapped { (confirm(view, &found, text)) }
        }
    };
    // It holds who is meant.
    let content = Content::new(Section::Other, "Forget a person", body).once();
    Ok(content.into_response())
}

fn rows(found: &PersonPreview) -> Markup {
    let columns = [
        text("Queue"),
        text("Kind"),
        text("State"),
        numbers("Jobs"),
        text("What would happen"),
    ];
    let rows: Vec<_> = found
        .found
        .iter()
        .map(|row| {
            vec![
                html! { (Short(&row.queue, 64)) },
                html! { @if let Some(kind) = &row.kind { (Short(kind, 64)) } },
                html! { @if let Some(of) = row.state { (state(of.as_str())) } },
                html! { (number(row.jobs)) },
                html! {
                    @match row.would {
                        "cancel" => "cancelled, and stripped",
                        "stop" => "asked to stop, and stripped when it has ended",
                        "strip" => "stripped",
                        _ => "nothing",
                    }
                    @if row.mentioned > 0 { span class="hint" { "; " (number(row.mentioned)) " only mention them" } }
                    @if row.may_have_been_sent > 0 { " " (toned(Tone::Warn, &format!("{} may have been sent", row.may_have_been_sent))) }
                    @if let Some(why) = &row.broken { span class="wrong" { "cannot be read: " } (Foreign(why)) }
                },
            ]
        })
        .collect();
    table("Jobs of the person", &columns, &rows)
}

fn confirm(view: &View, found: &PersonPreview, text: &str) -> Markup {
    act_form(
        view,
        &ActForm {
            action: "/forget",
            verb: &format!("Forget them in {}", counted(found.jobs, "job")),
            count: found.jobs,
            is_final: true,
            hidden: &[("who", text)],
            questions: html! {
                @if found.mapped {
                    label class="tick" {
                        input type="checkbox" name="mapping" value="yes";
                        span { "Also forget which customer they are at the payment provider. Their next payment makes a new customer." }
                    }
                }
                @if found.suppressed {
                    p class="hint" { "Their address stays on the list of those that nothing is sent to, as a hash: remove it at Suppressions if they ask for that." }
                }
            },
            back: "/forget",
        },
    )
}

/// `POST /forget`
async fn forget(visit: Visit, form: Form) -> Result<Response, PageError> {
    let (person, text) = person(&form)?;
    let signed = visit.who.signed(form.reason()?);
    let text = text.to_owned();
    let mapping = form.is_set("mapping");
    let found = preview(&visit, &person, &text).await?;
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let operator = &shared.operator;
        let begun = operator.begin_forget(&person, &found, &signed).await?;
        if mapping {
            operator.forget_mapping(&person, &text, &signed).await?;
        }
        Ok(match begun.as_slice() {
            [] => Outcome::done("/forget", "They are in no job any more."),
            [one] => Outcome::seen_at(format!("/operations/{}", one.id)),
            _ => Outcome::seen_at("/operations"),
        })
    })
    .await
}
