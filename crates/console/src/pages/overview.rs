//! The overview: what needs somebody, the queues, the providers, the workers.

use axum::routing::get;
use longshore_operator::{
    BreakerRow, FleetOverview, ProviderRow, QueueOverview, QueueRow, WorkerRow, percent,
};
use maud::{Markup, html};

use crate::components::answers::answers;
use crate::components::attention_list::attention_list;
use crate::components::chip::chip;
use crate::components::empty::empty;
use crate::components::gauge::gauge;
use crate::components::moment::rough;
use crate::components::state::{Tone, state, toned};
use crate::components::table::{numbers, table, text};
use crate::components::trend::trend;
use crate::content::{Content, PageError};
use crate::foreign::{Foreign, Short};
use crate::live::Parts;
use crate::number::{counted, number, number_link};
use crate::pages::workers::worker_table;
use crate::route::Route;
use crate::section::Section;
use crate::shared::Shared;
use crate::view::{PREFIX_MARK, View, part};
use crate::visit::Visit;

/// From this share of its limit on a provider is about to hold its queue back.
const NEAR_LIMIT: f64 = 0.9;

/// So many workers are shown here; their page has all.
const WORKERS: usize = 5;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::page("/", get(show))]
}

/// `GET /`
async fn show(visit: Visit) -> Result<Content, PageError> {
    let Visit { shared, view, .. } = &visit;
    let look = shared.operator.overview(&shared.configured).await?;
    let body = html! {
        h1 { "What needs you" }
        section class="needs" aria-live="polite" data-live="attention" {
            (attention_list(view, &shared.fleet, &look.attention))
        }
        section {
            h2 { "Queues" }
            (queues(view, &look))
        }
        section {
            h2 { "Providers" }
            (providers(view, shared, &look))
        }
        section {
            div class="head" {
                h2 { "Workers" }
                (summary(view, &look.workers))
            }
            (some_workers(view, &look.workers))
        }
    };
    Ok(Content::new(Section::Overview, "Overview", body))
}

/// What moves by itself.
pub(crate) async fn parts(shared: &Shared) -> Result<Parts, PageError> {
    let look = shared.operator.overview(&shared.configured).await?;
    let view = View {
        prefix: PREFIX_MARK.to_owned(),
        now: jiff::Timestamp::now(),
        can_act: false,
        is_production: shared.fleet.is_production(),
    };
    let list = attention_list(&view, &shared.fleet, &look.attention);
    Ok(Parts::from([("attention".to_owned(), list.into_string())]))
}

fn queues(view: &View, look: &FleetOverview) -> Markup {
    if look.queues.is_empty() {
        return empty(
            "No queue has jobs or workers yet.",
            Some("longshore enqueue KIND ARGS"),
        );
    }
    let columns = [
        text("Queue"),
        text("To do, last hour"),
        numbers("Waiting"),
        numbers("Oldest"),
        numbers("Running"),
        numbers("Done a minute"),
        numbers("Failed, last hour"),
        numbers("Dead"),
        text("Held by"),
    ];
    let rows: Vec<_> = look
        .queues
        .iter()
        .map(|queue| queue_cells(view, queue))
        .collect();
    table("Queues", &columns, &rows)
}

fn queue_cells(view: &View, queue: &QueueOverview) -> Vec<Markup> {
    let row = &queue.row;
    let path = format!("/queues/{}", part(&row.queue));
    let jobs = |state: &str| view.to_with(&path, &[("state", state)]);
    vec![
        html! { a class="row name" href=(view.to(&path)) { (Short(&row.queue, 64)) } },
        trend(
            &format!("Jobs of {} to do, estimated", row.queue),
            "minute",
            &queue.to_do_by_minute,
        ),
        number_link(row.pending, &jobs("pending")),
        html! { @if let Some(age) = row.latency_seconds { (rough(age as i64)) } @else { span class="zero" { "–" } } },
        html! {
            (number_link(row.running, &jobs("running")))
            @if queue.slots > 0 { span class="hint" { " of " (number(queue.slots)) } }
        },
        number_link(row.per_minute.completed, &jobs("completed")),
        html! { (failing(queue)) },
        number_link(row.dead, &view.to_with("/dead", &[("queue", &row.queue)])),
        held(view, row),
    ]
}

/// The share of the last hour's attempts that failed.
fn failing(queue: &QueueOverview) -> Markup {
    html! {
        @match queue.failing_share {
            None => span class="zero" { "–" },
            Some(0.0) => span class="zero" { "0 %" },
            Some(share) if share < 0.001 => "< 0.1 %",
            Some(share) => (format!("{:.1} %", share * 100.0)),
        }
    }
}

/// All that holds a queue back.
pub(crate) fn held(view: &View, row: &QueueRow) -> Markup {
    let parked: u64 = row.parked.iter().map(|parked| parked.jobs).sum();
    html! {
        div class="chips" {
            @if row.workers == 0 && row.to_do() > 0 { (toned(Tone::Bad, "no workers")) }
            @if let Some(pause) = &row.paused { (chip(view, &format!("paused by {}", pause.by), None)) }
            @for hold in &row.holds {
                (chip(view, &hold_words(hold), hold.until.as_deref()))
            }
            @if parked > 0 { (chip(view, &format!("{} parked", counted(parked, "job")), None)) }
            @let mark = if row.away.is_some() { "away: nothing of it is known" } else { "broken" };
            @if let Some(why) = &row.broken { (toned(Tone::Bad, mark)) " " (Foreign(why)) }
        }
    }
}

