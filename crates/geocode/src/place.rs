//! What is found at an address.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use longshore_provider::answers::from_json;
use longshore_provider::{Response, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What Google says of an address. Kept in the cache as it stands here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Geocoded {
    /// It is here.
    Found(Place),
    /// There is no such place.
    NotFound,
}

/// Where an address is. Without the address itself, in whatever form: operators see results without asking, and
/// where somebody lives is personal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    /// Degrees north.
    lat: f64,
    /// Degrees east.
    lng: f64,
    /// How exact that is: `ROOFTOP`, `RANGE_INTERPOLATED`, `GEOMETRIC_CENTER` or `APPROXIMATE`.
    location_type: String,
    /// Google's id of the place.
    pub(crate) place_id: String,
    /// Google found something like the address rather than the address.
    pub(crate) partial_match: bool,
    /// How many places Google found. Of several this is the one that it holds for the best.
    #[serde(default = "one")]
    pub(crate) results: usize,
    /// What it is: `street_address`, `route`, …
    types: Vec<String>,
    /// When Google said so, as in RFC 3339.
    geocoded_at: String,
}

/// What was kept before it was counted.
fn one() -> usize {
    1
}

impl Geocoded {
    /// The job's result.
    pub(crate) fn to_result(&self) -> Value {
        match self {
            Self::NotFound => json!({ "found": false }),
            Self::Found(place) => {
                let mut result = json!({
                    "found": true,
                    "lat": place.lat,
                    "lng": place.lng,
                    "location_type": place.location_type,
                    "partial_match": place.partial_match,
                    "results": place.results,
                    "types": place.types,
                    "geocoded_at": place.geocoded_at,
                });
                if !spells_an_address(&place.place_id) {
                    result["place_id"] = place.place_id.as_str().into();
                }
                result
            }
        }
    }
}

/// An answer with results, as far as it is kept.
#[derive(Deserialize)]
struct Results {
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    geometry: Geometry,
    place_id: String,
    #[serde(default)]
    partial_match: bool,
    #[serde(default)]
    types: Vec<String>,
    formatted_address: Option<String>,
}

#[derive(Deserialize)]
struct Geometry {
    location: Location,
    location_type: String,
}

#[derive(Deserialize)]
struct Location {
    lat: f64,
    lng: f64,
}

impl Place {
    /// The first result, which Google holds for the best, and the address that Google gives it.
    ///
    /// # Errors
    /// When there is none, or not in Google's form.
    pub(crate) fn first_of(response: &Response) -> Result<(Self, Option<String>), String> {
        let Results { results } = from_json(&response.body)?;
        let count = results.len();
        let found = results.into_iter().next();
        let found = found.ok_or_else(|| "there is no place in it".to_owned())?;
        let place = Self {
            lat: found.geometry.location.lat,
            lng: found.geometry.location.lng,
            location_type: found.geometry.location_type,
            place_id: found.place_id,
            partial_match: found.partial_match,
            results: count,
            types: found.types,
            geocoded_at: answered_at(response),
        };
        Ok((place, found.formatted_address))
    }
}

/// By Google's clock where it told the time, and else by ours.
fn answered_at(response: &Response) -> String {
    let date = response.header(header::DATE.as_str());
    let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let at = date.or_else(|| Timestamp::try_from(SystemTime::now()).ok());
    let at = at.unwrap_or(Timestamp::UNIX_EPOCH);
    // Whole seconds, whoever told them.
    Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string()
}

/// Google's long place ids, which begin with `E`, are the street address in base64. Results are shown to operators
/// without asking, so it is left out of them; the cache has it all the same.
fn spells_an_address(place_id: &str) -> bool {
    place_id.starts_with('E')
}

#[cfg(test)]
mod tests {
    use longshore_provider::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn dated(date: &'static str) -> Response {
        Response {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(date))]),
            body: Vec::new(),
            complete: true,
        }
    }

    #[test]
    fn an_id_that_spells_the_address_is_not_shown() {
        let place = |place_id: &str| {
            Geocoded::Found(Place {
                lat: 59.9,
                lng: 10.7,
                location_type: "ROOFTOP".to_owned(),
                place_id: place_id.to_owned(),
                partial_match: false,
                results: 1,
                types: Vec::new(),
                geocoded_at: "2026-11-02T12:00:09Z".to_owned(),
            })
        };
        let shown = place("ChIJOfBn8mFuQUYRmh4j019gkn4").to_result();
        assert_eq!(shown["place_id"], "ChIJOfBn8mFuQUYRmh4j019gkn4");
        // "Karl Johans gate 1, Oslo" and more.
        let hidden = place("EhhLYXJsIEpvaGFucyBnYXRlIDEsIE9zbG8").to_result();
        assert_eq!(hidden.get("place_id"), None);
        assert_eq!(hidden["found"], true);
    }

    #[test]
    fn the_time_is_googles() {
        let at = answered_at(&dated("Mon, 02 Nov 2026 12:00:09 GMT"));
        assert_eq!(at, "2026-11-02T12:00:09Z");
        let now = answered_at(&dated("today"));
        assert!(now.as_str() > "2026-01-01T" && now.ends_with('Z'), "{now}");
        assert!(!now.contains('.'), "{now}");
    }
}
