//! What is where, and what is answered when nothing is there.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use longshore_sandbox::Draft;
use serde_json::json;

use super::place::{Place, folded};

/// The query, decoded.
pub(super) type Params = HashMap<String, String>;

/// The places given out, and the addresses they are at.
#[derive(Debug, Default)]
pub(super) struct Geocoding {
    given_out: RwLock<HashMap<String, String>>,
}

/// An answer without a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    ZeroResults,
    InvalidRequest,
    NoKey,
    KeyRefused,
    NotFound,
    OverQueryLimit,
    UnknownError,
}

impl Geocoding {
    /// Looks up the `place_id` if there is one, and else the `latlng`, or the `address`, or the `components`.
    pub(super) fn find(&self, params: &Params) -> Result<(Place, Draft), Status> {
        let param = |name: &str| params.get(name).filter(|text| !text.trim().is_empty());
        let address = param("address").or_else(|| param("components"));
        let (place, sought) = match (param("place_id"), param("latlng"), address) {
            (Some(id), ..) => (self.given_out(id)?, id),
            (None, Some(point), _) => (self.at_point(point)?, point),
            (None, None, Some(address)) => (self.at(address)?, address),
            (None, None, None) => return Err(Status::InvalidRequest),
        };
        let draft = Draft {
            job: None,
            template: None,
            recipient: sought.clone(),
            id: place.id.clone(),
        };
        Ok((place, draft))
    }

    fn at(&self, address: &str) -> Result<Place, Status> {
        if folded(address).contains("nowhere") {
            return Err(Status::ZeroResults);
        }
        let place = Place::at(address);
        let mut given_out = self
            .given_out
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        given_out.insert(place.id.clone(), address.to_owned());
        Ok(place)
    }

    /// The street at a point: every point has one, but those in the far south.
    fn at_point(&self, point: &str) -> Result<Place, Status> {
        let degrees = point.split_once(',').and_then(|(lat, lng)| {
            let (lat, lng): (f64, f64) = (lat.parse().ok()?, lng.parse().ok()?);
            ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng)).then_some(lat)
        });
        match degrees.ok_or(Status::InvalidRequest)? {
            ..-60.0 => Err(Status::ZeroResults),
            _ => self.at(&format!("Street at {point}")),
        }
    }

    fn given_out(&self, id: &str) -> Result<Place, Status> {
        let given_out = self
            .given_out
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        match given_out.get(id) {
            Some(address) => Ok(Place::at(address).itself()),
            None if Place::is_id(id) => Err(Status::NotFound),
            None => Err(Status::InvalidRequest),
        }
    }
}

impl Status {
    /// What is said beside an HTTP status other than 200.
    pub(super) fn of_http(status: u16) -> Self {
        match status {
            400 | 405 => Self::InvalidRequest,
            401 | 403 => Self::KeyRefused,
            404 => Self::NotFound,
            429 => Self::OverQueryLimit,
            _ => Self::UnknownError,
        }
    }

    /// The answer's body.
    pub(super) fn to_json(self) -> String {
        let (status, message) = match self {
            Self::ZeroResults => ("ZERO_RESULTS", None),
            Self::NotFound => ("NOT_FOUND", None),
            Self::InvalidRequest => (
                "INVALID_REQUEST",
                Some("Invalid request. Missing the 'address' or 'place_id' parameter."),
            ),
            Self::NoKey => (
                "REQUEST_DENIED",
                Some("You must use an API key to authenticate each request."),
            ),
            Self::KeyRefused => ("REQUEST_DENIED", Some("The provided API key is invalid.")),
            Self::OverQueryLimit => (
                "OVER_QUERY_LIMIT",
                Some("You have exceeded your rate-limit for this API."),
            ),
            Self::UnknownError => ("UNKNOWN_ERROR", None),
        };
        let mut body = json!({ "results": [], "status": status });
        if let Some(message) = message {
            body["error_message"] = message.into();
        }
        body.to_string()
    }
}
