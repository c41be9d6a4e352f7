//! Addresses and numbers that nothing is sent to, by their hashes. None is ever shown: nobody here knows it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use longshore_job::{AddressHash, Envelope, SUPPRESSED, SuppressedFor, Suppression};
use longshore_queue::{Note, Queue, QueueError, Signed, WholeLetter};
use serde::Serialize;
use serde_json::Value;

use crate::error::OperatorError;
use crate::operator::Operator;
use crate::queue_info::QueueInfo;
use crate::suppressed::{MessageChannel, Suppressed};
use crate::time::rfc3339;

/// One address, or number, that nothing is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuppressionRow {
    /// SHA-256 of the address, trimmed and in lower case, or of the number in E.164; 64 hexadecimal digits.
    pub hash: String,
    /// Why: `bounce`, `spam_report`, `unsubscribe`, `opt_out`, `operator`; `None` when what stands there cannot be read.
    pub reason: Option<String>,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// The job whose mail it was, where that is known.
    pub job: Option<String>,
    /// Why it cannot be read as a whole, if it cannot: somebody else has written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl SuppressionRow {
    fn new(hash: String, entry: &str) -> Self {
        let entry = Suppression::read(entry);
        let broken = match (hash.parse::<AddressHash>(), &entry) {
            (Err(_), _) => Some("its hash is none: no address is meant by it"),
            (Ok(_), None) => {
                Some("what is said of it cannot be read; nothing is sent to it all the same")
            }
            _ => None,
        };
        Self {
            broken: broken.map(str::to_owned),
            hash,
            since: entry.as_ref().map(|entry| rfc3339(entry.at)),
            reason: entry.as_ref().map(|entry| entry.reason.clone()),
            job: entry.and_then(|entry| entry.job),
        }
    }
}

impl Operator {
    fn suppressions_queue(&self, channel: MessageChannel) -> Result<&Queue, OperatorError> {
        Ok(&self.queue(channel.as_str())?.1)
    }

    /// What nothing is sent to by this channel, the newest first, this many at the most, and how many there are.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn suppressions(
        &self,
        channel: MessageChannel,
        limit: usize,
    ) -> Result<(Vec<SuppressionRow>, usize), OperatorError> {
        let queue = self.suppressions_queue(channel)?;
        // The newest so far, the oldest of them on top. An entry may come twice while the list grows.
        let mut newest = BinaryHeap::new();
        let mut count = 0;
        let each = |hash: String, entry: String| {
            count += 1;
            let at = Suppression::read(&entry).map_or(0, |entry| entry.at);
            newest.push(Reverse((at, hash, entry)));
            if newest.len() > limit {
                newest.pop();
            }
        };
        queue.entries(SUPPRESSED, each).await?;
        let mut entries = newest.into_sorted_vec();
        entries.dedup();
        let rows = entries
            .into_iter()
            .map(|Reverse((_, hash, entry))| SuppressionRow::new(hash, &entry));
        Ok((rows.collect(), count))
    }

    /// The one that is meant.
    ///
    /// # Errors
    /// [`OperatorError::NotSuppressed`] when it is not on the list, [`OperatorError::AmbiguousSuppressed`] when several may be
    /// meant; or when Redis cannot be reached or refuses.
    pub async fn suppression(
        &self,
        channel: MessageChannel,
        meant: &Suppressed,
    ) -> Result<SuppressionRow, OperatorError> {
        let queue = self.suppressions_queue(channel)?;
        let prefix = match meant {
            Suppressed::Hash(hash) => {
                let entry = queue.find(SUPPRESSED, hash.as_str()).await?;
                let entry = entry.ok_or(OperatorError::NotSuppressed)?;
                return Ok(SuppressionRow::new(hash.to_string(), &entry));
            }
            Suppressed::Prefix(prefix) => prefix,
        };
        let mut found = Vec::new();
        let each = |hash: String, entry: String| {
            if hash.starts_with(prefix) {
                found.push((hash, entry));
            }
        };
        queue.entries(SUPPRESSED, each).await?;
        found.sort();
        found.dedup_by(|a, b| a.0 == b.0);
        match found.len() {
            0 => Err(OperatorError::NotSuppressed),
            1 => {
                let (hash, entry) = found.swap_remove(0);
                Ok(SuppressionRow::new(hash, &entry))
            }
            several => Err(OperatorError::AmbiguousSuppressed(several)),
        }
    }

    /// Puts an address or a number onto the list. `None` when it is there already.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn suppress(
        &self,
        channel: MessageChannel,
        hash: &AddressHash,
        signed: &Signed,
    ) -> Result<Option<SuppressionRow>, OperatorError> {
        let queue = self.suppressions_queue(channel)?;
        let entry = Suppression::now(SuppressedFor::Operator, None).written();
        let target = beginning(hash.as_str());
        let note = Note {
            action: "suppress",
            target: &target,
            ..Note::default()
        };
        let added = queue.assign_signed(SUPPRESSED, (hash.as_str(), &entry), &note, signed);
        Ok(added
            .await?
            .then(|| SuppressionRow::new(hash.to_string(), &entry)))
    }

    /// Takes one off the list, by the hash of its row. Messages to it are sent from now on, until the next reason not to.
    /// `false` when it was not on the list any more.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn unsuppress(
        &self,
        channel: MessageChannel,
        row: &SuppressionRow,
        signed: &Signed,
    ) -> Result<bool, OperatorError> {
        let queue = self.suppressions_queue(channel)?;
        let target = beginning(&row.hash);
        let note = Note {
            action: "unsuppress",
            target: &target,
            ..Note::default()
        };
        let removed = queue.unassign_signed(SUPPRESSED, &row.hash, &note, signed);
        Ok(removed.await?)
    }
}

