//! One look at the whole fleet: what needs somebody, the queues with their last hour, and the workers.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join5, try_join_all, try_join3};
use longshore_queue::{LivingWorker, Minute, Queue, QueueError};
use serde::Serialize;

use crate::attention::{AttentionFacts, AttentionRow, ConfiguredFleet, KindsDiffer, attention};
use crate::away::ANSWERED_WITHIN;
use crate::dead::GroupRow;
use crate::error::OperatorError;
use crate::groups::group_rows;
use crate::hour::{Hour, MINUTES};
use crate::operator::Operator;
use crate::overview::{row_with, unread};
use crate::providers;
use crate::queue_info::QueueInfo;
use crate::queues::QueueRow;
use crate::replays::ReplayRow;
use crate::time::rfc3339;
use crate::workers::{self, WorkerRow};

/// The fleet at one time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FleetOverview {
    /// When it was looked, RFC 3339, by Redis's clock.
    pub looked_at: String,
    /// What needs somebody, worst first.
    pub attention: Vec<AttentionRow>,
    /// The queues.
    pub queues: Vec<QueueOverview>,
    /// The worker processes, without how many jobs each runs: 0.
    pub workers: Vec<WorkerRow>,
}

/// A queue with its last hour.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueOverview {
    /// Its row, with what is known of its providers.
    #[serde(flatten)]
    pub row: QueueRow,
    /// How many jobs its workers run at a time, as far as they say.
    pub slots: u64,
    /// How many jobs were to do, an hour ago and after each minute since, the last one now. All but the last are estimates, by
    /// what was enqueued, replayed and ended in between. The letters of a replay count as evenly spread over its time.
    pub to_do_by_minute: Vec<u64>,
    /// How many completed in each of the last sixty minutes; the last one is not over.
    pub completed_by_minute: Vec<u64>,
    /// The share of the last hour's ends of attempts that failed, 0 to 1; `None` where there was none.
    pub failing_share: Option<f64>,
}

impl QueueOverview {
    fn new(row: QueueRow, hour: &Hour, now_ms: u64) -> Self {
        let minutes = &hour.minutes;
        let first = (now_ms / 60_000).saturating_sub(MINUTES - 1);
        let mut completed = vec![0; MINUTES as usize];
        let (mut ended, mut failed) = (0, 0);
        for minute in minutes {
            let Some(place) = (minute.began_ms / 60_000).checked_sub(first) else {
                continue;
            };
            if let Some(count) = completed.get_mut(place as usize) {
                *count = minute.completed;
            }
            failed += minute.failed + minute.dead;
            ended += minute.completed + minute.failed + minute.dead;
        }
        Self {
            to_do_by_minute: hour.to_do_by_minute(row.to_do(), now_ms),
            completed_by_minute: completed,
            slots: hour.slots,
            failing_share: (ended > 0).then(|| failed as f64 / ended as f64),
            row,
        }
    }
}

/// What was read of one queue.
struct Reading {
    name: String,
    row: QueueRow,
    minutes: Vec<Minute>,
    living: Vec<LivingWorker>,
    groups: Vec<GroupRow>,
    replays: Vec<ReplayRow>,
}

impl Reading {
    /// Nothing can be read.
    fn away(row: QueueRow) -> Self {
        Self {
            name: row.queue.clone(),
            row,
            minutes: Vec::new(),
            living: Vec::new(),
            groups: Vec::new(),
            replays: Vec::new(),
        }
    }

    fn hour(&mut self) -> Hour {
        Hour::of(
            &self.living,
            std::mem::take(&mut self.minutes),
            &self.replays,
        )
    }
}

