//! Notices: what the application is to be told of jobs. They stand in the queue's slot until they are handed on
//! (`lua/part/notices.lua`).

use std::time::Duration;

use longshore_job::{Envelope, JobId, Notice, NoticeFilter, NoticeType};

use crate::Lane;
use crate::header::{self, Header};
use crate::lane::parse_tags;
use crate::value::Reply;
use crate::{Queue, QueueError, RawId, script};

/// How long notices are kept while the queue's workers want none.
pub(crate) const UNWANTED_KEPT: Duration = Duration::from_secs(24 * 3600);

/// A notice that waits to be handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingNotice {
    /// What stands of it in Redis.
    row: Vec<u8>,
    /// What it says; `None` where another program wrote it.
    pub notice: Option<Notice>,
}

impl WaitingNotice {
    /// The id of the job that delivers it: always the same, so that it is enqueued once.
    #[must_use]
    pub fn delivery_id(&self) -> JobId {
        // The row begins with the sequence and ends with the job.
        let digest = sha1_smol::Sha1::from(&self.row).digest().bytes();
        let bits = digest[..10].iter();
        let bits = bits.fold(0, |bits, byte| bits << 8 | u128::from(*byte));
        JobId::from_parts(noticed_at_ms(&self.row).unwrap_or_default(), bits)
    }
}

/// The wanted words as scripts take them; nothing while none are wanted.
pub(crate) fn words(wanted: Option<&NoticeFilter>) -> String {
    let words = wanted.into_iter().flat_map(|wanted| &wanted.on);
    words.fold(String::new(), |text, word| match text.is_empty() {
        true => format!(" {word} "),
        false => format!("{text}{word} "),
    })
}

/// When that happened which this row says, in ms since the epoch.
pub(crate) fn noticed_at_ms(row: &[u8]) -> Option<u64> {
    Some(Row::read(row)?.sequence / SEQUENCES_A_MS)
}

/// A sequence is the millisecond, times this, and more where there were several.
const SEQUENCES_A_MS: u64 = 1000;

/// A row, taken apart.
struct Row<'a> {
    sequence: u64,
    notice_type: NoticeType,
    kind: Option<&'a str>,
    reason: Option<&'a str>,
    code: Option<&'a str>,
    job: &'a [u8],
}

impl<'a> Row<'a> {
    fn read(row: &'a [u8]) -> Option<Self> {
        let mut parts = row.splitn(6, |byte| *byte == b'\n');
        let mut text = || std::str::from_utf8(parts.next()?).ok();
        let (sequence, notice_type) = (text()?.parse().ok()?, NoticeType::parse(text()?)?);
        let mut part = || Some(text()?).map(|text| Some(text).filter(|text| !text.is_empty()));
        let (kind, reason, code) = (part()?, part()?, part()?);
        Some(Self {
            sequence,
            notice_type,
            kind,
            reason,
            code,
            job: parts.next()?,
        })
    }

    /// What it says, with what stands of its job.
    fn notice(self, queue: &str, value: Option<Vec<u8>>) -> Notice {
        let (header, payload) = value.map(header::split).unwrap_or_default();
        let header: Header = header.unwrap_or_default();
        let kind_of = |payload: &[u8]| {
            let kind = Envelope::parse(payload).ok()?.kind;
            is_name(&kind).then(|| kind.into_owned())
        };
        let key = header.key.as_deref();
        Notice {
            notice_type: self.notice_type,
            job: RawId::from(self.job.to_vec()).to_string(),
            sequence: self.sequence,
            at_ms: self.sequence / SEQUENCES_A_MS,
            queue: queue.to_owned(),
            kind: self.kind.map(str::to_owned).or_else(|| kind_of(&payload)),
            key: key.and_then(|key| Some(key.split_once(':')?.1.to_owned())),
            tags: header.tags.as_deref().map(parse_tags).unwrap_or_default(),
            tenant: header.lane.and_then(|lane| Lane::parse(&lane).tenant),
            reason: self.reason.map(str::to_owned),
            code: self.code.map(str::to_owned),
        }
    }
}

/// Whether it looks like the name of a kind: what another program wrote may be anything.
fn is_name(kind: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (1..=128).contains(&kind.len()) && kind.bytes().all(fits)
}

impl Queue {
    /// The notices that have waited longest, at most so many; none where none wait. They stay until they are
    /// [removed](Self::remove_notices). What is not known of a job any more is left out of its notice.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn notices(&self, most: usize) -> Result<Vec<WaitingNotice>, QueueError> {
        let value = script::NOTICES
            .on(&[&self.keys.notices, &self.keys.data])
            .arg(most)
            .run(&self.link)
            .await?;
        let mut answer = Reply::new(value)?;
        let mut waiting = Vec::new();
        while !answer.is_empty() {
            let row: Vec<u8> = answer.next()?;
            let value: Option<Vec<u8>> = answer.next()?;
            let notice = Row::read(&row).map(|row| row.notice(self.name(), value));
            waiting.push(WaitingNotice { row, notice });
        }
        Ok(waiting)
    }

    /// Removes notices that were handed on, or are not wanted. Can be repeated.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn remove_notices(&self, notices: &[WaitingNotice]) -> Result<(), QueueError> {
        if notices.is_empty() {
            return Ok(());
        }
        let mut remove = redis::cmd("ZREM");
        remove.arg(&self.keys.notices);
        for notice in notices {
            remove.arg(&notice.row);
        }
        self.link.command::<u64>(&remove).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_others_are_no_notices() {
        for row in [
            "",
            "x",
            "1\njob.dead\n\n\n",
            "x\njob.dead\n\n\n\nid",
            "1\njob.born\n\n\n\nid",
        ] {
            assert!(Row::read(row.as_bytes()).is_none(), "{row:?}");
        }
        let row = Row::read(b"1790000000000001\njob.dead\n\nrejected\n\nid\xff\n").expect("one");
        assert_eq!(
            (row.kind, row.reason, row.code),
            (None, Some("rejected"), None)
        );
        assert_eq!(row.job, b"id\xff\n");
    }
}
