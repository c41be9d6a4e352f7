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
    /// Looks up the `place_id` if there is one, and else the `address`.
    pub(super) fn find(&self, params: &Params) -> Result<(Place, Draft), Status> {
        let param = |name: &str| params.get(name).filter(|text| !text.trim().is_empty());
        let (place, sought) = match (param("place_id"), param("address")) {
            (Some(id), _) => (self.given_out(id)?, id),
            (None, Some(address)) => (self.at(address)?, address),
            (None, None) => return Err(Status::InvalidRequest),
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
