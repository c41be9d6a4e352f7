//! The groups of a queue's dead letters, as rows.

use futures_util::future::try_join_all;
use longshore_queue::{Queue, QueueError};

use crate::dead::GroupRow;
use crate::queue_info::QueueInfo;

/// In so many groups of a queue, the largest ones, the letters' messages are looked for: Redis serves nobody else meanwhile.
const MOST_GROUPS: usize = 10;

/// The groups of a queue; of those whose outcome is unknown with what their providers have said since.
pub(crate) async fn group_rows(
    info: &QueueInfo,
    queue: &Queue,
) -> Result<Vec<GroupRow>, QueueError> {
    let groups = queue.dead_groups().await?.into_iter();
    let mut rows: Vec<_> = groups
        .map(|group| GroupRow::new(&info.name, group))
        .collect();
    rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.group.cmp(&b.group)));
    let unknown = rows.iter_mut().filter(|row| row.is_of_unknown_outcome());
    let asked = unknown.take(MOST_GROUPS).map(async |row| {
        match queue.letter_deliveries(&row.group).await {
            Ok(found) => row.deliveries = Some(found.into()),
            Err(error) if error.of_one_queue().is_some() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    });
    try_join_all(asked).await?;
    Ok(rows)
}
