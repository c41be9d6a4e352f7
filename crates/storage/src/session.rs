//! A store, for as long as one run uses it.

use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::connector::Observed;
use crate::error::{Error, ErrorClass};
use crate::name::Name;

/// How many failed tries of one operation are enough, if the breaker has not spoken before: it opens after 10 in a row,
/// unless configured otherwise, so that a store which is away costs a run no attempt.
const ENOUGH_TRIES: u32 = 12;

/// A store, as one run may use it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Session {
    name: Name,
    client: Client,
    observed: Arc<Observed>,
}

impl Session {
    pub(crate) fn new(name: Name, client: Client, observed: Arc<Observed>) -> Self {
        Self {
            name,
            client,
            observed,
        }
    }

    /// Which store it is.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name
    }

    /// What time it was at the store when it last answered, to the second: it is never later than this.
    /// `None` before the first answer, and after one without a `Date`.
    #[must_use]
    pub fn clock(&self) -> Option<SystemTime> {
        self.observed.date()
    }

    pub(crate) fn observed(&self) -> &Observed {
        &self.observed
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Carries an operation out: up to four tries by the SDK, and again while the store does not answer, until the
    /// breaker says that it is enough; and once more with other credentials, where those of the default chain were refused. `doing` completes "s3 did not …".
    pub(crate) async fn call<T, E, F>(
        &self,
        doing: impl AsRef<str> + Send,
        operation: impl Fn(&Client) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata,
    {
        let before = self.observed.tries();
        let (mut made, mut renewed) = (0, false);
        loop {
            let renewals = self.observed.renewals();
            let error = match operation(&self.client).await {
                Ok(output) => return Ok(output),
                Err(error) => Error::read(self.name, doing.as_ref(), &error),
            };
            if error.class == ErrorClass::Unauthorized
                && self.observed.renewals() > renewals
                && !std::mem::replace(&mut renewed, true)
            {
                continue;
            }
            let now = self.observed.tries() - before;
            let passing = matches!(
                error.class,
                ErrorClass::Unavailable | ErrorClass::NotReached
            );
            let again = passing && now > made && now < ENOUGH_TRIES;
            if !again {
                return Err(error);
            }
            made = now;
        }
    }
}
