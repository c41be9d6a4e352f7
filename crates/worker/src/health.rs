//! What a process says of itself: `/livez`, `/readyz`, `/metrics`. Served by the keeper's thread, so that no handler
//! can make it silent.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use futures_util::future::join_all;
use longshore_listener::{Bounds, Listener};
use longshore_queue::{Queue, QueueError, Stats};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use crate::metrics::{CachedFacts, Metrics};
use crate::overview::Overview;
use crate::station::Station;
use crate::ticker::Ticker;

/// A loop that has not gone round for so long has stopped. Every wait in it is shorter, however long Redis is away.
const STOPPED_AFTER: Duration = Duration::from_secs(30);

/// How long `/metrics` waits for Redis; its own counters come without it.
const STATS_WAIT: Duration = Duration::from_millis(1500);

#[derive(Clone)]
struct Health {
    stations: Arc<[Arc<Station>]>,
    overview: Arc<Overview>,
    ticker: Arc<Ticker>,
    metrics: Arc<Metrics>,
    cached: Arc<Mutex<CachedFacts>>,
}

pub(crate) async fn serve(
    listener: std::net::TcpListener,
    stations: Arc<[Arc<Station>]>,
    ticker: Arc<Ticker>,
    metrics: Arc<Metrics>,
    overview: Arc<Overview>,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let of_listeners = metrics.listeners.clone();
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(text))
        .with_state(Health {
            stations,
            overview,
            ticker,
            metrics,
            cached: Arc::default(),
        });
    // Ended with the thread that serves it, so that it answers for as long as anything goes on.
    let (_running, stop) = watch::channel(false);
    Listener::new(Bounds::private("health"), &of_listeners)
        .serve(listener, router, stop)
        .await;
    Ok(())
}

/// Progress, not presence: waiting for slots, work, a pause or Redis is progress. An orchestrator that killed
/// workers because Redis is away would cut running calls.
async fn livez(State(health): State<Health>) -> impl IntoResponse {
    let mut wrong = String::new();
    let ticked = health.ticker.progress.silent_for();
    // It waits for one answer of Redis's at a time, and marks each.
    if ticked > STOPPED_AFTER {
        let _ = writeln!(
            wrong,
            "cron: the ticker has stopped, {} s ago",
            ticked.as_secs()
        );
    }
    for station in health.stations.iter() {
        let queue = station.queue.name();
        for (name, silent) in [
            ("claimer", station.claimer.silent_for()),
            ("settler", station.settler.silent_for()),
            ("keeper", station.keeper.silent_for()),
        ] {
            let over = name == "claimer" && station.is_stopping();
            // The keeper goes round once a heartbeat.
            let stopped_after = STOPPED_AFTER.max(station.settings.heartbeat * 2);
            if silent > stopped_after && !over {
                let _ = writeln!(
                    wrong,
                    "{queue}: the {name} has stopped, {} s ago",
                    silent.as_secs()
                );
            }
        }
        for (job, over) in station.overdue() {
            let _ = writeln!(
                wrong,
                "{queue}: job {job} is {} s over its time limit",
                over.as_secs()
            );
        }
    }
    answer(wrong)
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let mut wrong = String::new();
    for station in health.stations.iter() {
        let queue = station.queue.name();
        if station.is_stopping() {
            let _ = writeln!(wrong, "{queue}: draining");
        } else if !station.is_confirmed() {
            let _ = writeln!(wrong, "{queue}: Redis has not confirmed a heartbeat lately");
        } else if station.settler.has_refused() {
            let _ = writeln!(wrong, "{queue}: Redis refuses outcomes");
        } else if !station.claimer.is_answered() {
            let _ = writeln!(wrong, "{queue}: Redis does not hand out jobs");
        }
    }
    // One that can work none of its queues says so; others only name what is wrong.
    let missed = not_reached(&health.stations);
    let works_none = health
        .stations
        .iter()
        .all(|station| station.hosts.misses(&station.queue.provider().name));
    if works_none {
        wrong.push_str(&missed);
    }
    let (status, mut text) = answer(wrong);
    if !works_none {
        text.push_str(&missed);
    }
    (status, text + &health.overview.faults())
}

/// The providers that are not reached from here, a line each.
fn not_reached(stations: &[Arc<Station>]) -> String {
    let mut lines = String::new();
    for station in stations {
        for trouble in station.hosts.trouble() {
            let _ = writeln!(lines, "{}: {trouble}", station.queue.name());
        }
    }
    lines
}

fn answer(wrong: String) -> (StatusCode, String) {
    if wrong.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, wrong)
    }
}

/// What this process works always is; of what it does not, only what has anything in it, or anybody at it.
fn worth_showing(health: &Health, queue: &Queue, stats: &Stats) -> bool {
    let worked = |station: &Arc<Station>| station.queue.name() == queue.name();
    stats.to_do() + stats.dead + stats.workers > 0 || health.stations.iter().any(worked)
}

async fn text(State(health): State<Health>) -> impl IntoResponse {
    let all = health.overview.queues();
    // All at once: one whose primary is away hides no other, and somebody waits for what is known.
    let asking = all.iter();
    let asking = asking.map(|queue| timeout(STATS_WAIT * 2, queue.stats()));
    let (mut queues, mut away) = (Vec::new(), Vec::new());
    for (queue, answer) in all.iter().zip(join_all(asking).await) {
        match answer {
            Ok(Ok(stats)) if worth_showing(&health, queue, &stats) => {
                queues.push((queue.name().to_owned(), stats));
            }
            // That is about this queue alone.
            Ok(Ok(_) | Err(QueueError::Refused { .. } | QueueError::Unexpected(_))) => {}
            _ => away.push(queue.name().to_owned()),
        }
    }
    // Whoever reads at the same moment waits for the same answers.
    let mut cached = health.cached.lock().await;
    match queues.is_empty() {
        true => *cached = CachedFacts::default(),
        false => cached.refresh(&all, &health.overview, STATS_WAIT).await,
    }
    let cached = cached.clone();
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (
        [(header::CONTENT_TYPE, content_type)],
        health.metrics.text(queues, &away, cached),
    )
}
