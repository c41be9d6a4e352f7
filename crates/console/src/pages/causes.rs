//! Dead letters by cause: what they died of, when they came, what their provider is doing now.

use axum::routing::get;
use longshore_job::Class;
use longshore_operator::{
    Concern, Filter, GroupRow, LetterRow, OperationRow, Operator, QueueRow, ThisProgram,
};
use maud::{Markup, html};

use crate::components::announced::announced;
use crate::components::doing::doing;
use crate::components::empty::empty;
use crate::components::moment::moment;
use crate::components::sparkline::sparkline;
use crate::content::{Content, PageError};
use crate::fleet::FleetFacts;
use crate::foreign::{Foreign, Short};
use crate::number::{counted, number, number_link};
use crate::query::Query;
use crate::route::Route;
use crate::section::Section;
use crate::view::{View, address, part};
use crate::visit::Visit;

/// So many causes have a card, the largest first.
const MOST_CARDS: usize = 50;

/// The section of the runbook about letters of this cause.
pub(crate) fn runbook_of(class: Option<Class>) -> String {
    match class {
        Some(Class::Refused) => Concern::RefusalsGrow,
        _ => Concern::DeadLettersGrow,
    }
    .anchor()
}

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::page("/dead", get(show))]
}

/// Where a cause is, within the console.
pub(crate) fn path_of(queue: &str, group: &str) -> String {
    format!("/dead/{}/{}", part(queue), part(group))
}

/// `GET /dead?queue=email&kind=send_email`
async fn show(visit: Visit, query: Query) -> Result<Content, PageError> {
    let operator = &visit.shared.operator;
    let mut groups = operator.groups(query.get("queue")).await?;
    if let Some(kind) = query.get("kind") {
        groups.retain(|group| group.kind.as_deref() == Some(kind));
    }
    let queues = operator.queues().await?;
    let operations = operator.operations().await?;
    let letters: u64 = groups.iter().map(|group| group.count).sum();
    let view = &visit.view;
    let mut cards = Vec::new();
    for group in groups.iter().take(MOST_CARDS) {
        let sample = sample(operator, group).await;
        let queue = queues.iter().find(|row| row.queue == group.queue);
        let of_it = format!("group {}", group.group);
        let mut open = operations.iter().filter(|row| row.is_open());
        let open = open.find(|row| row.queue == group.queue && row.filter == of_it);
        let now = Now { queue, open };
        cards.push(card(
            view,
            &visit.shared.fleet,
            group,
            &now,
            sample.as_ref(),
        ));
    }
    let filters = ["queue", "kind"].map(|name| (name, query.get(name).unwrap_or_default()));
    let body = html! {
        div class="head" {
            h1 { "Dead letters" }
            p class="hint" { (counted(letters, "letter")) " of " (counted(groups.len() as u64, "cause")) }
        }
        @if query.get("queue").is_some() || query.get("kind").is_some() {
            p class="hint" {
                "Only"
                @if let Some(queue) = query.get("queue") { " of the queue " strong { (Short(queue, 60)) } }
                @if let Some(kind) = query.get("kind") { " of the kind " strong { (Short(kind, 60)) } }
                " · " a href=(view.to("/dead")) { "all" }
            }
        }
        (announced(view, &address("/dead", &filters), groups.iter().map(|group| group.last_at.as_str())))
        @if groups.is_empty() {
            (empty("No job is dead. A job that cannot be done would stand here, with its cause.", Some("longshore dead groups")))
        }
        div class="cards" { @for card in &cards { (card) } }
        @if groups.len() > MOST_CARDS {
            p class="hint" {
                (counted((groups.len() - MOST_CARDS) as u64, "smaller cause")) " not shown: "
                code { (ThisProgram::get().name) " dead groups" } " lists all."
            }
        }
    };
    Ok(Content::new(Section::DeadLetters, "Dead letters", body))
}

/// One letter of a cause, if one can be read.
async fn sample(operator: &Operator, group: &GroupRow) -> Option<LetterRow> {
    let filter = Filter {
        queue: Some(&group.queue),
        group: Some(&group.group),
        limit: 1,
        ..Filter::default()
    };
    let mut letters = operator.letters(&filter).await.ok()?;
    letters.pop().filter(|letter| letter.broken.is_none())
}

/// What goes on around a cause now.
struct Now<'a> {
    queue: Option<&'a QueueRow>,
    /// An operation on its letters that goes on.
    open: Option<&'a OperationRow>,
}

fn card(
    view: &View,
    fleet: &FleetFacts,
    group: &GroupRow,
    now: &Now<'_>,
    sample: Option<&LetterRow>,
) -> Markup {
    let path = path_of(&group.queue, &group.group);
    html! {
        article class="card cause" {
            div class="count" { (number_link(group.count, &view.to(&path))) small { (if group.count == 1 { "letter" } else { "letters" }) } }
            div {
                h2 { a href=(view.to(&path)) { (Short(&group.reason, 200)) } }
                @if let Some(why) = &group.broken { div class="para wrong" { (Foreign(why)) } }
                (facts(view, group, sample))
            }
            (trend(group))
            div class="doing" {
                @if let Some(queue) = now.queue { (doing(view, queue)) }
                @if let Some(runbook) = fleet.runbook(&runbook_of(group.class)) { a href=(runbook) { "Runbook" } }
                @if let Some(open) = now.open {
                    a class="button main" href=(view.to(&format!("/operations/{}", part(&open.id)))) { "See its " (open.act) ", which goes on" }
                } @else if view.can_act && group.broken.is_none() {
                    a class="button main" href=(view.to(&format!("{path}/replay"))) { "Rehearse a replay" }
                }
            }
        }
    }
}

/// What is known of a cause beside its words.
pub(crate) fn facts(view: &View, group: &GroupRow, sample: Option<&LetterRow>) -> Markup {
    html! {
        dl class="facts" {
            dt { "Jobs" }
            dd {
                @if let Some(kind) = &group.kind { (Short(kind, 60)) } @else { "kind not known" }
                " in " (Short(&group.queue, 60))
                @if let Some(provider) = &group.provider { ", by " (Short(provider, 60)) }
            }
            dt { "First" }
            dd {
                (moment(view, &group.first_at))
                @if let Some(version) = &group.first_version { " · worker version " (Short(version, 40)) }
            }
            dt { "Last" }
            dd { (moment(view, &group.last_at)) }
            @if let Some(words) = group.deliveries.and_then(|of| of.words(group.count)) {
                dt { "Delivered" }
                dd { strong { (words) } ", by what the provider has said since: a replay may send them a second time" }
            }
            @if let Some(sample) = sample {
                dt { "One of them" }
                dd {
                    a class="id" href=(view.to(&format!("/jobs/{}", part(&sample.id)))) { (Short(&sample.id, 30)) }
                    @if let Some(reason) = &sample.reason { " " (Foreign(reason)) }
                }
            }
        }
    }
}

/// How it grew in the last day.
pub(crate) fn trend(group: &GroupRow) -> Markup {
    html! {
        div class="trend" {
            @if let Some(grew) = &group.grew {
                (sparkline("Letters in the last 24 hours", "hour", &grew.hours))
                @if grew.last_hour > 0 { span { strong { (number(grew.last_hour)) } " in the last hour" } }
                span { (number(grew.last_day)) " in 24 h" }
            } @else { "When it grew is not known." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_a_section_of_their_own() {
        assert_eq!(runbook_of(Some(Class::Refused)), "longshorerefusalsgrow");
        for class in [Some(Class::OutcomeUnknown), None] {
            assert_eq!(runbook_of(class), "longshoredeadlettersgrow");
        }
    }
}