async fn read(
    info: &QueueInfo,
    queue: &Queue,
    configured: bool,
) -> Result<Option<Reading>, QueueError> {
    // All at once: a page waits for the slowest of them, and not for their sum.
    let reading = async {
        let read = join5(
            queue.stats(),
            queue.living(),
            queue.minutes(),
            group_rows(info, queue),
            queue.replays(),
        );
        match read.await {
            // All of them are away with it.
            (Err(error), ..) if error.is_outage() => Err(error),
            read => Ok(read),
        }
    };
    let read = match queue.answer_within(ANSWERED_WITHIN, reading).await {
        Ok(read) => read,
        Err(error) => return Ok(Some(Reading::away(unread(info, queue, error).await?))),
    };
    let (stats, living, minutes_read, groups_read, replays_read) = read;
    let stats = stats?;
    let is_shown =
        configured || stats.broken.is_some() || stats.to_do() + stats.dead + stats.workers > 0;
    if !is_shown {
        return Ok(None);
    }
    let seen = living.as_ref().map(|living| &living[..]);
    let mut row = row_with(info, queue, stats.clone(), seen).await?;
    let mut or_broken = |what: &str, error: QueueError| -> Result<(), QueueError> {
        let why = error.of_one_queue().ok_or(error)?;
        row.is_broken(&format!("{what}: {why}"));
        Ok(())
    };
    let mut minutes = Vec::new();
    match minutes_read {
        Ok(read) => minutes = read,
        Err(error) => or_broken("its last day", error)?,
    }
    let mut groups = Vec::new();
    match groups_read {
        Ok(read) => groups = read,
        Err(error) => or_broken("its dead letters", error)?,
    }
    let mut replays = Vec::new();
    match replays_read {
        Ok(read) => {
            let read = read.into_iter().flatten();
            replays = read
                .map(|replay| ReplayRow::new(&info.name, replay))
                .collect();
        }
        Err(error) => or_broken("its replays", error)?,
    }
    row.providers = providers::rows(info, &minutes, &stats);
    Ok(Some(Reading {
        name: info.name.clone(),
        row,
        minutes,
        living: living.unwrap_or_default(),
        groups,
        replays,
    }))
}

/// What some workers of a queue know and others do not.
fn kinds_differ(queue: &str, living: &[LivingWorker]) -> Option<KindsDiffer> {
    let facts: Vec<_> = living
        .iter()
        .filter_map(|worker| worker.facts.as_ref())
        .collect();
    // Nearly always: then nothing has to be sorted, of however many workers.
    if facts.windows(2).all(|two| two[0].kinds == two[1].kinds) {
        return None;
    }
    let all: BTreeSet<_> = facts.iter().flat_map(|facts| &facts.kinds).collect();
    let mut lacked: BTreeMap<&String, ()> = BTreeMap::new();
    let mut lacking = BTreeSet::new();
    for facts in &facts {
        let has: BTreeSet<_> = facts.kinds.iter().collect();
        for kind in all.difference(&has) {
            lacked.insert(kind, ());
            lacking.insert(facts.process.clone());
        }
    }
    (!lacked.is_empty()).then(|| KindsDiffer {
        queue: queue.to_owned(),
        kinds: lacked.into_keys().cloned().collect(),
        workers: lacking.into_iter().collect(),
    })
}

impl Operator {
    /// One queue, with its last hour.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn queue_overview(&self, name: &str) -> Result<QueueOverview, OperatorError> {
        let (info, queue) = self.queue(name)?;
        let now_ms = queue.link().now_ms().await?;
        let reading = read(info, queue, true).await?;
        let Some(mut reading) = reading else {
            unreachable!("a queue that is asked for is read");
        };
        let hour = reading.hour();
        Ok(QueueOverview::new(reading.row, &hour, now_ms))
    }

    /// Looks at the whole fleet: what needs somebody, the queues with their last hour, and the workers. Its cost does not grow with
    /// how many jobs there are.
    ///
    /// # Errors
    /// When the queue of a cron entry is unknown, or Redis cannot be reached.
    pub async fn overview(
        &self,
        configured: &ConfiguredFleet,
    ) -> Result<FleetOverview, OperatorError> {
        let reading = async |(info, queue): &(QueueInfo, Queue)| {
            let is_configured = configured.queues.contains_key(&info.name);
            Ok(read(info, queue, is_configured).await?)
        };
        let server = async || match self.queues.first() {
            // A user that may not ask is not told.
            Some((_, queue)) => Ok((
                queue.link().now_ms().await?,
                queue.link().server_facts().await.ok(),
            )),
            None => Ok((0, None)),
        };
        let readings = try_join_all(self.queues.iter().map(reading));
        let (cron, (now_ms, server), readings) =
            try_join3(self.cron(&configured.cron), server(), readings).await?;
        let mut facts = AttentionFacts {
            configured: configured.clone(),
            cron,
            now_ms,
            server,
            ..AttentionFacts::default()
        };
        let (mut hours, mut living) = (Vec::new(), Vec::new());
        for mut reading in readings.into_iter().flatten() {
            hours.push(reading.hour());
            facts
                .kinds_differ
                .extend(kinds_differ(&reading.name, &reading.living));
            facts.groups.extend(reading.groups);
            facts.replays.extend(reading.replays);
            facts.queues.push(reading.row);
            living.push((reading.name, reading.living));
        }
        facts.workers = workers::rows(living);
        let attention = attention(&facts);
        let now = facts.now_ms;
        let queues = facts.queues.into_iter().zip(hours);
        Ok(FleetOverview {
            looked_at: rfc3339(now),
            attention,
            queues: queues
                .map(|(row, hour)| QueueOverview::new(row, &hour, now))
                .collect(),
            workers: facts.workers,
        })
    }
}
