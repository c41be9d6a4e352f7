//! One queue: what holds it back, its last hour, and its jobs by state and filter.

use axum::extract::Path;
use axum::routing::get;
use longshore_operator::{JobFilter, JobPage, JobQuery, QueueOverview, QueueRow};
use longshore_queue::JobState;
use maud::{Markup, html};

use crate::components::announced::announced_jobs;
use crate::components::empty::empty;
use crate::components::job_rows::job_rows;
use crate::components::moment::{moment, rough};
use crate::components::shares::shares;
use crate::components::sparkline::sparkline;
use crate::components::trend::trend;
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::number::{counted, number, number_link};
use crate::pages::overview::held;
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::since::{ago_ms, span};
use crate::view::{View, address, part};
use crate::visit::Visit;

/// So many jobs of one key are shown.
const OF_KEY: usize = 50;

/// The filters that stand in the address of the page, and go on to an act on all that they mean.
pub(crate) const FILTERS: [&str; 5] = ["kind", "tenant", "tag", "key", "since"];

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::page("/queues/{queue}", get(show))]
}

/// The path of a queue's page.
pub(crate) fn path_of(queue: &str) -> String {
    format!("/queues/{}", part(queue))
}

/// Which jobs the address of a page means.
pub(crate) fn filter(get: impl Fn(&str) -> Option<String>) -> Result<JobFilter, PageError> {
    let wrong = |why: String| PageError::Wrong(why);
    let state = |word: String| {
        let of_word = |state: &JobState| state.as_str() == word;
        let state = JobState::ALL.into_iter().find(of_word);
        state.ok_or_else(|| wrong(format!("There is no state {word}.")))
    };
    let since = |text: String| {
        let since = span(&text);
        since.ok_or_else(|| wrong(format!("{text} is no time span: write 30m, 2h or 7d.")))
    };
    Ok(JobFilter {
        states: get("state").map(state).transpose()?.into_iter().collect(),
        kind: get("kind"),
        tenant: get("tenant"),
        tag: get("tag"),
        key: get("key"),
        since_ms: get("since").map(since).transpose()?.map(ago_ms),
    })
}

/// `GET /queues/{queue}?state=pending&kind=…&tenant=…&tag=…&key=…&since=2h`
async fn show(visit: Visit, Path(queue): Path<String>, query: Query) -> Result<Content, PageError> {
    let operator = &visit.shared.operator;
    let view = &visit.view;
    let filter = filter(|name| query.get(name).map(str::to_owned))?;
    let look = operator.queue_overview(&queue).await?;
    let waiting = operator.shares(&queue).await?;
    let page = match &filter.key {
        Some(_) => of_key(&visit, &queue, &filter).await?,
        None => {
            operator
                .job_page(&queue, &filter, query.get("after"))
                .await?
        }
    };
    let path = path_of(&queue);
    let body = html! {
        p class="crumbs" { a href=(view.to("/")) { "Overview" } " / Queue" }
        div class="head" { h1 { (Short(&queue, 64)) } (held(view, &look.row)) }
        (acts(view, &look.row))
        (hour(view, &look))
        (shares(view, &path, &waiting))
        section {
            h2 { "Jobs" }
            (states(view, &path, &look.row, &query))
            (filters(view, &path, &query))
            @if filter.key.is_none() && query.get("after").is_none() {
                @let state = query.get("state").unwrap_or_default();
                @let address = address(&path, &with(&query, "state", state));
                (announced_jobs(view, &address, &page.rows, &filter))
            }
            (jobs(view, &path, &page, &query))
        }
    };
    let title = crate::foreign::plain(&queue);
    Ok(Content::new(Section::Overview, title, body))
}

/// A key is a name within its kind, and is looked up.
async fn of_key(visit: &Visit, queue: &str, filter: &JobFilter) -> Result<JobPage, PageError> {
    let query = JobQuery {
        queue: Some(queue),
        filter: filter.clone(),
        person: None,
        limit: OF_KEY,
    };
    let rows = visit.shared.operator.jobs(&query, |_| {}).await?;
    Ok(JobPage {
        looked: rows.len() as u64,
        rows,
        next: None,
        broken: None,
    })
}

fn acts(view: &View, row: &QueueRow) -> Markup {
    let act = |act: &str| view.to(&format!("{}/{act}", path_of(&row.queue)));
    let slowed = row.holds.iter().any(|hold| hold.cause.as_str() == "limit");
    let held_itself = row.holds.len() > usize::from(slowed);
    html! {
        @if view.can_act {
            p class="buttons" {
                @match row.paused.as_ref().is_some_and(|pause| pause.by != "longshore") {
                    true => a class="button main" href=(act("resume")) { "Resume" },
                    false => a class="button" href=(act("pause")) { "Pause" },
                }
                @if held_itself { a class="button" href=(act("lift-holds")) { "Lift holds" } }
                @match slowed {
                    true => a class="button" href=(act("lift-limit")) { "Lift the limit" },
                    false => a class="button" href=(act("limit")) { "Slow down" },
                }
            }
        } @else {
            p class="hint" { "You are a viewer: an operator can pause, slow and cancel." }
        }
        @if slowed {
            p { "Slowed by an operator: " a href=(view.to_with("/audit", &[("queue", &row.queue), ("action", "limit")])) { "who, to what and why" } }
        }
        @if let Some(pause) = &row.paused {
            div class="para" { "Paused by " (Short(&pause.by, 80)) " " (moment(view, &pause.since)) ": " (Foreign(&pause.reason)) }
        }
    }
}

