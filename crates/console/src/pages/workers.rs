//! The worker processes.

use axum::routing::get;
use longshore_operator::WorkerRow;
use maud::{Markup, html};

use crate::components::empty::empty;
use crate::components::moment::{moment, rough};
use crate::components::state::{Tone, toned};
use crate::components::table::{Column, numbers, table, text};
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::number::{counted, number};
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::view::{View, part};
use crate::visit::Visit;

/// So many stand on one page.
const ROWS: usize = 60;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::page("/workers", get(show))]
}

/// `GET /workers?after=100`
async fn show(visit: Visit, query: Query) -> Result<Content, PageError> {
    let view = &visit.view;
    let mut workers = visit.shared.operator.workers().await?;
    workers.sort_by(|a, b| (a.fit, &a.worker).cmp(&(b.fit, &b.worker)));
    let after: usize = query
        .get("after")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let shown: Vec<_> = workers.iter().skip(after).take(ROWS).collect();
    let running: u64 = workers.iter().map(|row| row.running).sum();
    let slots: u64 = workers.iter().map(|row| row.slots).sum();
    let body = html! {
        div class="head" {
            h1 { "Workers" }
            p class="hint" {
                (counted(workers.len() as u64, "process").replace("processs", "processes"))
                ", " (counted(running, "job")) " running"
                @if slots > 0 { " in " (counted(slots, "slot")) }
            }
        }
        @if workers.is_empty() {
            (empty("No worker runs. Jobs wait until one does.", Some("longshore work")))
        } @else {
            (worker_table(view, &shown, true))
            @if after + ROWS < workers.len() {
                @let next = (after + ROWS).to_string();
                p { a class="button" href=(view.to_with("/workers", &[("after", &next)])) { "The next " (ROWS) } }
            }
        }
    };
    Ok(Content::new(Section::Workers, "Workers", body))
}

/// Workers in a table. How many jobs each runs is counted only for their own page.
pub(crate) fn worker_table(view: &View, workers: &[&WorkerRow], with_running: bool) -> Markup {
    let mut columns: Vec<Column> = vec![
        text("Worker"),
        text("Fit"),
        text("Version"),
        text("Started"),
        numbers("Last beat"),
        text("Queues"),
        text("Kinds"),
    ];
    if with_running {
        columns.insert(5, numbers("Running"));
    }
    let rows: Vec<_> = workers
        .iter()
        .map(|row| {
            let mut cells = cells(view, row);
            if with_running {
                cells.insert(
                    5,
                    html! {
                        (number(row.running))
                        @if row.slots > 0 { span class="hint" { " of " (number(row.slots)) } }
                    },
                );
            }
            cells
        })
        .collect();
    table("Workers", &columns, &rows)
}

fn cells(view: &View, row: &WorkerRow) -> Vec<Markup> {
    let mut kinds: Vec<&str> = row.kinds.iter().map(String::as_str).collect();
    kinds.sort_unstable();
    kinds.dedup();
    vec![
        html! {
            (Short(&row.worker, 64))
            @if let (Some(host), Some(pid)) = (&row.host, row.pid) {
                " " span class="hint" { (Short(host, 64)) " · " (pid) }
            }
        },
        html! {
            @match row.fit {
                true => (toned(Tone::Good, "fit")),
                false => (toned(Tone::Warn, "not fit")),
            }
            @if let Some(note) = &row.note { " " (Foreign(note)) }
        },
        html! { @if let Some(version) = &row.version { (Short(version, 40)) } },
        html! { @if let Some(started) = &row.started_at { (moment(view, started)) } },
        html! { (rough(row.beat_age_seconds as i64)) },
        html! {
            @for (n, queue) in row.queues.iter().enumerate() {
                @if n > 0 { ", " }
                a href=(view.to(&format!("/queues/{}", part(queue)))) { (Short(queue, 64)) }
            }
        },
        html! {
            @match kinds.as_slice() {
                [] => span class="hint" { "none said" },
                few if few.len() <= 3 => (Short(&few.join(", "), 120)),
                many => details { summary { (many.len()) " kinds" } (Short(&many.join(", "), 2_000)) },
            }
        },
    ]
}
