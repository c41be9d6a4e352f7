//! One job: its story from its enqueue on, its args field by field, and what can be done to it.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use longshore_operator::{HistoryRow, JobStory, JobView, StoryKind, StoryRow, ThisProgram};
use longshore_queue::JobState;
use maud::{Markup, html};
use serde_json::Value;

use crate::act::acts::Outcome;
use crate::act::carry_out::once;
use crate::act::noted;
use crate::components::act_form::{ActForm, act_form};
use crate::components::job_rows::job_link;
use crate::components::moment::moment;
use crate::components::state::{Tone, state, toned};
use crate::content::{Content, PageError, see_other};
use crate::foreign::{Foreign, Short, plain};
use crate::form::Form;
use crate::number::number;
use crate::pages::job_edit::edit_form;
use crate::pages::job_place::{crumbs, path_of};
use crate::pages::queue::path_of as queue_path;
use crate::route::Route;
use crate::section::Section;
use crate::view::{View, part};
use crate::visit::Visit;

/// So much of args is shown: the command line shows all.
const MOST_SHOWN: usize = 40_000;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::page("/jobs/{id}", get(show)),
        Route::act("/jobs/{id}/reveal", get(ask).post(reveal)),
    ]
}

/// `GET /jobs/{id}`
async fn show(visit: Visit, Path(id): Path<String>) -> Result<Content, PageError> {
    let job = visit.shared.operator.job(&id, None).await?;
    let body = whole(&visit.view, &job, false);
    let section = match job.state {
        JobState::Dead => Section::DeadLetters,
        _ => Section::Overview,
    };
    Ok(Content::new(section, title(&job), body))
}

/// `GET /jobs/{id}/reveal`
async fn ask(visit: Visit, Path(id): Path<String>) -> Result<Content, PageError> {
    let job = visit.shared.operator.job(&id, None).await?;
    let view = &visit.view;
    let path = path_of(&job.id);
    let body = html! {
        (crumbs(view, &job))
        h1 { "Reveal personal data" }
        section class="sheet" {
            p { "The args, the result and the key of this job would be shown to you as they are. The audit names you and the reason before they are." }
            (act_form(view, &ActForm {
                action: &format!("{path}/reveal"),
                verb: "Reveal",
                count: 1,
                is_final: false,
                hidden: &[],
                questions: html! {},
                back: &path,
            }))
        }
    };
    Ok(Content::new(Section::Other, "Reveal personal data", body))
}

/// `POST /jobs/{id}/reveal`: the page itself, shown once. With `then=edit` the form that edits.
async fn reveal(visit: Visit, Path(id): Path<String>, form: Form) -> Result<Response, PageError> {
    let signed = visit.who.signed(form.reason()?);
    let operator = &visit.shared.operator;
    // A reload sends the form again: then the page without personal data is shown.
    let once = once(&form)?;
    if let Some(seen) = noted::begin(operator, once).await? {
        return Ok(see_other(&visit.view.to(&seen.location)));
    }
    let job = operator
        .job(&id, Some(&signed))
        .await
        .map_err(PageError::from);
    let outcome = job.as_ref().map(|job| Outcome::seen_at(path_of(&job.id)));
    noted::end(operator, once, &outcome.map_err(Clone::clone)).await;
    let job = job?;
    let body = match form.get("then") {
        Some("edit") => edit_form(&visit, &job, true),
        _ => whole(&visit.view, &job, true),
    };
    Ok(Content::new(Section::Other, title(&job), body)
        .once()
        .into_response())
}

fn title(job: &JobView) -> String {
    let kind = job.kind.as_deref().unwrap_or("job");
    format!("{} {}", plain(kind), plain(&job.id))
}

fn whole(view: &View, job: &JobView, revealed: bool) -> Markup {
    html! {
        (crumbs(view, job))
        div class="head" {
            h1 { @match &job.kind { Some(kind) => (Short(kind, 64)), None => "Job of no kind" } }
            p { (state(job.state.as_str())) }
        }
        p class="id" { (Short(&job.id, 120)) " " button type="button" class="plain" data-copy=(plain(&job.id)) { "copy" } }
        @if revealed { p class="wrong" { "Personal data is shown. Reloading the page hides it again." } }
        @if let Some(why) = &job.broken { div class="para wrong" { "It cannot be read as a whole: " (Foreign(why)) } }
        (acts(view, job))
        div class="two" {
            section { h2 { "What happened" } (story(view, &job.story())) }
            div {
                section class="sheet" { h2 { "Facts" } (facts(view, job)) }
                section class="sheet" { (args(view, job, revealed)) }
            }
        }
    }
}

