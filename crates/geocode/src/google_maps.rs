//! Google's Geocoding API, as far as addresses are looked up.

use longshore_job::Run;
use longshore_job::kinds::GeocodeAddress;
use longshore_provider::{Http, HttpSetupError, ProviderError, Request, Response, StatusCode};

use crate::GoogleMapsConfig;
use crate::key::ApiKey;
use crate::place::{Geocoded, Place};
use crate::status::{Said, Status};

/// The provider's name, as configuration and metrics have it.
pub(crate) const NAME: &str = "google_maps";

/// A client of Google Maps. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct GoogleMaps {
    http: Http,
    pub(crate) key: ApiKey,
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// There is no API key.
    #[error("providers.google_maps.api_key: is empty")]
    NoApiKey,
}

/// What Google said about a place, and with which HTTP status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) geocoded: Geocoded,
}

/// Google did not say where the place is, nor that it is nowhere.
#[derive(Debug)]
pub(crate) enum LookUpError {
    /// No answer, or an HTTP status that says it all.
    Provider(ProviderError),
    /// Google's own word for it, with HTTP 200 or 4xx.
    Refused {
        status: Status,
        response: Box<Response>,
    },
    /// A 2xx that is not what Google documents, or not all of it.
    NotUnderstood(Box<Response>),
}

impl GoogleMaps {
    /// A client.
    ///
    /// # Errors
    /// When TLS cannot be set up, or there is no API key.
    pub fn new(config: &GoogleMapsConfig) -> Result<Self, SetupError> {
        Ok(Self {
            http: Http::new(config.base_url.clone(), config.timeout)?,
            key: ApiKey::new(config.api_key.clone()).ok_or(SetupError::NoApiKey)?,
        })
    }

    /// Looks up an address.
    pub(crate) async fn by_address(
        &self,
        run: &Run,
        job: &GeocodeAddress,
    ) -> Result<Answered, LookUpError> {
        let language = job.language.as_deref().map(|tag| ("language", tag));
        let region = job.region.as_deref().map(|region| ("region", region));
        let query = [Some(("address", &*job.address)), language, region];
        self.look_up(run, query.into_iter().flatten()).await
    }

    /// Looks up a place by the id that Google once gave it. `None` when Google no longer knows it.
    pub(crate) async fn by_place_id(
        &self,
        run: &Run,
        place_id: &str,
        language: Option<&str>,
    ) -> Result<Option<Answered>, LookUpError> {
        let language = language.map(|tag| ("language", tag));
        let query = [language, Some(("place_id", place_id))];
        match self.look_up(run, query.into_iter().flatten()).await {
            Ok(Answered {
                geocoded: Geocoded::NotFound,
                ..
            })
            | Err(LookUpError::Refused {
                status: Status::NotFound | Status::InvalidRequest,
                ..
            }) => Ok(None),
            answered => answered.map(Some),
        }
    }

    /// Asks, once. Nothing is changed by it, so whoever got no answer may simply ask again.
    async fn look_up<'a>(
        &'a self,
        run: &Run,
        query: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Answered, LookUpError> {
        let key = [("key", self.key.expose())];
        let request = Request::get("/maps/api/geocode/json").query(query.chain(key));
        match self.http.read(run, request).await {
            Ok(response) => {
                let answered = answered(response);
                // Google takes money for what it found, or looked for and did not find.
                if answered.is_ok() {
                    run.billed(NAME, "request", 1);
                }
                answered
            }
            Err(ProviderError::Rejected { response }) => Err(rejected(response)),
            Err(error) => Err(LookUpError::Provider(error)),
        }
    }
}

/// A 4xx. Google's own word, where it is there, is more exact than 400 and the like; 403 says it all.
fn rejected(response: Box<Response>) -> LookUpError {
    let said = Said::by(&response).filter(|_| response.status != StatusCode::FORBIDDEN);
    match said.map(|said| said.status) {
        Some(status) if !matches!(status, Status::Other(_)) => {
            LookUpError::Refused { status, response }
        }
        _ => LookUpError::Provider(ProviderError::Rejected { response }),
    }
}

fn answered(response: Response) -> Result<Answered, LookUpError> {
    let status = Said::by(&response).map(|said| said.status);
    let geocoded = match status {
        Some(Status::Ok) => Place::first_of(&response).map(Geocoded::Found),
        Some(Status::ZeroResults) => Some(Geocoded::NotFound),
        Some(status) => {
            let response = Box::new(response);
            return Err(LookUpError::Refused { status, response });
        }
        None => None,
    };
    match geocoded {
        Some(geocoded) => Ok(Answered {
            status: response.status.as_u16(),
            geocoded,
        }),
        None => Err(LookUpError::NotUnderstood(Box::new(response))),
    }
}
