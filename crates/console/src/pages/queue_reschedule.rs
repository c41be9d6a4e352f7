//! Gives all jobs of a filter that wait another time.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use longshore_operator::JobFilter;
use longshore_queue::JobState;
use maud::html;

use crate::act::acts::Outcome;
use crate::act::carry_out::{begin, operation_id};
use crate::components::act_form::{ActForm, act_form};
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::form::Form;
use crate::number::{counted, number};
use crate::pages::job_acts::{ask_when, when};
use crate::pages::queue::{FILTERS, filter, path_of};
use crate::pages::queue_acts::{MOST_LOOKED, class};
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::visit::Visit;

pub(crate) fn routes() -> Vec<Route> {
    let handler = get(preview).post(reschedule);
    vec![Route::act("/queues/{queue}/reschedule", handler)]
}

/// What is said of which jobs are meant: the filters of the queue's page, and a state.
fn said<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    let names = FILTERS.into_iter().chain(["state"]);
    let said = names.filter_map(|name| Some((name, get(name)?)));
    said.collect()
}

/// Which jobs those are: never all of a queue, and only such as wait.
fn meant(said: &[(&str, &str)]) -> Result<JobFilter, PageError> {
    let wrong = |why: &str| Err(PageError::Wrong(why.to_owned()));
    if said.is_empty() {
        return wrong("Say which jobs, by a filter of the queue's page: not all of them.");
    }
    let filter = filter(|name| {
        let (_, value) = said.iter().find(|(field, _)| *field == name)?;
        Some((*value).to_owned())
    })?;
    let waits = |state: &JobState| {
        matches!(
            state,
            JobState::Pending | JobState::Scheduled | JobState::Retryable
        )
    };
    match filter.states.iter().all(waits) {
        true => Ok(filter),
        false => {
            wrong("Only jobs that wait have another time: pending, scheduled or retryable ones.")
        }
    }
}

/// `GET /queues/{queue}/reschedule?kind=…&tag=…`
async fn preview(
    visit: Visit,
    Path(queue): Path<String>,
    query: Query,
) -> Result<Content, PageError> {
    let view = &visit.view;
    let fields = said(|name| query.get(name));
    let filter = meant(&fields)?;
    let path = path_of(&queue);
    let operator = &visit.shared.operator;
    let found = operator.preview_reschedule(&queue, &filter, MOST_LOOKED, |_| {});
    let (found, is_whole) = found.await?;
    let body = html! {
        p class="crumbs" { a href=(view.to("/")) { "Overview" } " / " a href=(view.to_with(&path, &fields)) { (Short(&queue, 64)) } }
        h1 { "Reschedule jobs of " (Short(&queue, 64)) }
        p { "Those that are meant: " strong { (Foreign(&filter.to_string())) } }
        section class="sheet" {
            @if !is_whole {
                p class="wrong" { "At least so many: only the first " (number(MOST_LOOKED)) " jobs were looked at. All that are meant would be due then." }
            }
            ul class="preview" {
                (class(found.pending, "pending: they would wait until then"))
                (class(found.scheduled, "scheduled: due then instead"))
                (class(found.retryable, "waiting for a retry: due then instead"))
                (class(found.running, "running: left alone"))
                (class(found.broken, "of which nothing stands but their ids: left alone"))
            }
            @if found.jobs == 0 && is_whole {
                p { "Nothing that waits is meant: there is nothing to reschedule." }
                p { a class="button" href=(view.to_with(&path, &fields)) { "Back" } }
            } @else {
                p class="hint" { "Each of them expires as long after that time as it did after the one it had. It can be stopped at any time." }
                (act_form(view, &ActForm {
                    action: &format!("{path}/reschedule"),
                    verb: &format!("Reschedule {}", counted(found.jobs, "job")),
                    count: found.jobs,
                    is_final: false,
                    hidden: &fields,
                    questions: ask_when(),
                    back: &path,
                }))
            }
        }
    };
    Ok(Content::new(Section::Overview, "Reschedule jobs", body))
}

/// `POST /queues/{queue}/reschedule`
async fn reschedule(
    visit: Visit,
    Path(queue): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let signed = visit.who.signed(form.reason()?);
    let filter = meant(&said(|name| form.get(name)))?;
    let (count, run_at) = (form.count(), when(&form)?);
    let (shared, id) = (visit.shared.clone(), operation_id(&form)?);
    begin(&visit, &form, async move {
        let operator = &shared.operator;
        let begun = operator.begin_reschedule(id, &queue, &filter, count, run_at, &signed);
        let begun = begun.await?;
        Ok(Outcome::seen_at(format!("/operations/{}", begun.id)))
    })
    .await
}
