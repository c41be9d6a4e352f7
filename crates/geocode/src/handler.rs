//! One address, from its job to its outcome.

use crate::{Components, GeocodeAddress};
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use longshore_provider::{AnswerTable, CallError, Purpose};

use crate::GoogleMaps;
use crate::cache::Cache;
use crate::error::Answers;
use crate::google_maps::{Answered, NAME, point};
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
        cache: Option<&Cache<'_>>,
    ) -> Result<Answered, CallError> {
        let language = job.language.as_deref();
        if let Some(at) = job.latlng {
            return self.google_maps.by_point(run, key, at, language).await;
        }
        if let Some(cache) = cache
            && let Some(id) = cache.place_id().await
        {
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
        if let Some(cache) = &cache
            && let Some(geocoded) = cache.recall().await
        {
            let mut result = geocoded.to_result();
            result["cached"] = true.into();
            return Ok(Outcome::Done {
                result: Some(result),
                // Nobody was asked, so nothing is said of Google's health.
                answer: Answer::default(),
            });
        }
        let key = self.google_maps.key();
        let answered = self.look_up_address(&job, &run, &key, cache.as_ref()).await;
        let Answered {
            status,
            geocoded,
            address,
        } = answered.map_err(|error| {
            let sought = sought(&job);
            let answers = Answers(Redactions {
                key: &key,
                sought: &sought,
            });
            answers.job_error(Purpose::Repeatable, &error)
        })?;
        if let Some(cache) = &cache {
            cache.keep(&geocoded).await;
        }
        let mut result = geocoded.to_result();
        if job.latlng.is_some()
            && let Some(address) = address
        {
            result["address"] = address.into();
        }
        Ok(Outcome::Done {
            result: Some(result),
            answer: Answer {
                status: Some(status),
                ..Answer::of(NAME)
            },
        })
    }
}

/// What was looked for, in all the forms in which an answer may quote it.
fn sought(job: &GeocodeAddress) -> Vec<String> {
    let components = job.components.iter().flat_map(Components::pairs);
    let values = components.map(|(_, value)| value.to_owned());
    let at = job.latlng.map(point);
    values.chain(at).chain([job.address.clone()]).collect()
}