fn hour(view: &View, look: &QueueOverview) -> Markup {
    let row = &look.row;
    let path = path_of(&row.queue);
    let list = |fields: &[(&str, &str)]| view.to_with(&path, fields);
    let minute = &row.per_minute;
    html! {
        section class="sheet hour" {
            div {
                h3 { "To do, last hour " span class="hint" { "estimated" } }
                (trend("Jobs to do, estimated", "minute", &look.to_do_by_minute))
            }
            div {
                h3 { "Done, by the minute" }
                (sparkline("Jobs completed", "minute", &look.completed_by_minute))
            }
            dl class="facts" {
                dt { "Oldest waiting" }
                dd { @match row.latency_seconds { Some(age) => (rough(age as i64)), None => "nothing waits" } }
                dt { "Running" }
                dd {
                    (number_link(row.running, &list(&[("state", "running")])))
                    @if look.slots > 0 { " of " (counted(look.slots, "slot")) }
                    ", " a href=(view.to("/workers")) { (counted(row.workers, "worker")) }
                }
                dt { "Last minute" }
                dd {
                    (number_link(minute.completed, &list(&[("state", "completed")]))) " done, "
                    (number_link(minute.failed, &list(&[("state", "retryable")]))) " to be tried again, "
                    (number_link(minute.dead, &list(&[("state", "dead")]))) " dead"
                }
                @for parked in &row.parked {
                    dt { "Parked" }
                    dd { a href=(list(&[("state", "pending"), ("kind", &parked.kind)])) { (counted(parked.jobs, "job")) } " of kind " (Short(&parked.kind, 64)) ", since " (moment(view, &parked.since)) }
                }
                @for said in &row.trouble {
                    dt { "Trouble" }
                    dd { (Foreign(said)) }
                }
            }
        }
    }
}

/// The states as ways to their lists. Completed and cancelled ones are kept for a time only, so they have no number.
fn states(view: &View, path: &str, row: &QueueRow, query: &Query) -> Markup {
    let now = query.get("state").unwrap_or_default();
    let states = [
        ("", "all", None),
        ("pending", "pending", Some(row.pending)),
        ("scheduled", "scheduled", Some(row.scheduled)),
        ("running", "running", Some(row.running)),
        ("retryable", "retryable", Some(row.retryable)),
        ("dead", "dead", Some(row.dead)),
        ("completed", "completed", None),
        ("cancelled", "cancelled", None),
    ];
    html! {
        ul class="tabs" {
            @for (state, word, count) in states {
                li {
                    a href=(view.to_with(path, &with(query, "state", state))) aria-current=[(state == now).then_some("true")] {
                        (word)
                        @if let Some(count) = count { " " span class="num" { (number(count)) } }
                    }
                }
            }
        }
    }
}

/// The filters of the page's address, with one field as it shall be; where one goes on begins anew.
fn with<'a>(query: &'a Query, name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![(name, value)];
    let rest = FILTERS.into_iter().chain(["state"]);
    for field in rest.filter(|field| *field != name) {
        fields.extend(query.get(field).map(|value| (field, value)));
    }
    fields
}

fn filters(view: &View, path: &str, query: &Query) -> Markup {
    let field = |name: &'static str, words: &'static str| {
        html! {
            label class="field" {
                span { (words) }
                input name=(name) type="text" value=[query.get(name)] autocomplete="off" maxlength="256" spellcheck="false";
            }
        }
    };
    html! {
        form class="filters" method="get" action=(view.to(path)) {
            @if let Some(state) = query.get("state") { input type="hidden" name="state" value=(state); }
            (field("kind", "Kind")) (field("tenant", "Tenant")) (field("tag", "Tag")) (field("key", "Key"))
            label class="field" {
                span { "Enqueued in the last" }
                select name="since" {
                    @for (value, words) in [("", "any time"), ("15m", "15 minutes"), ("1h", "hour"), ("24h", "24 hours"), ("7d", "7 days")] {
                        option value=(value) selected[query.get("since").unwrap_or_default() == value] { (words) }
                    }
                }
            }
            button type="submit" { "Filter" }
        }
    }
}

fn jobs(view: &View, path: &str, page: &JobPage, query: &Query) -> Markup {
    let only: Vec<_> = FILTERS
        .into_iter()
        .filter_map(|name| Some((name, query.get(name)?)))
        .collect();
    let next = page.next.as_deref();
    html! {
        @if let Some(why) = &page.broken { div class="para wrong" { "Some cannot be read: " (Foreign(why)) } }
        @if page.rows.is_empty() {
            @match next {
                Some(_) => p class="empty" { "None of the " (counted(page.looked, "job")) " that were looked at is meant. There are more." },
                None => (empty("No job is here.", Some("longshore enqueue KIND ARGS"))),
            }
        } @else {
            (job_rows(view, "Jobs", &page.rows))
        }
        p class="buttons" {
            @if let Some(next) = next {
                @let state = query.get("state").unwrap_or_default();
                @let mut fields = with(query, "state", state);
                @let () = fields.push(("after", next));
                a class="button" href=(view.to_with(path, &fields)) { "Look further" }
                span class="hint" { (counted(page.looked, "job")) " were looked at, and " (number(page.rows.len() as u64)) " of them are shown" }
            }
            @if view.can_act && !only.is_empty() && !(page.rows.is_empty() && next.is_none()) {
                a class="button" href=(view.to_with(&format!("{path}/cancel"), &only)) { "Cancel all of this filter" }
                a class="button" href=(view.to_with(&format!("{path}/reschedule"), &only)) { "Reschedule all of this filter" }
            }
        }
    }
}
