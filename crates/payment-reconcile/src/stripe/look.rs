//! What an earlier request of a job has made is looked for: by the job's id, which is written on everything it makes.
//!
//! Stripe's search would find it by metadata, but lags; its lists do not. They can be narrowed by time only, so the
//! pages of the time when requests of the job may have been out are read, and compared here.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_job::{EarlierRequests, JobError, Run};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{CallError, ListPage, PaymentIntent, Stripe, Subscription};
use crate::error::{coded, of_looking};

/// How far Stripe's clock and the fleet's may be apart, and how long an answer may take.
const SLACK: Duration = Duration::from_secs(5 * 60);

/// How many are looked through before it is given up. To go on without having seen the end would be guessing.
const MAX_LOOKED_AT: usize = 10_000;

/// What is written on whatever a job makes.
#[derive(Serialize)]
pub(super) struct Mark<'a> {
    #[serde(rename = "orderId")]
    order_id: Option<&'a str>,
    #[serde(rename = "userId")]
    user_id: Option<&'a str>,
    /// The app's own.
    #[serde(flatten)]
    own: &'a BTreeMap<String, String>,
    longshore_job: String,
    /// With its generation: what was made before an operator had the job's args corrected is not looked for.
    longshore_key: &'a str,
}

impl<'a> Mark<'a> {
    pub(super) fn new(run: &'a Run, own: &'a BTreeMap<String, String>) -> Self {
        Self {
            order_id: None,
            user_id: None,
            own,
            longshore_job: run.id.to_string(),
            longshore_key: &run.idempotency_key,
        }
    }

    pub(super) fn with_user(self, user_id: &'a str) -> Self {
        Self {
            user_id: Some(user_id),
            ..self
        }
    }

    pub(super) fn with_order(self, order_id: &'a str) -> Self {
        Self {
            order_id: Some(order_id),
            ..self
        }
    }
}

/// What can be looked for.
pub(super) trait Marked: DeserializeOwned + Send {
    fn id(&self) -> &str;
    fn metadata(&self) -> &BTreeMap<String, String>;
}

/// What matters of a customer.
#[derive(Debug, Deserialize)]
pub(super) struct Customer {
    pub(super) id: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Marked for Customer {
    fn id(&self) -> &str {
        &self.id
    }

    fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}

impl Marked for PaymentIntent {
    fn id(&self) -> &str {
        &self.id
    }

    fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}

impl Marked for Subscription {
    fn id(&self) -> &str {
        &self.id
    }

    fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}

/// The time that the job's requests were out, by Stripe's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    from: i64,
    /// Not in it any more.
    to: i64,
}

impl Window {
    pub(super) fn of_requests(earlier: &EarlierRequests) -> Self {
        let EarlierRequests { after, before, .. } = *earlier;
        Self {
            from: seconds(after.checked_sub(SLACK).unwrap_or(after)),
            to: seconds(before.checked_add(SLACK).unwrap_or(before)) + 1,
        }
    }
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX - 1)
}

/// What the job made in that time, if anything.
///
/// # Errors
/// When the list cannot be read to its end. Never [`JobError::Permanent`].
pub(super) async fn look<T: Marked>(
    stripe: &Stripe,
    run: &Run,
    path: &str,
    window: Window,
    filter: &[(&str, &str)],
) -> Result<Option<T>, JobError> {
    let mut starting_after = None;
    let mut looked_at = 0;
    loop {
        let page = ListPage {
            created_from: window.from,
            created_to: window.to,
            starting_after: starting_after.as_deref(),
        };
        let listed = stripe.list::<T>(run, path, &page, filter).await;
        let listed = listed.map_err(of_looking)?;
        looked_at += listed.data.len();
        let last = listed.data.last().map(|thing| thing.id().to_owned());
        let mut things = listed.data.into_iter();
        if let Some(found) = things.find(|thing| is_of(run, thing.metadata())) {
            return Ok(Some(found));
        }
        match last {
            Some(last) if listed.has_more && looked_at < MAX_LOOKED_AT => {
                starting_after = Some(last);
            }
            _ if listed.has_more => return Err(too_many()),
            _ => return Ok(None),
        }
    }
}

fn is_of(run: &Run, metadata: &BTreeMap<String, String>) -> bool {
    let key = metadata.get("longshore_key");
    metadata.get("longshore_job") == Some(&run.id.to_string())
        && key.is_none_or(|key| *key == run.idempotency_key)
}

fn too_many() -> JobError {
    JobError::Transient {
        reason: format!(
            "Stripe has more than {MAX_LOOKED_AT} of the time in question: whether this job made one cannot be told"
        ),
        answer: coded("too many to look through"),
    }
}

/// The payment intent that a job is about, if there is one.
pub(super) async fn intent(
    stripe: &Stripe,
    run: &Run,
    id: &str,
) -> Result<Option<PaymentIntent>, JobError> {
    match stripe.payment_intent(run, id).await {
        Ok(intent) => Ok(Some(intent)),
        Err(CallError::NotAsked { .. }) => Ok(None),
        Err(error) if crate::error::is_missing(&error) => Ok(None),
        Err(error) => Err(of_looking(error)),
    }
}

/// The subscription that a job is about, if there is one.
pub(super) async fn subscription(
    stripe: &Stripe,
    run: &Run,
    id: &str,
) -> Result<Option<Subscription>, JobError> {
    match stripe.subscription(run, id).await {
        Ok(subscription) => Ok(Some(subscription)),
        Err(CallError::NotAsked { .. }) => Ok(None),
        Err(error) if crate::error::is_missing(&error) => Ok(None),
        Err(error) => Err(of_looking(error)),
    }
}