/// Enough of a hash to tell it from others on the list, and not enough to look an address up by.
fn beginning(hash: &str) -> String {
    hash.chars().take(8).collect()
}

/// Of each of these letters, at most some hundreds, whether it goes to an address that nothing is sent to.
pub(crate) async fn suppressed_among(
    info: &QueueInfo,
    queue: &Queue,
    letters: &[WholeLetter],
) -> Result<Vec<bool>, QueueError> {
    let mut suppressed = vec![false; letters.len()];
    let Ok(channel) = info.name.parse() else {
        return Ok(suppressed);
    };
    let (mut places, mut hashes) = (Vec::new(), Vec::new());
    for (place, letter) in letters.iter().enumerate() {
        let payload = letter.job.payload.as_deref().unwrap_or_default();
        let Ok(envelope) = Envelope::parse(payload) else {
            continue;
        };
        let Ok(args) = serde_json::from_str(envelope.args.get()) else {
            continue;
        };
        let of_letter = self::hashes(channel, info, &envelope.kind, &args);
        places.extend(of_letter.iter().map(|_| place));
        hashes.extend(of_letter);
    }
    for (place, found) in places
        .into_iter()
        .zip(queue.find_which(SUPPRESSED, &hashes).await?)
    {
        suppressed[place] |= found;
    }
    Ok(suppressed)
}

/// Whether a job with these args would go to an address that nothing is sent to.
pub(crate) async fn suppressed_among_args(
    info: &QueueInfo,
    queue: &Queue,
    kind: &str,
    args: &Value,
) -> Result<bool, QueueError> {
    let Ok(channel) = info.name.parse() else {
        return Ok(false);
    };
    let hashes = hashes(channel, info, kind, args);
    let found = queue.find_which(SUPPRESSED, &hashes).await?;
    Ok(found.contains(&true))
}

/// The addresses that a kind says it is for, as the list has them. Those that only get a copy are left out when it runs.
fn hashes(channel: MessageChannel, info: &QueueInfo, kind: &str, args: &Value) -> Vec<String> {
    let spec = info.kinds.find(kind).into_iter();
    let people = spec
        .flat_map(|spec| spec.person_args)
        .filter(|arg| arg.form == channel.form() && !arg.is_beside);
    people
        .flat_map(|arg| arg.values_in(args))
        .map(|address| AddressHash::of(&address).to_string())
        .collect()
}