fn acts(view: &View, job: &JobView) -> Markup {
    let act = |act: &str| view.to(&format!("{}/{act}", path_of(&job.id)));
    let waits = matches!(
        job.state,
        JobState::Pending | JobState::Scheduled | JobState::Retryable
    );
    let later = matches!(job.state, JobState::Scheduled | JobState::Retryable);
    html! {
        @if view.can_act {
            p class="buttons" {
                @if later { a class="button main" href=(act("run")) { "Run now" } }
                @if let (JobState::Dead, Some(group)) = (job.state, &job.group) {
                    a class="button main" href=(act("replay")) { "Replay" }
                    a class="button" href=(view.to(&format!("/dead/{}/{}", part(&job.queue), part(group)))) { "All of its cause" }
                }
                @if waits { a class="button" href=(act("reschedule")) { "Reschedule" } }
                @if waits || job.state == JobState::Dead { a class="button" href=(act("edit")) { "Edit args" } }
                @if waits || job.state == JobState::Running { a class="button" href=(act("cancel")) { "Cancel" } }
                a class="button" href=(act("reveal")) { "Reveal" }
            }
        } @else {
            p class="hint" { "You are a viewer: an operator can act on it, and reveal its args." }
        }
    }
}

fn facts(view: &View, job: &JobView) -> Markup {
    let filtered =
        |name: &str, value: &str| view.to_with(&queue_path(&job.queue), &[(name, value)]);
    let about = |target: &str| view.to_with("/audit", &[("target", target)]);
    html! {
        dl class="facts" {
            dt { "Attempt" } dd { (job.attempt) " of " (job.max_attempts) }
            dt { "Priority" } dd { (job.priority) }
            @if let Some(at) = &job.next_run_at { dt { "Runs" } dd { (moment(view, at)) } }
            @if let Some(tenant) = &job.tenant { dt { "Tenant" } dd { a href=(filtered("tenant", tenant)) { (Short(tenant, 120)) } } }
            @if !job.tags.is_empty() {
                dt { "Tags" }
                dd { @for tag in &job.tags { a class="tag" href=(filtered("tag", tag)) { (Short(tag, 60)) } " " } }
            }
            @if let Some(key) = &job.idempotency_key { dt { "Key" } dd { (Foreign(key)) } }
            @if let Some(trace) = &job.trace_id {
                dt { "Trace" }
                dd { span class="id" { (Short(trace, 40)) } " " button type="button" class="plain" data-copy=(plain(trace)) { "copy" } }
            }
            @if job.may_have_been_sent { dt { "Sent" } dd { (toned(Tone::Warn, "perhaps")) " a request went out, and what became of it is not known" } }
            @for (name, value) in [("Progress", &job.progress), ("Result", &job.result)] {
                @if let Some(value) = value { dt { (name) } dd { (json(value)) } }
            }
            dt { "Audit" } dd { a href=(about(&job.id)) { "What operators did to it" } }
        }
    }
}

fn args(view: &View, job: &JobView, revealed: bool) -> Markup {
    html! {
        div class="head" {
            h2 { "Args" }
            @if !revealed && view.can_act && job.args.is_some() { a href=(view.to(&format!("{}/reveal", path_of(&job.id)))) { "Reveal" } }
        }
        @match (&job.args, &job.payload_base64) {
            (Some(args), _) => (json(args)),
            (None, Some(bytes)) if revealed => {
                p { "The payload does not decode. In base64:" }
                (text(bytes))
            },
            (None, Some(_)) => p { "The payload does not decode. Reveal shows its bytes." },
            (None, None) => p { "There is no payload: it is too large to be read, or was never written." },
        }
    }
}

/// A value as people read it.
fn json(value: &Value) -> Markup {
    text(&serde_json::to_string_pretty(value).unwrap_or_default())
}

