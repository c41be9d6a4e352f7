//! What moves by itself, as server-sent events: each viewer is told what changed since they were told last.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::components::band::health;
use crate::live::{Parts, Reading};
use crate::view::{PREFIX_MARK, View};
use crate::visit::Visit;

/// What a viewer has been told.
struct Told {
    view: View,
    latest: watch::Receiver<Reading>,
    stopping: watch::Receiver<bool>,
    parts: Parts,
    is_first: bool,
}

/// `GET /live`
pub(crate) async fn live(visit: Visit) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (latest, stopping) = visit.shared.live.watch();
    let told = Told {
        view: visit.view,
        latest,
        stopping,
        parts: Parts::new(),
        is_first: true,
    };
    let events = unfold(told, |mut told| async move {
        let event = told.next().await?;
        Some((Ok(event), told))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// What was read longer ago, in seconds, was read for somebody who has left.
const OLD_AFTER: i64 = 5;

impl Told {
    /// Nobody has looked lately: the page itself is newer.
    fn is_old(&self) -> bool {
        let read = self.latest.borrow().at;
        read.is_none_or(|at| self.view.now.as_second() - at.as_second() > OLD_AFTER)
    }

    /// What changed next; `None` when the process stops.
    async fn next(&mut self) -> Option<Event> {
        let is_first = std::mem::take(&mut self.is_first);
        if !is_first || self.is_old() {
            tokio::select! {
                changed = self.latest.changed() => changed.ok()?,
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            }
        }
        let reading = self.latest.borrow_and_update().clone();
        let mut changed = Map::new();
        let view = View {
            now: reading.at.unwrap_or(self.view.now),
            ..self.view.clone()
        };
        let away = reading.away.as_ref().map(|(_, why)| why.as_str());
        if reading.at.is_some() || away.is_some() {
            let health = health(&view, away).into_string();
            changed.insert("health".to_owned(), Value::String(health));
        }
        for (name, part) in &*reading.parts {
            if self.parts.get(name) != Some(part) {
                let part = part.replace(PREFIX_MARK, &self.view.prefix);
                changed.insert(name.clone(), Value::String(part));
            }
        }
        self.parts = (*reading.parts).clone();
        Some(
            Event::default()
                .event("parts")
                .data(Value::Object(changed).to_string()),
        )
    }
}
