//! Acts on many jobs: how far they are, what they came to; stop and resume.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use longshore_operator::{OperationRow, OperatorError, ReplayRow};
use maud::{Markup, html};

use crate::act::acts::Outcome;
use crate::act::carry_out::carry_out;
use crate::components::act_form::{ActForm, act_form};
use crate::components::announced::announced;
use crate::components::empty::empty;
use crate::components::moment::moment;
use crate::components::operation::{progress, proof, small_progress};
use crate::components::state::state;
use crate::components::table::{numbers, table, text};
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::form::Form;
use crate::live::Parts;
use crate::number::number;
use crate::route::Route;
use crate::section::Section;
use crate::shared::Shared;
use crate::view::{PREFIX_MARK, View, part};
use crate::visit::Visit;

/// So many stand on the page, the newest first.
const MOST_SHOWN: usize = 200;

/// One that ended is told of so long, in seconds, so that who watches sees its end.
const TOLD_FOR: i64 = 120;

/// So long where jobs that it replayed have not ended: longer than their retries take.
const ON_THEIR_WAY_FOR: i64 = 3_600;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::page("/operations", get(list)),
        Route::page("/operations/{id}", get(show)),
        Route::act("/operations/{id}/stop", get(ask_stop).post(stop)),
        Route::act("/operations/{id}/resume", get(ask_resume).post(resume)),
    ]
}

/// Where an operation is, within the console.
fn path_of(id: &str) -> String {
    format!("/operations/{}", part(id))
}

/// `GET /operations`
async fn list(visit: Visit) -> Result<Content, PageError> {
    let rows = visit.shared.operator.operations().await?;
    let view = &visit.view;
    let columns = [
        text("What"),
        text("Of"),
        text("State"),
        text("Progress"),
        numbers("Failed"),
        text("By"),
        text("Began"),
    ];
    let cells: Vec<Vec<Markup>> = rows
        .iter()
        .take(MOST_SHOWN)
        .map(|row| {
            vec![
                html! { a href=(view.to(&path_of(&row.id))) { (row.act) } },
                html! { span class="brief" { (Short(&row.filter, 60)) } br; span class="hint" { (Short(&row.queue, 40)) } },
                html! { span data-live={ "state:" (row.id) } { (state(row.state)) } },
                html! { div data-live={ "bar:" (row.id) } { (small_progress(row)) } },
                html! { (number(row.failed)) },
                html! { (Short(&row.by, 40)) @if let Some(reason) = &row.reason { br; span class="hint" { (Short(reason, 60)) } } },
                moment(view, &row.started_at),
            ]
        })
        .collect();
    let body = html! {
        h1 { "Operations" }
        p class="hint" { "Replays, cancels, reschedules, discards and forgets of many jobs. Workers carry them on: you may close this page." }
        @if rows.is_empty() {
            (empty("There are none. A replay of many letters would stand here, with its bar and its proof.", Some("longshore dead replay --group GROUP --rate 20 --reason '…'")))
        }
        (announced(view, "/operations", rows.iter().map(|row| row.started_at.as_str())))
        @if !rows.is_empty() { (table("Operations, the newest first", &columns, &cells)) }
    };
    Ok(Content::new(Section::Operations, "Operations", body))
}

/// `GET /operations/{id}`
async fn show(visit: Visit, Path(id): Path<String>) -> Result<Content, PageError> {
    let (row, replay) = read(&visit.shared, &id).await?;
    let view = &visit.view;
    let body = html! {
        p class="crumbs" { a href=(view.to("/operations")) { "Operations" } }
        h1 { (title(&row)) }
        section class="sheet" { div data-live={ "operation:" (row.id) } { (whole(view, &row, replay.as_ref())) } }
        section class="sheet" data-live={ "facts:" (row.id) } { (facts(view, &row, replay.as_ref())) }
    };
    Ok(Content::new(Section::Operations, title(&row), body))
}

/// An operation, and if it is a replay what is known of that.
async fn read(shared: &Shared, id: &str) -> Result<(OperationRow, Option<ReplayRow>), PageError> {
    let row = shared.operator.operation(id).await?;
    let replay = match row.act {
        "replay" => match shared.operator.replay_of(id).await {
            Ok(replay) => Some(replay),
            Err(OperatorError::UnknownReplay(_)) => None,
            Err(error) => return Err(error.into()),
        },
        _ => None,
    };
    Ok((row, replay))
}

fn title(row: &OperationRow) -> String {
    let act = match row.act {
        "replay" => "Replay",
        "cancel" => "Cancel",
        "reschedule" => "Reschedule",
        "discard" => "Discard",
        "forget" => "Forget a person",
        other => other,
    };
    format!("{act} in {}", crate::foreign::plain(&row.queue))
}

/// What moves: the bar, the proof, and what can be done now.
fn whole(view: &View, row: &OperationRow, replay: Option<&ReplayRow>) -> Markup {
    let path = path_of(&row.id);
    html! {
        (progress(row))
        (proof(row, replay))
        @if let Some(broken) = &row.broken { div class="para wrong" { (Foreign(broken)) } }
        p class="buttons" {
            @if row.is_open() { a class="button" href=(view.to(&format!("{path}/stop"))) { "Stop" } }
            @if matches!(row.state, "stopped" | "cancelled") && row.act != "forget" {
                a class="button" href=(view.to(&format!("{path}/resume"))) { "Resume" }
            }
            a href=(view.to_with("/audit", &[("target", &row.id)])) { "Its audit entries" }
        }
    }
}

