//! Jobs in a table, wherever they were found.

use longshore_operator::JobRow;
use maud::{Markup, html};

use crate::components::moment::moment;
use crate::components::state::{Tone, state, toned};
use crate::components::table::{Column, numbers, table, text};
use crate::foreign::{Foreign, Short};
use crate::view::{View, part};

const COLUMNS: [Column; 8] = [
    text("Job"),
    text("Kind"),
    text("State"),
    numbers("Attempt"),
    text("Enqueued"),
    text("Next run"),
    text("Held by"),
    text("Tenant, tags"),
];

/// The jobs, each leading to its page.
pub(crate) fn job_rows(view: &View, caption: &str, rows: &[JobRow]) -> Markup {
    let rows: Vec<_> = rows.iter().map(|row| cells(view, row)).collect();
    table(caption, &COLUMNS, &rows)
}

/// A job's id, leading to its page.
pub(crate) fn job_link(view: &View, id: &str) -> Markup {
    html! {
        a class="id row" href=(view.to(&format!("/jobs/{}", part(id)))) { (Short(id, 32)) }
    }
}

fn cells(view: &View, row: &JobRow) -> Vec<Markup> {
    let when = |time: &Option<String>| html! { @if let Some(time) = time { (moment(view, time)) } };
    let labels = html! {
        @if let Some(tenant) = &row.tenant { span class="tag" { "tenant " (Short(tenant, 40)) } " " }
        @for tag in row.tags.iter().take(8) { span class="tag" { (Short(tag, 40)) } " " }
        @if row.tags.len() > 8 { span class="hint" { "and " (row.tags.len() - 8) " more" } }
    };
    vec![
        html! {
            @match &row.state {
                Some(_) => (job_link(view, &row.id)),
                None => (Short(&row.queue, 64)),
            }
        },
        html! { @if let Some(kind) = &row.kind { (Short(kind, 64)) } },
        html! {
            @if let Some(of) = row.state { (state(of.as_str())) }
            @if row.priority != longshore_job::Priority::default() { " " span class="tag" { (row.priority) } }
            @if let Some(why) = &row.broken { " " (toned(Tone::Bad, "broken")) " " (Foreign(why)) }
        },
        html! { (row.attempt) },
        when(&row.enqueued_at),
        when(&row.next_run_at),
        html! { @if let Some(held) = &row.held_by { (Short(held, 60)) } },
        labels,
    ]
}
