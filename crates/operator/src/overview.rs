//! Every queue as a row.

use std::collections::BTreeSet;

use longshore_queue::{Queue, QueueError, Stats};

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
        let mut rows = Vec::with_capacity(self.queues.len());
        for (info, queue) in self.some_or_all(only)? {
            let stats = queue.stats().await?;
            if only.is_some()
                || !info.providers.is_empty()
                || stats.broken.is_some()
                || stats.to_do() + stats.dead + stats.workers > 0
            {
                let calls = match with_calls {
                    true => providers::rows(info, queue, &stats).await,
                    false => Ok(Vec::new()),
                };
                let mut row = row(info, queue, stats).await?;
                match calls {
                    Ok(providers) => row.providers = providers,
                    Err(error) => {
                        let why = error.of_one_queue().ok_or(error)?;
                        let said = row.broken.take().map_or(String::new(), |said| said + "; ");
                        row.broken = Some(format!("{said}what its providers answered: {why}"));
                    }
                }
                rows.push(row);
            }
        }
        Ok(rows)
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

/// A queue as a row, with what its workers say.
async fn row(info: &QueueInfo, queue: &Queue, mut stats: Stats) -> Result<QueueRow, QueueError> {
    let alive = stats.workers > 0;
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
    let mut broken = |error: QueueError| -> Result<(), QueueError> {
        let why = error.of_one_queue().ok_or(error)?;
        let why = format!("what its workers say: {why}");
        let said = row.broken.take();
        row.broken = Some(said.map_or(why.clone(), |said| format!("{said}; {why}")));
        Ok(())
    };
    let mut known = BTreeSet::new();
    if alive && !parked.is_empty() {
        match queue.known_kinds().await {
            Ok(kinds) => known = kinds,
            Err(error) => broken(error)?,
        }
    }
    if alive {
        match queue.trouble().await {
            Ok(trouble) => {
                let trouble = trouble.into_iter();
                row.trouble = trouble
                    .map(|(worker, trouble)| format!("{worker}: {trouble}"))
                    .collect();
            }
            Err(error) => broken(error)?,
        }
    }
    let parked = parked.into_iter();
    let unknown = parked.filter(|parked| !known.contains(&parked.kind));
    row.parked = unknown.map(ParkedRow::new).collect();
    Ok(row)
}