fn text(text: &str) -> Markup {
    let count = text.chars().count();
    let shown: String = text.chars().take(MOST_SHOWN).collect();
    // Line ends are ours; others in texts are escaped by JSON.
    let shown: Vec<_> = shown.lines().map(plain).collect();
    html! {
        pre class="args" tabindex="0" { bdi { (shown.join("\n")) } }
        @if count > MOST_SHOWN { p class="hint" { "The first " (number(MOST_SHOWN as u64)) " of " (number(count as u64)) " characters; " code { (ThisProgram::get().name) " job ID --reveal" } " shows all." } }
    }
}

fn story(view: &View, story: &JobStory) -> Markup {
    html! {
        ol class="story" { @for row in &story.rows { (line(view, row)) } }
        details class="hint" {
            summary { "What is not kept" }
            ul { @for said in &story.not_kept { li { (said) } } }
        }
    }
}

fn line(view: &View, row: &StoryRow) -> Markup {
    let tone = tone(row);
    let class = match row.kind {
        StoryKind::Probe => "event probe",
        StoryKind::Act | StoryKind::AskedToStop | StoryKind::Forgotten => "event deed",
        StoryKind::Next | StoryKind::Running => "event now",
        StoryKind::NotKept => "event gap",
        _ => "event",
    };
    html! {
        li class=(class) {
            div class="para what" { (toned(tone, "")) (Foreign(&row.what)) }
            p class="when" {
                @if let Some(at) = &row.at { (moment(view, at)) }
                @if let Some(by) = &row.by { @if row.at.is_some() { " · " } "by " (by_whom(view, by)) }
            }
            @if let Some(entry) = &row.entry { (entry_facts(view, entry)) }
        }
    }
}

/// Who did it; another job leads to its page.
fn by_whom(view: &View, by: &str) -> Markup {
    match by.strip_prefix("job ") {
        Some(id) => html! { "job " (job_link(view, id)) },
        None => html! { (Short(by, 160)) },
    }
}

fn tone(row: &StoryRow) -> Tone {
    match row.kind {
        StoryKind::Attempt | StoryKind::Probe => match row.entry.as_ref().map(|of| &*of.outcome) {
            Some("completed" | "skipped") => Tone::Good,
            Some("throttled" | "given_back" | "never_sent" | "newer") => Tone::Quiet,
            Some("failed" | "timed_out" | "lost") => Tone::Warn,
            _ => Tone::Bad,
        },
        StoryKind::Died => Tone::Bad,
        StoryKind::Running => Tone::Busy,
        StoryKind::Parked | StoryKind::PutBack | StoryKind::AskedToStop => Tone::Warn,
        _ => Tone::Quiet,
    }
}

fn entry_facts(view: &View, entry: &HistoryRow) -> Markup {
    html! {
        dl class="facts small" {
            @if let Some(provider) = &entry.provider {
                dt { "Provider" }
                dd {
                    (Short(provider, 64))
                    @match &entry.code {
                        // It begins with the status where that is part of it.
                        Some(code) if entry.status.is_none_or(|status| code.starts_with(&status.to_string())) => { " · " (Short(code, 80)) },
                        code => {
                            @if let Some(status) = entry.status { " · " (status) }
                            @if let Some(code) = code { " · " (Short(code, 80)) }
                        },
                    }
                }
            }
            @for (name, value) in &entry.details { dt { (Short(name, 40)) } dd class="id" { (Short(value, 80)) } }
            @if let Some(ms) = entry.duration_ms { dt { "Took" } dd { (took(ms)) } }
            @if let Some(id) = &entry.request_id {
                dt { "Request id" }
                dd { span class="id" { (Short(id, 80)) } " " button type="button" class="plain" data-copy=(plain(id)) { "copy" } }
            }
            @if let Some(id) = &entry.operation {
                dt { "Operation" }
                dd { a class="id" href=(view.to(&format!("/operations/{}", part(id)))) { (Short(id, 32)) } }
            }
            @if !entry.enqueued.is_empty() {
                dt { "Enqueued" }
                dd {
                    @for (n, id) in entry.enqueued.iter().enumerate() {
                        @if n > 0 { ", " }
                        (job_link(view, id))
                    }
                    @if let Some(more) = entry.enqueued_more { " and " (number(more)) " more" }
                }
            }
            @if let Some(reason) = &entry.reason { dt { "Why" } dd { (Foreign(reason)) } }
            @if let Some(args) = &entry.old_args { dt { "Before" } dd { (json(args)) } }
        }
    }
}

fn took(ms: u64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        _ => format!("{:.1} s", ms as f64 / 1_000.0),
    }
}
