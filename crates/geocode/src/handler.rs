//! One address, from its job to its outcome.

use crate::GeocodeAddress;
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use longshore_provider::{AnswerTable, CallError, Purpose};

use crate::GoogleMaps;
use crate::cache::Cache;
use crate::error::Answers;
use crate::google_maps::{Answered, NAME};
use crate::key::{ApiKey, Redactions};

/// Carries out `geocode_address` jobs: from the fleet's cache where it can, and else with one request; two where
/// Google no longer knows a place by its id.
#[derive(Debug, Clone)]
pub struct GeocodeAddressHandler {
    google_maps: GoogleMaps,
}

impl GeocodeAddressHandler {
    /// A handler that asks this client.
    #[must_use]
    pub fn new(google_maps: GoogleMaps) -> Self {
        Self { google_maps }
    }

    /// Asks Google: by the place id if that is all the cache still has, and else, or if Google no longer knows it, by
    /// the address.
    async fn look_up_address(
        &self,
        job: &GeocodeAddress,
        run: &Run,
        key: &ApiKey,
        cache: &Cache<'_>,
    ) -> Result<Answered, CallError> {
        if let Some(id) = cache.place_id().await {
            let language = job.language.as_deref();
            let answered = self.google_maps.by_place_id(run, key, &id, language);
            if let Some(answered) = answered.await? {
                return Ok(answered);
            }
        }
        self.google_maps.by_address(run, key, job).await
    }
}

impl Handler for GeocodeAddressHandler {
    type Job = GeocodeAddress;

    // It only asks.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: GeocodeAddress, run: Run) -> Result<Outcome, JobError> {
        let cache = Cache::of(&job, &run);
        if let Some(geocoded) = cache.recall().await {
            let mut result = geocoded.to_result();
            result["cached"] = true.into();
            return Ok(Outcome::Done {
                result: Some(result),
                // Nobody was asked, so nothing is said of Google's health.
                answer: Answer::default(),
            });
        }
        let key = self.google_maps.key();
        let answered = self.look_up_address(&job, &run, &key, &cache).await;
        let Answered { status, geocoded } = answered.map_err(|error| {
            let answers = Answers(Redactions {
                key: &key,
                address: &job.address,
            });
            answers.job_error(Purpose::Repeatable, &error)
        })?;
        cache.keep(&geocoded).await;
        Ok(Outcome::Done {
            result: Some(geocoded.to_result()),
            answer: Answer {
                status: Some(status),
                ..Answer::of(NAME)
            },
        })
    }
}
