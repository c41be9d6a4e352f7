//! Objects and versions, deleted in batches.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::error::{Error, ErrorClass};
use crate::keys::fits_xml;
use crate::objects::{Deleted, Deletion};
use crate::session::Session;

/// How often the keys of a batch are tried that the store could not delete for reasons of its own.
const ROUNDS: u32 = 4;

/// S3's code for each key, and version of it, that was not deleted.
type Codes = BTreeMap<(String, Option<String>), String>;

impl Session {
    /// Deletes up to 1,000 at once. What the store could not delete for reasons of its own is tried again; what it
    /// refused to delete comes back with its reason. What was already gone counts as deleted. A key that XML cannot
    /// carry gets a request of its own.
    ///
    /// # Errors
    /// When a request as a whole did not succeed; or when after some tries there still is something that the store
    /// could not delete. Then some of the batch may be gone.
    pub async fn delete(&self, bucket: &str, batch: &[Deletion]) -> Result<Deleted, Error> {
        let mut deleted = Deleted::default();
        let mut rest: Vec<Deletion> = batch.to_vec();
        for round in 1.. {
            let codes = self.delete_once(bucket, &rest).await?;
            let mut again = Vec::new();
            for deletion in rest {
                let code = codes.get(&(deletion.key.clone(), deletion.version.clone()));
                match code.map(String::as_str) {
                    None => {
                        deleted.objects += 1;
                        deleted.bytes = deleted.bytes.saturating_add(deletion.size);
                    }
                    Some("InternalError" | "SlowDown" | "ServiceUnavailable") => {
                        again.push(deletion);
                    }
                    Some(code) => deleted.kept.push((deletion, code.to_owned())),
                }
            }
            rest = again;
            if rest.is_empty() {
                break;
            }
            if round >= ROUNDS {
                let reason = format!(
                    "{} could not delete {} objects of {bucket}, tried {ROUNDS} times",
                    self.name(),
                    rest.len()
                );
                return Err(Error::local(self.name(), ErrorClass::Unavailable, reason));
            }
            tokio::time::sleep(Duration::from_millis(100 << round)).await;
        }
        Ok(deleted)
    }

    async fn delete_once(&self, bucket: &str, batch: &[Deletion]) -> Result<Codes, Error> {
        let (together, alone): (Vec<_>, Vec<_>) =
            batch.iter().partition(|deletion| fits_xml(&deletion.key));
        let mut codes = match together.is_empty() {
            true => Codes::new(),
            false => self.delete_together(bucket, &together).await?,
        };
        for deletion in alone {
            if let Some(code) = self.delete_alone(bucket, deletion).await?
                && !was_gone(&code)
            {
                codes.insert((deletion.key.clone(), deletion.version.clone()), code);
            }
        }
        Ok(codes)
    }

    async fn delete_together(&self, bucket: &str, batch: &[&Deletion]) -> Result<Codes, Error> {
        let compare = self.name().compares_when_deleting();
        let objects: Vec<_> = batch
            .iter()
            .map(|deletion| {
                ObjectIdentifier::builder()
                    .key(&deletion.key)
                    .set_version_id(deletion.version.clone())
                    .set_e_tag(deletion.etag.clone().filter(|_| compare))
                    .build()
                    .unwrap_or_else(|error| unreachable!("it has a key: {error}"))
            })
            .collect();
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .unwrap_or_else(|error| unreachable!("it has objects: {error}"));
        let answer = self.call(format!("delete from {bucket}"), |client| {
            client
                .delete_objects()
                .bucket(bucket)
                .delete(delete.clone())
                .send()
        });
        // A 200 may still say of every single key that it was not deleted.
        let errors = answer.await?.errors.unwrap_or_default();
        let mut codes = Codes::new();
        for error in errors {
            let code = error.code.unwrap_or_else(|| "unknown".to_owned());
            // A store may name the version `null` of an object that has none.
            let meant = batch.iter().find(|deletion| {
                error.key.as_ref() == Some(&deletion.key)
                    && (deletion.version.is_none() || deletion.version == error.version_id)
            });
            let Some(meant) = meant else {
                let reason = format!(
                    "{} did not delete something from {bucket} ({code}), and does not say what",
                    self.name()
                );
                return Err(Error::local(self.name(), ErrorClass::Unavailable, reason));
            };
            // Any other word about it counts.
            if !was_gone(&code) {
                codes.insert((meant.key.clone(), meant.version.clone()), code);
            }
        }
        Ok(codes)
    }

    /// The code for why it was not deleted, if it was not.
    async fn delete_alone(
        &self,
        bucket: &str,
        deletion: &Deletion,
    ) -> Result<Option<String>, Error> {
        let compare = self.name().compares_when_deleting();
        let answer = self.call(format!("delete from {bucket}"), |client| {
            client
                .delete_object()
                .bucket(bucket)
                .key(&deletion.key)
                .set_version_id(deletion.version.clone())
                .set_if_match(deletion.etag.clone().filter(|_| compare))
                .send()
        });
        let Err(error) = answer.await else {
            return Ok(None);
        };
        let code = match (&error.class, &error.answer.code) {
            (ErrorClass::Missing, _) => return Ok(None),
            (ErrorClass::Changed, _) => "PreconditionFailed".to_owned(),
            // About the bucket, and so about all keys.
            (ErrorClass::Refused, Some(code)) if code == "NoSuchBucket" => return Err(error),
            (ErrorClass::Refused, Some(code)) => code.clone(),
            // It never left: no URL leads to such a key.
            (ErrorClass::Refused, None) => "InvalidURI".to_owned(),
            _ => return Err(error),
        };
        Ok(Some(code))
    }
}

/// Whether it was not deleted since it was not there.
fn was_gone(code: &str) -> bool {
    matches!(code, "NoSuchKey" | "NoSuchVersion")
}
