//! S3 and its stand-in: which of them a write goes to, and where a read looks.

use longshore_job::{NotNow, Run, Why};

use crate::bucket::Bucket;
use crate::error::{Error, ErrorClass};
use crate::name::Name;
use crate::objects::NewObject;
use crate::store::Store;

/// S3, and R2 where it may stand in.
#[derive(Debug, Clone)]
pub struct Stores {
    primary: Store,
    fallback: Option<Store>,
}

/// Where an object was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which store.
    pub store: Name,
    /// The bucket's name there.
    pub bucket: String,
}

impl Stores {
    /// S3 alone.
    #[must_use]
    pub fn new(primary: Store) -> Self {
        Self {
            primary,
            fallback: None,
        }
    }

    /// The same, with R2 to stand in.
    #[must_use]
    pub fn with_fallback(mut self, fallback: Store) -> Self {
        self.fallback = Some(fallback);
        self
    }

    /// One of them, if there is one of this name.
    #[must_use]
    pub fn get_store(&self, name: Name) -> Option<&Store> {
        match name {
            Name::S3 => Some(&self.primary),
            Name::R2 => self.fallback.as_ref(),
        }
    }

    /// R2 and the bucket's name there, where both are configured.
    #[must_use]
    pub fn fallback_of<'a>(&'a self, bucket: &'a Bucket) -> Option<(&'a Store, &'a str)> {
        self.fallback.as_ref().zip(bucket.fallback_name.as_deref())
    }

    /// Writes an object: to S3; and to R2 while S3's breaker is open, where the bucket has a stand-in there. A failure
    /// of S3's that did not open its breaker is S3's: the job tries again.
    ///
    /// # Errors
    /// See [`ErrorClass`].
    pub async fn put(
        &self,
        run: &Run,
        bucket: &Bucket,
        object: &NewObject,
    ) -> Result<Placed, Error> {
        let placed = |store, bucket: &str| Placed {
            store,
            bucket: bucket.to_owned(),
        };
        let error = match self.primary.during(run).put(&bucket.name, object).await {
            Ok(()) => return Ok(placed(Name::S3, &bucket.name)),
            Err(error) => error,
        };
        match self.fallback_of(bucket).filter(|_| is_open(&error)) {
            Some((fallback, name)) => {
                fallback.during(run).put(name, object).await?;
                Ok(placed(Name::R2, name))
            }
            None => Err(error),
        }
    }

    /// Reads an object of at most so many bytes: from S3; from R2 while S3's breaker is open, and when S3 does not have
    /// it, since it may have been written meanwhile.
    ///
    /// # Errors
    /// [`ErrorClass::Missing`] when S3 says that there is none, and R2 neither has it. See [`ErrorClass`].
    pub async fn get(
        &self,
        run: &Run,
        bucket: &Bucket,
        key: &str,
        most: u64,
    ) -> Result<Vec<u8>, Error> {
        let read = self.primary.during(run).get(&bucket.name, key, most).await;
        let error = match read {
            Ok(body) => return Ok(body),
            Err(error) => error,
        };
        let worth_it = is_open(&error) || error.class == ErrorClass::Missing;
        let Some((fallback, name)) = self.fallback_of(bucket).filter(|_| worth_it) else {
            return Err(error);
        };
        match fallback.during(run).get(name, key, most).await {
            Ok(body) => Ok(body),
            // What S3 said is the truth about it.
            Err(other) if other.class == ErrorClass::Missing => Err(error),
            Err(other) => Err(other),
        }
    }
}

fn is_open(error: &Error) -> bool {
    let open = |not_now: &NotNow| not_now.why == Why::Open;
    matches!(&error.class, ErrorClass::NotNow(not_now) if open(not_now))
}
