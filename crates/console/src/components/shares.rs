//! What waits in a queue: by priority, and the tenants of whom most waits.

use longshore_operator::SharesRow;
use maud::{Markup, html};

use crate::components::gauge::gauge;
use crate::components::table::{numbers, table, text};
use crate::foreign::Short;
use crate::number::{counted, number, number_link};
use crate::view::View;

/// Draws them; nothing where nothing waits but what is of normal priority and nobody's.
pub(crate) fn shares(view: &View, path: &str, row: &SharesRow) -> Markup {
    let all: u64 = row.priorities.iter().map(|(_, jobs)| jobs).sum();
    let other = row.priorities.iter();
    let other = other.filter(|(priority, _)| *priority != longshore_job::Priority::default());
    if other.map(|(_, jobs)| jobs).sum::<u64>() == 0 && row.tenants.is_empty() {
        return html! {};
    }
    html! {
        section class="sheet two" {
            div {
                h3 { "Tenants with the most waiting" }
                (tenants(view, path, row))
            }
            div {
                h3 { "Waiting by priority" }
                (table("Waiting by priority", &[text("Priority"), numbers("Jobs"), text("Share")], &priorities(row, all)))
            }
        }
    }
}

fn priorities(row: &SharesRow, all: u64) -> Vec<Vec<Markup>> {
    let priorities = row.priorities.iter();
    priorities
        .map(|(priority, jobs)| {
            vec![
                html! { (priority) },
                html! { (number(*jobs)) },
                share(*jobs as f64 / all.max(1) as f64),
            ]
        })
        .collect()
}

fn tenants(view: &View, path: &str, row: &SharesRow) -> Markup {
    let tenants = row.tenants.iter();
    let rows: Vec<_> = tenants
        .map(|of| {
            let list = view.to_with(path, &[("state", "pending"), ("tenant", &of.tenant)]);
            vec![
                html! { a href=(list) { (Short(&of.tenant, 40)) } },
                html! { @if row.sample.is_some() { "about " } (number_link(of.jobs, &list)) },
                share(of.share),
            ]
        })
        .collect();
    html! {
        @if rows.is_empty() {
            p class="hint" { "What waits is of no tenant." }
        } @else {
            (table("Tenants with the most waiting", &[text("Tenant"), numbers("Jobs"), text("Share")], &rows))
        }
        @if row.more_tenants > 0 { p class="hint" { "and " (counted(row.more_tenants, "other tenant")) } }
        @if let Some(looked) = row.sample {
            p class="hint" { "An estimate: of all that waits, " (counted(looked, "job")) " were looked at." }
        }
    }
}

/// In percent, and as a bar.
fn share(share: f64) -> Markup {
    html! { (percent(share)) (gauge(share)) }
}

fn percent(share: f64) -> String {
    match share {
        0.0 => "0 %".to_owned(),
        ..0.001 => "< 0.1 %".to_owned(),
        _ => format!("{:.1} %", share * 100.0),
    }
}
