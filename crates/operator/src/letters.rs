//! Dead letters of all queues: in groups, in a list, and those that somebody means.

use futures_util::future::{join_all, try_join_all};
use longshore_queue::{JobFilter, LetterFilter, Queue, QueueError, Selection};

use crate::away::{ANSWERED_WITHIN, ask_each, why_apart};
use crate::dead::{Filter, GroupRow, LetterRow};
use crate::error::OperatorError;
use crate::groups::group_rows;
use crate::operator::Operator;
use crate::queue_info::QueueInfo;

impl Operator {
    /// Dead letters grouped by cause, the largest group first.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn groups(&self, queue: Option<&str>) -> Result<Vec<GroupRow>, OperatorError> {
        let mut rows = Vec::new();
        let asked = self.some_or_all(queue)?;
        for (info, _, groups) in ask_each(asked, group_rows).await? {
            let groups = match groups {
                Ok(groups) => groups,
                Err(why) => {
                    rows.push(GroupRow::broken(&info.name, why));
                    continue;
                }
            };
            rows.extend(groups);
        }
        rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.group.cmp(&b.group)));
        Ok(rows)
    }

    /// Dead letters, newest first.
    ///
    /// # Errors
    /// When there is no such queue or group, or Redis cannot be reached.
    pub async fn letters(&self, filter: &Filter<'_>) -> Result<Vec<LetterRow>, OperatorError> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let labels = LetterFilter {
            jobs: JobFilter {
                tenant: text(filter.tenant),
                tag: text(filter.tag),
                key: text(filter.key),
                ..JobFilter::default()
            },
            delivery: filter.delivery,
            most: None,
        };
        let selected = self.selected(filter.queue, filter.group).await?;
        let each = selected.into_iter().map(async |(info, queue, selection)| {
            let mut rows = Vec::new();
            let selections = match of_kind(queue, selection, filter.kind).await {
                Ok(selections) => selections,
                Err(error) => {
                    let why = why_apart(queue, error).await?;
                    return Ok(vec![LetterRow::broken(&info.name, why)]);
                }
            };
            for selection in selections {
                let letters =
                    queue.dead_letters_of(&selection, &labels, filter.since, filter.limit);
                match letters.await {
                    Ok(letters) => {
                        let letters = letters.into_iter();
                        rows.extend(letters.map(|letter| LetterRow::new(&info.name, letter)));
                    }
                    Err(error) => {
                        let why = why_apart(queue, error).await?;
                        rows.push(LetterRow::broken(&info.name, why));
                    }
                }
            }
            Ok::<_, OperatorError>(rows)
        });
        let mut rows: Vec<_> = try_join_all(each).await?.into_iter().flatten().collect();
        rows.sort_by(|a, b| b.died_at.cmp(&a.died_at));
        rows.truncate(filter.limit);
        Ok(rows)
    }

    pub(crate) async fn selected(
        &self,
        queue: Option<&str>,
        group: Option<&str>,
    ) -> Result<Vec<(&QueueInfo, &Queue, Selection)>, OperatorError> {
        let asked = self.some_or_all(queue)?.into_iter();
        let Some(group) = group else {
            let all = asked.map(|(info, queue)| (info, queue, Selection::All));
            return Ok(all.collect());
        };
        let of_group = Selection::Group(group.to_owned());
        let each = asked.map(async |(info, queue)| {
            let counting = queue.count_dead(&of_group);
            let count = queue.answer_within(ANSWERED_WITHIN, counting).await;
            (info, queue, count)
        });
        let (mut selected, mut failed) = (Vec::new(), None);
        for (info, queue, count) in join_all(each).await {
            match count {
                Ok(0) => {}
                Ok(_) => selected.push((info, queue, of_group.clone())),
                // What is broken in one queue says nothing of the others.
                Err(error) if error.of_one_queue().is_some() => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            // It may be in that one.
            Some(error) if selected.is_empty() => Err(error.into()),
            _ if selected.is_empty() => Err(OperatorError::UnknownGroup(group.to_owned())),
            _ => Ok(selected),
        }
    }
}

/// Narrows a selection to the groups of one kind.
async fn of_kind(
    queue: &Queue,
    selection: Selection,
    kind: Option<&str>,
) -> Result<Vec<Selection>, QueueError> {
    let Some(kind) = kind else {
        return Ok(vec![selection]);
    };
    let groups = queue.dead_groups().await?.into_iter();
    let of_kind = groups.filter(|group| group.kind.as_deref() == Some(kind));
    let of_kind = of_kind.map(|group| Selection::Group(group.id));
    Ok(of_kind
        .filter(|group| selection == Selection::All || selection == *group)
        .collect())
}
