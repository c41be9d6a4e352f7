//! The dead letters of a queue that somebody means, and how to go through them.

use longshore_queue::{LetterFilter, Letters, Queue, QueueError, Selection, WholeLetter};

use crate::dead::Target;
use crate::error::OperatorError;
use crate::operator::Operator;
use crate::queue_info::QueueInfo;

/// Letters of one queue.
pub(crate) struct Meant<'a> {
    pub(crate) info: &'a QueueInfo,
    pub(crate) queue: &'a Queue,
    pub(crate) selection: Selection,
    pub(crate) filter: LetterFilter,
}

impl Meant<'_> {
    /// Those that are dead by now.
    pub(crate) async fn letters(&self) -> Result<MeantLetters<'_>, QueueError> {
        let now = self.queue.now_ms().await?;
        Ok(MeantLetters {
            letters: self.queue.letters(&self.selection, now),
            filter: &self.filter,
            left: self.filter.most.unwrap_or(u64::MAX),
        })
    }

    /// The newest ones, at most so many, where all of the queue or the group are meant.
    pub(crate) async fn newest(&self, most: u64) -> Result<MeantLetters<'_>, QueueError> {
        Ok(MeantLetters {
            letters: self.queue.newest_letters(&self.selection, most).await?,
            filter: &self.filter,
            left: most,
        })
    }

    /// How many there are. Counted one by one where not all of the queue or the group are meant.
    pub(crate) async fn count(&self) -> Result<u64, QueueError> {
        if self.filter.is_all() {
            return self.queue.count_dead(&self.selection).await;
        }
        let mut count = 0;
        let mut letters = self.letters().await?;
        while let Some(page) = letters.page().await? {
            count += page.len() as u64;
        }
        Ok(count)
    }

    /// As the audit has them.
    pub(crate) fn target(&self) -> String {
        match (self.filter.is_all(), &self.selection) {
            (true, selection) => selection.to_string(),
            (false, Selection::All) => self.filter.to_string(),
            (false, Selection::Group(group)) => format!("group {group}, {}", self.filter),
        }
    }
}

/// Goes through letters in the order of their deaths.
pub(crate) struct MeantLetters<'a> {
    letters: Letters<'a>,
    filter: &'a LetterFilter,
    left: u64,
}

impl MeantLetters<'_> {
    /// The next ones that are meant, which may be none; `None` when through.
    pub(crate) async fn page(&mut self) -> Result<Option<Vec<WholeLetter>>, QueueError> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut page = self.letters.page().await?;
        if page.is_empty() {
            return Ok(None);
        }
        page.retain(|letter| letter.is_of(self.filter));
        page.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= page.len() as u64;
        Ok(Some(page))
    }
}

impl Operator {
    /// The letters that are meant, by queue; none of named ones. A group that several queues have is refused: what is done to
    /// letters cannot be taken back.
    pub(crate) async fn meant(&self, target: &Target) -> Result<Vec<Meant<'_>>, OperatorError> {
        let all = LetterFilter::default();
        let (queue, group, filter) = match target {
            Target::Ids(_) => return Ok(Vec::new()),
            Target::Group(group) => (None, Some(group), &all),
            Target::Queue(queue) => (Some(queue), None, &all),
            Target::Letters {
                queue,
                group,
                filter,
            } => (queue.as_ref(), group.as_ref(), filter),
        };
        let found = self.selected(queue.map(String::as_str), group.map(String::as_str));
        let found = found.await?;
        if let (Some(group), [_, _, ..]) = (group, found.as_slice()) {
            return Err(OperatorError::AmbiguousGroup {
                group: group.clone(),
                queues: found.iter().map(|(info, ..)| info.name.clone()).collect(),
            });
        }
        let found = found.into_iter();
        let meant = found.map(|(info, queue, selection)| Meant {
            info,
            queue,
            selection,
            filter: filter.clone(),
        });
        Ok(meant.collect())
    }
}
