//! Google's Geocoding API, as far as addresses are looked up.

use crate::{Components, GeocodeAddress};
use longshore_job::Run;
use longshore_provider::secret::Secret;
use longshore_provider::{CallError, Http, HttpSetupError, ProviderError, Request, Response};

use crate::GoogleMapsConfig;
use crate::key::{ApiKey, not_empty};
use crate::language::googles;
use crate::place::{Geocoded, Place};
use crate::status::{Status, StatusBody};

/// The provider's name, as configuration and metrics have it.
pub(crate) const NAME: &str = "google_maps";

/// A client of Google Maps. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct GoogleMaps {
    http: Http,
    key: Secret,
}

/// The client cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// TLS is not to be had on this machine.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// There is no API key.
    #[error("api_key: is empty")]
    NoApiKey,
}

/// What Google said about a place, and with which HTTP status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) geocoded: Geocoded,
    /// The address of what was found, as Google writes it. It is personal, and may not be kept.
    pub(crate) address: Option<String>,
}

impl GoogleMaps {
    /// A client.
    ///
    /// # Errors
    /// When TLS cannot be set up, or there is no API key.
    pub fn new(config: &GoogleMapsConfig) -> Result<Self, SetupError> {
        Ok(Self {
            http: Http::new(config.base_url.clone(), config.timeout)?,
            key: {
                not_empty(&config.api_key).ok_or(SetupError::NoApiKey)?;
                config.api_key.clone()
            },
        })
    }

    /// The key for one run.
    pub(crate) fn key(&self) -> ApiKey {
        ApiKey::of(&self.key)
    }

    /// Looks up an address.
    pub(crate) async fn by_address(
        &self,
        run: &Run,
        key: &ApiKey,
        job: &GeocodeAddress,
    ) -> Result<Answered, CallError> {
        let address = Some(&*job.address).filter(|address| !address.is_empty());
        let components = job.components.as_ref().map(in_one_text);
        let bounds = job
            .bounds
            .map(|bounds| format!("{}|{}", point(bounds.southwest), point(bounds.northeast)));
        let query = [
            address.map(|address| ("address", address)),
            job.language.as_deref().map(language),
            job.region.as_deref().map(|region| ("region", region)),
            components.as_deref().map(|pairs| ("components", pairs)),
            bounds.as_deref().map(|corners| ("bounds", corners)),
        ];
        self.look_up(run, key, query.into_iter().flatten()).await
    }

    /// Looks up what is at coordinates.
    pub(crate) async fn by_point(
        &self,
        run: &Run,
        key: &ApiKey,
        at: [f64; 2],
        tag: Option<&str>,
    ) -> Result<Answered, CallError> {
        let at = point(at);
        let query = [Some(("latlng", &*at)), tag.map(language)];
        self.look_up(run, key, query.into_iter().flatten()).await
    }

    /// Looks up a place by the id that Google once gave it. `None` when Google no longer knows it.
    pub(crate) async fn by_place_id(
        &self,
        run: &Run,
        key: &ApiKey,
        place_id: &str,
        tag: Option<&str>,
    ) -> Result<Option<Answered>, CallError> {
        let query = [tag.map(language), Some(("place_id", place_id))];
        match self.look_up(run, key, query.into_iter().flatten()).await {
            Ok(Answered {
                geocoded: Geocoded::NotFound,
                ..
            }) => Ok(None),
            Err(error) if is_no_place(&error) => Ok(None),
            answered => answered.map(Some),
        }
    }

    /// Asks, once. Nothing is changed by it, so whoever got no answer may simply ask again.
    async fn look_up<'a>(
        &self,
        run: &Run,
        key: &'a ApiKey,
        query: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Answered, CallError> {
        let key = [("key", key.expose())];
        let request = Request::get("/maps/api/geocode/json").query(query.chain(key));
        let answered = answered(self.http.read(run, request).await?);
        // Google takes money for what it found, or looked for and did not find.
        if answered.is_ok() {
            run.billed(NAME, "request", 1);
        }
        answered
    }
}

/// Degrees north and east, as a query has them.
pub(crate) fn point([lat, lng]: [f64; 2]) -> String {
    format!("{lat},{lng}")
}

/// Components, as a query has them.
pub(crate) fn in_one_text(components: &Components) -> String {
    let pairs = components.pairs();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    pairs.join("|")
}

fn language(tag: &str) -> (&'static str, &str) {
    ("language", googles(tag))
}

/// Google knows no such place, or no longer.
fn is_no_place(error: &CallError) -> bool {
    let said = error.response().and_then(StatusBody::by);
    said.is_some_and(|said| matches!(said.status, Status::NotFound | Status::InvalidRequest))
}

pub(crate) fn answered(response: Response) -> Result<Answered, CallError> {
    let geocoded = match StatusBody::by(&response).map(|said| said.status) {
        Some(Status::Ok) => {
            let first = Place::first_of(&response);
            first.map(|(place, address)| (Geocoded::Found(place), address))
        }
        Some(Status::ZeroResults) => Ok((Geocoded::NotFound, None)),
        // What it says is in its table, as in a 4xx.
        Some(_) => {
            let response = Box::new(response);
            return Err(ProviderError::Rejected { response }.into());
        }
        None => Err("that is not as Google documents".to_owned()),
    };
    match geocoded {
        Ok((geocoded, address)) => Ok(Answered {
            status: response.status.as_u16(),
            geocoded,
            address,
        }),
        Err(why) => Err(CallError::NotUnderstood {
            response: Box::new(response),
            why,
        }),
    }
}
