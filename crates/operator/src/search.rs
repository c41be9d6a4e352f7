//! One box for what somebody has at hand: a job's id, an idempotency key, a group, an operation, or a tag.

use futures_util::future::try_join_all;
use longshore_queue::{JobFilter, Key, Note, RawId, Signed};
use serde::Serialize;

use crate::away::{ANSWERED_WITHIN, why_apart};
use crate::error::OperatorError;
use crate::job_pages::{MOST_SEARCHED, page};
use crate::jobs::JobRow;
use crate::operator::Operator;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SearchFound {
    /// The job of this id.
    pub by_id: Vec<JobRow>,
    /// The jobs that have this idempotency key.
    pub by_key: Vec<JobRow>,
    /// Jobs with this tag, as far as was looked.
    pub by_tag: Vec<JobRow>,
    /// Queues with dead letters of this group.
    pub groups: Vec<String>,
    /// The operation of this id.
    pub operation: Option<String>,
    /// How many jobs were looked at for the tag.
    pub looked: u64,
    /// Queues in which there are more jobs than were looked at for the tag.
    pub more_in: Vec<String>,
}

impl SearchFound {
    /// Nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
            && self.by_key.is_empty()
            && self.by_tag.is_empty()
            && self.groups.is_empty()
            && self.operation.is_none()
    }
}

impl Operator {
    /// Looks for a job's id, an idempotency key, a group of dead letters, an operation, and a tag. Only for the tag are jobs looked
    /// through: a thousand in each queue, and no more.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn search(&self, text: &str) -> Result<SearchFound, OperatorError> {
        let text = text.trim();
        let mut found = SearchFound::default();
        if text.is_empty() {
            return Ok(found);
        }
        let mut by_id = self.find(&RawId::unescape(text)).await?;
        if by_id.is_none() && text.len() == 26 {
            // Somebody's log has ids in lower case.
            by_id = self
                .find(&RawId::unescape(&text.to_ascii_uppercase()))
                .await?;
        }
        if let Some((info, _, job)) = by_id {
            found.by_id.push(JobRow::new(info, job, None));
            // An id that is known is not looked for as anything else.
            return Ok(found);
        }
        found.operation = self.operation(text).await.ok().map(|row| row.id);
        let kinds = self.queues.iter().flat_map(|(info, queue)| {
            let kinds = info.kinds.iter();
            kinds.map(move |kind| (info, queue, kind.kind))
        });
        let held = kinds.map(async |(info, queue, kind)| {
            let Some(id) = queue.holder(&Key::new(kind, text)).await? else {
                return Ok::<_, OperatorError>(None);
            };
            let job = queue.job(&id).await?;
            Ok(job.map(|job| JobRow::new(info, job, None)))
        });
        let held = try_join_all(held).await?;
        found.by_key.extend(held.into_iter().flatten());
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let selected = self.selected(None, Some(text)).await;
            let queues = selected.unwrap_or_default().into_iter();
            found.groups = queues.map(|(info, ..)| info.name.clone()).collect();
        }
        if found.is_empty() {
            self.search_tag(text, &mut found).await?;
        }
        Ok(found)
    }

    /// Writes down that somebody looked for a person: in each queue in which jobs of them were found, or in the first one that
    /// takes it where there were none. Who was looked for is not written down.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn note_person_search(
        &self,
        found: &[(String, u64)],
        signed: &Signed,
    ) -> Result<(), OperatorError> {
        let told: Vec<_> = found.iter().filter(|(_, jobs)| *jobs > 0).collect();
        for (queue, jobs) in &told {
            self.note_search(queue, *jobs, signed).await?;
        }
        if !told.is_empty() {
            return Ok(());
        }
        let mut failed = None;
        for (queue, _) in found {
            match self.note_search(queue, 0, signed).await {
                Ok(()) => return Ok(()),
                // It is written down in another one, if that is there.
                Err(OperatorError::Queue(error)) => {
                    why_apart(&self.queue(queue)?.1, error.clone()).await?;
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn note_search(
        &self,
        queue: &str,
        jobs: u64,
        signed: &Signed,
    ) -> Result<(), OperatorError> {
        let (_, queue) = self.queue(queue)?;
        let note = Note {
            action: "search",
            target: "a person",
            count: Some(jobs),
            ..Note::default()
        };
        let noting = queue.note(signed, &note);
        queue.answer_within(ANSWERED_WITHIN, noting).await?;
        Ok(())
    }

    async fn search_tag(&self, tag: &str, found: &mut SearchFound) -> Result<(), OperatorError> {
        let filter = JobFilter {
            tag: Some(tag.to_owned()),
            ..JobFilter::default()
        };
        let pages = self.queues.iter();
        let pages =
            pages.map(|(info, queue)| page(info, queue, &filter, None, None, MOST_SEARCHED));
        let pages = try_join_all(pages).await?;
        for ((info, _), page) in self.queues.iter().zip(pages) {
            found.looked += page.looked;
            found.by_tag.extend(page.rows);
            if page.next.is_some() {
                found.more_in.push(info.name.clone());
            }
        }
        Ok(())
    }
}
