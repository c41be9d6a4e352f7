//! For tests, with the feature `seed`: what stands of a job in Redis, and writes as if something had happened to it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::enqueue::millis;
use crate::header::Header;
use crate::value::{Fields, shown};
use crate::{Queue, QueueError, RawId, script};

impl Queue {
    /// Sets fields of a job's record; an empty value removes its field.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn seed_record(
        &self,
        id: &RawId,
        fields: &[(&str, &[u8])],
    ) -> Result<(), QueueError> {
        self.seed(id, Duration::ZERO, fields).await
    }

    /// Makes all times of a job this much earlier: when it was enqueued, due and expires, and those of its history.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn back_date(&self, id: &RawId, by: Duration) -> Result<(), QueueError> {
        self.seed(id, by, &[]).await
    }

    async fn seed(
        &self,
        id: &RawId,
        by: Duration,
        fields: &[(&str, &[u8])],
    ) -> Result<(), QueueError> {
        let mut call = script::SEED
            .on(&[&self.keys.data, &self.keys.records])
            .arg(id.as_bytes())
            .arg(millis(by));
        for (name, value) in fields {
            call = call.arg(*name).arg(*value);
        }
        call.run::<u8>(&self.link).await.map(drop)
    }

    /// What its header and its record say of a job, by the names that `keys.rs` has.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn fields_of(&self, id: &RawId) -> Result<BTreeMap<String, String>, QueueError> {
        let mut look = redis::pipe();
        for key in [&self.keys.data, &self.keys.records] {
            look.cmd("HGET").arg(key).arg(id.as_bytes());
        }
        let (value, packed): (Option<Vec<u8>>, Option<Vec<u8>>) = self.link.pipeline(&look).await?;
        let header = value.and_then(|value| Some(Header::read(&value)?.0));
        let fields = Fields::of_job(header, packed.as_deref());
        let fields = fields.iter();
        Ok(fields
            .map(|(name, value)| (name.to_owned(), shown(value.to_vec())))
            .collect())
    }
}
