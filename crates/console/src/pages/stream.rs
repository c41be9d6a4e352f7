//! What moves by itself, as server-sent events: each viewer is told what changed since they were told last.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::components::band::health;
use crate::live::{Parts, Reading, Watched};
use crate::pages::fresh;
use crate::query::Query;
use crate::shared::Shared;
use crate::view::{PREFIX_MARK, View};
use crate::visit::Visit;

/// What a viewer has been told.
struct Told {
    shared: Arc<Shared>,
    session: Option<String>,
    /// When it was looked last whether the session goes on.
    looked: Instant,
    view: View,
    latest: watch::Receiver<Reading>,
    stopping: watch::Receiver<bool>,
    parts: Parts,
    /// The list that the viewer looks at, and the time in ms from which on what comes to it is new.
    list: Option<(Watched, i64)>,
    /// What they were told of it.
    fresh: String,
    is_first: bool,
}

/// `GET /live?list=/queues/email&since=…`
pub(crate) async fn live(
    visit: Visit,
    query: Query,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let list = query.get("list").filter(|list| fresh::is_list(list));
    let watched = list.and_then(|list| visit.shared.live.watch_list(list.to_owned()));
    let (latest, stopping) = visit.shared.live.watch();
    let told = Told {
        session: visit.who.session().map(str::to_owned),
        looked: Instant::now(),
        shared: visit.shared,
        view: visit.view,
        latest,
        stopping,
        parts: Parts::new(),
        list: watched.zip(query.number("since")),
        fresh: String::new(),
        is_first: true,
    };
    let events = unfold(told, |mut told| async move {
        let event = told.next().await?;
        Some((Ok(event), told))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// How often Redis is asked whether the session of a viewer was ended by another process.
const LOOKED_EVERY: Duration = Duration::from_secs(15);

/// What was read longer ago, in seconds, was read for somebody who has left.
const OLD_AFTER: i64 = 5;

impl Told {
    /// Nobody has looked lately: the page itself is newer.
    fn is_old(&self) -> bool {
        let read = self.latest.borrow().at;
        read.is_none_or(|at| self.view.now.as_second() - at.as_second() > OLD_AFTER)
    }

    /// Whether their session was ended meanwhile.
    async fn has_left(&mut self) -> bool {
        let Some(session) = &self.session else {
            return false;
        };
        if self.looked.elapsed() < LOOKED_EVERY {
            return self.shared.access.has_ended(session);
        }
        self.looked = Instant::now();
        self.shared.has_session_ended(session).await
    }

    /// What changed next; `None` when the process stops, or the session has ended.
    async fn next(&mut self) -> Option<Event> {
        let is_first = std::mem::take(&mut self.is_first);
        if !is_first || self.is_old() {
            tokio::select! {
                changed = self.latest.changed() => changed.ok()?,
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            }
        }
        if self.has_left().await {
            return None;
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
        if let Some(line) = self.fresh(&reading) {
            changed.insert("fresh".to_owned(), Value::String(line));
        }
        Some(
            Event::default()
                .event("parts")
                .data(Value::Object(changed).to_string()),
        )
    }

    /// What has come to the list of this viewer, where that is other than what they were told.
    fn fresh(&mut self, reading: &Reading) -> Option<String> {
        let (watched, since) = self.list.as_ref()?;
        let listed = reading.lists.get(&watched.address)?;
        let line = fresh::line(&self.view, &watched.address, listed, *since).into_string();
        (line != self.fresh).then(|| {
            self.fresh.clone_from(&line);
            line
        })
    }
}