fn facts(view: &View, row: &OperationRow, replay: Option<&ReplayRow>) -> Markup {
    html! {
        dl class="facts" {
            dt { "Of" }
            dd { (Foreign(&row.filter)) " in " (Short(&row.queue, 60)) }
            @if let Some(replay) = replay {
                dt { "Rate" }
                dd { @match replay.rate { Some(rate) => { (rate) " a second" }, None => "as fast as it goes" } }
            }
            @if let Some(due) = &row.due_at { dt { "Due" } dd { (moment(view, due)) } }
            dt { "By" }
            dd { (Foreign(&row.by)) }
            dt { "Reason" }
            dd { @match &row.reason { Some(reason) => (Foreign(reason)), None => span class="hint" { "none" } } }
            dt { "Began" }
            dd { (moment(view, &row.started_at)) }
            @if let Some(ended) = &row.ended_at { dt { "Ended" } dd { (moment(view, ended)) } }
            dt { "Id" }
            dd { span class="id" { (Short(&row.id, 64)) } }
        }
    }
}

/// `GET /operations/{id}/stop`
async fn ask_stop(visit: Visit, Path(id): Path<String>) -> Result<Content, PageError> {
    let (row, _) = read(&visit.shared, &id).await?;
    let words = "What it has done stays done. It can be resumed.";
    Ok(ask(&visit.view, &row, "stop", "Stop it", words))
}

/// `GET /operations/{id}/resume`
async fn ask_resume(visit: Visit, Path(id): Path<String>) -> Result<Content, PageError> {
    let (row, _) = read(&visit.shared, &id).await?;
    let words = match row.state {
        "stopped" => {
            "It stopped by itself, since what it replayed failed again. Resume it once the cause is mended."
        }
        _ => "It goes on where it stopped.",
    };
    Ok(ask(&visit.view, &row, "resume", "Resume it", words))
}

fn ask(view: &View, row: &OperationRow, act: &str, verb: &str, words: &str) -> Content {
    let path = path_of(&row.id);
    let left = row.total.saturating_sub(row.done);
    let body = html! {
        p class="crumbs" { a href=(view.to("/operations")) { "Operations" } " / " a href=(view.to(&path)) { (title(row)) } }
        h1 { (verb) }
        p { (words) }
        section class="sheet" {
            (progress(row))
            (act_form(view, &ActForm {
                action: &format!("{path}/{act}"),
                verb,
                count: if act == "resume" { left } else { 0 },
                is_final: false,
                hidden: &[],
                questions: html! {},
                back: &path,
            }))
        }
    };
    Content::new(Section::Operations, format!("{verb}: {}", title(row)), body)
}

/// `POST /operations/{id}/stop`
async fn stop(visit: Visit, Path(id): Path<String>, form: Form) -> Result<Response, PageError> {
    let signed = visit.who.signed(form.reason()?);
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let changed = shared.operator.cancel_operation(&id, &signed).await?;
        let said = match changed {
            true => "Stopped. What it has done stays done.",
            false => "It had stopped before.",
        };
        Ok(Outcome::done(path_of(&id), said))
    })
    .await
}

/// `POST /operations/{id}/resume`
async fn resume(visit: Visit, Path(id): Path<String>, form: Form) -> Result<Response, PageError> {
    let signed = visit.who.signed(form.reason()?);
    let shared = visit.shared.clone();
    carry_out(&visit, &form, async move {
        let changed = shared.operator.resume_operation(&id, &signed).await?;
        let said = match changed {
            true => "It goes on.",
            false => "It was going on already.",
        };
        Ok(Outcome::done(path_of(&id), said))
    })
    .await
}

/// What moves by itself: of each operation that goes on, or ended lately, its state and its bars.
pub(crate) async fn parts(shared: &Shared) -> Result<Parts, PageError> {
    let view = View {
        prefix: PREFIX_MARK.to_owned(),
        now: jiff::Timestamp::now(),
        can_act: false,
        is_production: shared.fleet.is_production(),
    };
    let mut parts = Parts::new();
    for row in shared.operator.operations().await? {
        let ended = row.ended_at.as_ref().and_then(|at| at.parse().ok());
        let ago = |ended: jiff::Timestamp| view.now.as_second() - ended.as_second();
        let waits = row.became.as_ref().is_some_and(|of| of.on_their_way > 0);
        let told_for = if waits { ON_THEIR_WAY_FOR } else { TOLD_FOR };
        if !row.is_open() && ended.is_none_or(|ended| ago(ended) > told_for) {
            continue;
        }
        let Ok((row, replay)) = read(shared, &row.id).await else {
            continue;
        };
        let mut put = |name: &str, part: Markup| {
            parts.insert(format!("{name}:{}", row.id), part.into_string());
        };
        put("state", state(row.state));
        put("bar", small_progress(&row));
        put("operation", whole(&view, &row, replay.as_ref()));
        put("facts", facts(&view, &row, replay.as_ref()));
    }
    Ok(parts)
}