/// What a hold is, in words.
pub(crate) fn hold_words(hold: &longshore_operator::HoldRow) -> String {
    let provider = &hold.provider;
    match hold.cause.as_str() {
        "retry_after" => format!("{provider} asked for a wait"),
        "credentials" => format!("{provider} refuses our credentials"),
        "breaker" => format!("breaker of {provider}"),
        "limiter" => format!("limit of {provider}"),
        "limit" => "slowed by an operator".to_owned(),
        "redis_forgot" => "Redis forgot writes".to_owned(),
        "redis_restarted" => "Redis was restarted".to_owned(),
        other => other.replace('_', " "),
    }
}

fn providers(view: &View, shared: &Shared, look: &FleetOverview) -> Markup {
    let rows: Vec<_> = look
        .queues
        .iter()
        .flat_map(|queue| {
            let row = &queue.row;
            row.providers
                .iter()
                .map(move |provider| provider_cells(view, shared, row, provider))
        })
        .collect();
    if rows.is_empty() {
        return empty(
            "No provider is configured for any queue with jobs.",
            Some("longshore providers"),
        );
    }
    let columns = [
        text("Provider"),
        text("Queue"),
        text("Breaker"),
        text("Last answers"),
        numbers("Calls a minute"),
        numbers("Limit used"),
        numbers("Answered today (promised)"),
    ];
    table("Providers", &columns, &rows)
}

fn provider_cells(view: &View, shared: &Shared, row: &QueueRow, of: &ProviderRow) -> Vec<Markup> {
    let facts = shared.fleet.provider(&of.provider);
    let breaker = row
        .breakers
        .iter()
        .find(|breaker| breaker.provider == of.provider);
    let promised = shared.configured.promised.get(&of.provider).copied();
    vec![
        html! {
            (Short(&of.provider, 64))
            @if let Some(criticality) = facts.and_then(|facts| facts.criticality.as_deref()) {
                " " span class="tag" { (criticality) }
            }
        },
        html! { a href=(view.to(&format!("/queues/{}", part(&row.queue)))) { (Short(&row.queue, 64)) } },
        breaker_state(view, breaker),
        answers(&of.answers),
        html! {
            (number(of.calls_per_minute))
            @if let Some(limit) = of.limit_per_minute { span class="hint" { " of " (number(limit.round() as u64)) } }
        },
        html! {
            @match of.limit_used {
                None => span class="zero" { "–" },
                Some(used) => {
                    span class=[(used >= NEAR_LIMIT).then_some("wrong")] { (whole_percent(used)) }
                    (gauge(used))
                }
            }
        },
        html! {
            @match of.answered_share {
                None => span class="zero" { "–" },
                Some(share) => {
                    @let is_below = promised.is_some_and(|promised| share < promised);
                    span class=[is_below.then_some("wrong")] { (percent(share)) }
                }
            }
            @if let Some(promised) = promised { span class="hint" { " (" (percent(promised)) ")" } }
        },
    ]
}

fn breaker_state(view: &View, breaker: Option<&BreakerRow>) -> Markup {
    html! {
        @if let Some(breaker) = breaker {
            (state(breaker.state.as_str()))
            @if let Some(until) = &breaker.until { " " (crate::components::moment::until(view, until)) }
            @if breaker.refused.is_some() { " " (toned(Tone::Bad, "refuses our credentials")) }
        }
    }
}

/// `7 %`; what is little is not nothing.
fn whole_percent(share: f64) -> String {
    match share {
        0.0 => "0 %".to_owned(),
        ..0.01 => "< 1 %".to_owned(),
        _ => format!("{:.0} %", share * 100.0),
    }
}

/// How many workers there are, and of which versions.
fn summary(view: &View, workers: &[WorkerRow]) -> Markup {
    let mut versions: Vec<_> = workers
        .iter()
        .filter_map(|row| row.version.as_deref())
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let unfit = workers.iter().filter(|row| !row.fit).count() as u64;
    html! {
        p {
            (number_link(workers.len() as u64, &view.to("/workers"))) " running"
            @if !versions.is_empty() { ", version " (Short(&versions.join(", "), 80)) }
            @if unfit > 0 { " · " (toned(Tone::Warn, &format!("{unfit} unfit"))) }
        }
    }
}

/// The unfit ones first.
fn some_workers(view: &View, workers: &[WorkerRow]) -> Markup {
    if workers.is_empty() {
        return empty("No worker runs.", Some("longshore work"));
    }
    let mut shown: Vec<_> = workers.iter().collect();
    shown.sort_by_key(|row| row.fit);
    shown.truncate(WORKERS);
    html! {
        (worker_table(view, &shown, false))
        @if workers.len() > WORKERS {
            p { a href=(view.to("/workers")) { "All " (number(workers.len() as u64)) " workers" } }
        }
    }
}
