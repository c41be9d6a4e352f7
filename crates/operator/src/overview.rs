//! Every queue as a row.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use longshore_queue::{LivingWorker, Queue, QueueError, Stats};

use crate::away::{ANSWERED_WITHIN, Apart, apart, why_apart};
use crate::error::OperatorError;
use crate::operator::Operator;
use crate::providers;
use crate::queue_info::QueueInfo;
use crate::queues::{ParkedRow, QueueRow};

impl Operator {
    /// One row for each queue, always. A queue that was found in Redis, and that nobody here knows, has one while there
    /// is anything in it or anybody works it.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn queues(&self) -> Result<Vec<QueueRow>, OperatorError> {
        self.rows(None, false).await
    }

    /// The same rows, or that of one queue, with what is known of the calls of their providers: for that some 200 KiB are read of
    /// each.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn queues_with_calls(
        &self,
        queue: Option<&str>,
    ) -> Result<Vec<QueueRow>, OperatorError> {
        self.rows(queue, true).await
    }

    async fn rows(
        &self,
        only: Option<&str>,
        with_calls: bool,
    ) -> Result<Vec<QueueRow>, OperatorError> {
        let queues = self.some_or_all(only)?.into_iter();
        let rows = queues.map(async |(info, queue)| {
            let asking = queue.answer_within(ANSWERED_WITHIN, queue.stats());
            let stats = match asking.await {
                Ok(stats) => stats,
                Err(error) => return Ok(Some(unread(info, queue, error).await?)),
            };
            let is_shown = only.is_some()
                || !info.providers.is_empty()
                || stats.broken.is_some()
                || stats.to_do() + stats.dead + stats.workers > 0;
            match is_shown {
                true => Ok(Some(with_calls_if(with_calls, info, queue, stats).await?)),
                false => Ok::<_, OperatorError>(None),
            }
        });
        let rows = try_join_all(rows).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// The queue of one name.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn queue_row(&self, name: &str) -> Result<QueueRow, OperatorError> {
        let (info, queue) = self.queue(name)?;
        Ok(row(info, queue, queue.stats().await?).await?)
    }
}

/// A queue that cannot be counted, though others can.
pub(crate) async fn unread(
    info: &QueueInfo,
    queue: &Queue,
    error: QueueError,
) -> Result<QueueRow, QueueError> {
    let mut row = QueueRow::new(info, Stats::default());
    let why = apart(queue, error).await?;
    row.is_broken(&why.to_string());
    if let Apart::Away(away) = why {
        row.away = Some(away);
    }
    Ok(row)
}

/// A queue as a row, with what is known of the calls of its providers, where that is wanted.
async fn with_calls_if(
    wanted: bool,
    info: &QueueInfo,
    queue: &Queue,
    stats: Stats,
) -> Result<QueueRow, QueueError> {
    let counted = wanted.then(|| stats.clone());
    let mut row = row(info, queue, stats).await?;
    let Some(stats) = counted else {
        return Ok(row);
    };
    match queue.minutes().await {
        Ok(minutes) => row.providers = providers::rows(info, &minutes, &stats),
        Err(error) => {
            let why = why_apart(queue, error).await?;
            row.is_broken(&format!("what its providers answered: {why}"));
        }
    }
    Ok(row)
}

/// A queue as a row, with what its workers say.
async fn row(info: &QueueInfo, queue: &Queue, stats: Stats) -> Result<QueueRow, QueueError> {
    let living = match stats.workers {
        0 => Ok(Vec::new()),
        _ => queue.living().await,
    };
    let living = living.as_ref().map(|living| &living[..]);
    row_with(info, queue, stats, living).await
}

/// The same, where its workers were asked for.
pub(crate) async fn row_with(
    info: &QueueInfo,
    queue: &Queue,
    mut stats: Stats,
    living: Result<&[LivingWorker], &QueueError>,
) -> Result<QueueRow, QueueError> {
    let parked = std::mem::take(&mut stats.parked_kinds);
    let mut row = QueueRow::new(info, stats);
    for spoiled in queue.spoiled().await? {
        let said = row.broken.take().unwrap_or_default();
        // Whoever counted the queue has met some of them, and does not say what they are.
        let met = format!("{} is of another type", spoiled.key);
        row.broken = Some(match said.as_str() {
            "" => spoiled.to_string(),
            _ if said.contains(&met) => said.replace(&met, &spoiled.to_string()),
            _ => format!("{said}; {spoiled}"),
        });
    }
    let mut known = BTreeSet::new();
    match living {
        Ok(living) => {
            for worker in living {
                let Some(facts) = &worker.facts else { continue };
                if queue.is_fresh(worker) {
                    known.extend(&facts.kinds);
                }
                let process = &facts.process;
                let trouble = facts.trouble.iter();
                row.trouble
                    .extend(trouble.map(|trouble| format!("{process}: {trouble}")));
            }
        }
        Err(error) => match error.of_one_queue() {
            Some(why) => row.is_broken(&format!("what its workers say: {why}")),
            None => return Err(error.clone()),
        },
    }
    let parked = parked.into_iter();
    let unknown = parked.filter(|parked| !known.contains(&parked.kind));
    row.parked = unknown.map(ParkedRow::new).collect();
    Ok(row)
}
