//! Correcting a job's args: with the help of its kind's schema, and a rehearsal before.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use longshore_operator::{EditRehearsal, JobView};
use maud::{Markup, html};
use serde_json::Value;

use crate::act::acts::Outcome;
use crate::act::carry_out::carry_out;
use crate::components::act_form::{ActForm, act_form};
use crate::components::state::{Tone, toned};
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::form::Form;
use crate::pages::job_place::{crumbs, path_of};
use crate::route::Route;
use crate::section::Section;
use crate::view::TOKEN_MARK;
use crate::visit::Visit;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::act("/jobs/{id}/edit", get(show).post(edit)),
        Route::sent("/jobs/{id}/edit/rehearse", post(rehearse)),
    ]
}

/// `GET /jobs/{id}/edit`
async fn show(visit: Visit, Path(id): Path<String>) -> Result<Content, PageError> {
    let job = visit.shared.operator.job(&id, None).await?;
    let body = edit_form(&visit, &job, false);
    Ok(Content::new(Section::Other, "Edit args", body))
}

/// The args to be corrected, beside what the kind's args look like. They are filled in where they were revealed.
pub(crate) fn edit_form(visit: &Visit, job: &JobView, revealed: bool) -> Markup {
    let view = &visit.view;
    let path = path_of(&job.id);
    let filled = match (&job.args, revealed) {
        (Some(args), true) => serde_json::to_string_pretty(args).unwrap_or_default(),
        _ => String::new(),
    };
    let kind = job.kind.as_deref().unwrap_or_default();
    let schema = visit.shared.operator.schema_of(&job.queue, kind);
    html! {
        (crumbs(view, job))
        h1 { "Edit the args" }
        div class="two" {
            section class="sheet" {
                @if view.can_act {
                    form class="act" method="post" action=(view.to(&format!("{path}/edit/rehearse"))) {
                        input type="hidden" name="token" value=(TOKEN_MARK);
                        label class="field" {
                            span { "New args, JSON" }
                            textarea name="args" rows="16" required spellcheck="false" { (filled) }
                        }
                        div class="buttons" {
                            button class="main" type="submit" { "Rehearse" }
                            a class="button" href=(view.to(&path)) { "Back" }
                        }
                    }
                }
                @if !revealed {
                    h3 { "Begin with what it has" }
                    p { "The present args are personal data: to fill them in reveals them to you." }
                    (act_form(view, &ActForm {
                        action: &format!("{path}/reveal"),
                        verb: "Reveal and fill in",
                        count: 1,
                        is_final: false,
                        hidden: &[("then", "edit")],
                        questions: html! {},
                        back: &path,
                    }))
                }
            }
            section class="sheet" {
                h2 { "What " (Short(kind, 64)) " takes" }
                @match &schema {
                    Some(schema) => (help(schema)),
                    None => p { "This program does not know the kind: it cannot check args of it." },
                }
            }
        }
    }
}

/// The fields of a schema, each with its type and whether it has to be there.
fn help(schema: &Value) -> Markup {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let fields = schema["properties"].as_object();
    html! {
        dl class="facts" {
            @for (name, of) in fields.into_iter().flatten() {
                dt { code { (name) } @if required.contains(&name.as_str()) { " " span class="wrong" title="It has to be there" { "*" } } }
                dd {
                    (type_of(of))
                    @if let Some(said) = of["description"].as_str() { " (" (said) ")" }
                }
            }
        }
        p class="hint" { "* has to be there" }
        details { summary { "The whole schema" } pre class="args" { (serde_json::to_string_pretty(schema).unwrap_or_default()) } }
    }
}

fn type_of(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().map(Value::to_string).collect();
        return format!("one of {}", words.join(", "));
    }
    match &schema["type"] {
        Value::String(of) if of == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(of) => of.clone(),
        Value::Array(of) => {
            let of: Vec<_> = of.iter().filter_map(Value::as_str).collect();
            of.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

/// `POST /jobs/{id}/edit/rehearse`
async fn rehearse(visit: Visit, Path(id): Path<String>, form: Form) -> Result<Response, PageError> {
    let args = form.wanted("args", "The args are missing.")?;
    let operator = &visit.shared.operator;
    let rehearsal = operator.rehearse_edit(&id, args, false).await?;
    let job = operator.job(&id, None).await?;
    let view = &visit.view;
    let path = path_of(&job.id);
    let body = html! {
        (crumbs(view, &job))
        h1 { "Edit the args" }
        section class="sheet" {
            (outcome(&rehearsal))
            @if !rehearsal.same {
                (act_form(view, &ActForm {
                    action: &format!("{path}/edit"),
                    verb: "Edit the args",
                    count: 1,
                    is_final: false,
                    hidden: &[("args", args)],
                    questions: html! {
                        @if rehearsal.may_have_been_sent {
                            label class="tick" {
                                input type="checkbox" name="force" value="yes" required;
                                span { "Edit it although a request with the old args may have been carried out." }
                            }
                        }
                    },
                    back: &path,
                }))
            }
        }
    };
    // It holds the args.
    let content = Content::new(Section::Other, "Edit args", body).once();
    Ok(content.into_response())
}

fn outcome(rehearsal: &EditRehearsal) -> Markup {
    html! {
        @if rehearsal.same { p { "These are the args that it has: nothing would change." } }
        @else { p { (toned(Tone::Good, "They are args of its kind.")) " The old ones stay in its history. Its idempotency key gets a new generation." } }
        @if let Some(why) = &rehearsal.refused { div class="para" { (toned(Tone::Warn, "It would be refused:")) " " (Foreign(why)) } }
        @if rehearsal.suppressed { p { (toned(Tone::Warn, "It would be refused:")) " nothing is sent to its address any more." } }
        @if rehearsal.no_worker_knows { p { (toned(Tone::Warn, "No worker knows its kind now.")) } }
        @if rehearsal.may_have_been_sent { p { (toned(Tone::Warn, "A request with the old args may have been carried out.")) " Find out what happened first." } }
    }
}

/// `POST /jobs/{id}/edit`
async fn edit(visit: Visit, Path(id): Path<String>, form: Form) -> Result<Response, PageError> {
    let signed = visit.who.signed(form.reason()?);
    let args = form.wanted("args", "The args are missing.")?.to_owned();
    let force = form.is_set("force");
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let (_, changed) = shared.operator.edit_job(&id, &args, force, &signed).await?;
        let said = match changed {
            true => "The args are edited. A dead letter is still dead: replay it.",
            false => "It had these args already.",
        };
        Ok(Outcome::done(path_of(&id), said))
    })
    .await
}
