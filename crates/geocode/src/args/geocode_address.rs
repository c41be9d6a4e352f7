//! `geocode_address`: where an address is.

use std::fmt;

use serde::{Deserialize, Serialize};

use longshore_job::{InvalidArgs, Job};

/// The longest address, in characters. Percent-encoded it still fits into the longest URL that Google takes, 16,384.
const MAX_ADDRESS_CHARS: usize = 1000;

/// Looks up the coordinates of one address. They are the job's result:
/// `{"found":true,"lat":59.91,"lng":10.75,…}`, or `{"found":false}` where there is no such place. Or looks up what is at
/// coordinates; then the result has the `address`, too.
///
/// ```
/// use longshore_geocode::GeocodeAddress;
///
/// let job = GeocodeAddress::new("Karl Johans gate 1, Oslo").region("no").language("no");
/// assert_eq!(job.region.as_deref(), Some("no"));
/// let reverse = GeocodeAddress::at(59.91, 10.75);
/// assert_eq!(reverse.latlng, Some([59.91, 10.75]));
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with address or latlng, and perhaps components, bounds, region and language"
)]
pub struct GeocodeAddress {
    /// The address as people write it: 1–1,000 characters, not only blanks. It may be left out beside `components`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Where to look first: a country's top-level domain, two lower-case letters (`no`, `uk`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The language of names in the answer, as in BCP 47 (`no`, `pt-BR`). Google's word for it is sent: `no` for `nb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What the place has to be in. Only country and postal code restrict; the others are hints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<Components>,
    /// Where to look first: a box on the map. What lies outside may be found all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<MapBounds>,
    /// Instead of an address, degrees north and east: what is there is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latlng: Option<[f64; 2]>,
}

/// What a place has to be in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "an object with country, postal_code, locality, administrative_area or route"
)]
pub struct Components {
    /// The country: its name, or its two letters (`NO`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// The town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// A county, a state, or what else there is between town and country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrative_area: Option<String>,
    /// The street.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
}

/// A box on the map: two corners, each degrees north and east.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with southwest and northeast, each a list of two numbers"
)]
pub struct MapBounds {
    /// The corner in the south-west.
    pub southwest: [f64; 2],
    /// The corner in the north-east.
    pub northeast: [f64; 2],
}

impl Components {
    /// Those that are given, by Google's names.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("country", &self.country),
            ("postal_code", &self.postal_code),
            ("locality", &self.locality),
            ("administrative_area", &self.administrative_area),
            ("route", &self.route),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

impl GeocodeAddress {
    /// This address, anywhere.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            region: None,
            language: None,
            components: None,
            bounds: None,
            latlng: None,
        }
    }

    /// What is at these degrees north and east.
    #[must_use]
    pub fn at(lat: f64, lng: f64) -> Self {
        Self {
            latlng: Some([lat, lng]),
            ..Self::new("")
        }
    }

    /// Where to look first.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The language of names in the answer.
    #[must_use]
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// What the place has to be in.
    #[must_use]
    pub fn components(mut self, components: Components) -> Self {
        self.components = Some(components);
        self
    }

    /// Where to look first: a box on the map.
    #[must_use]
    pub fn bounds(mut self, bounds: MapBounds) -> Self {
        self.bounds = Some(bounds);
        self
    }

    fn check_place(&self) -> Result<(), InvalidArgs> {
        let chars = self.address.chars().count();
        let controls = |c: char| c.is_control() && c != '\n';
        let blank = self.address.trim().is_empty();
        let other = self.latlng.is_some() || self.components.is_some();
        InvalidArgs::all([
            InvalidArgs::unless(!blank || other, "address", "is empty"),
            InvalidArgs::unless(
                chars <= MAX_ADDRESS_CHARS,
                "address",
                format_args!("has {chars} characters, at most {MAX_ADDRESS_CHARS} are looked up"),
            ),
            InvalidArgs::unless(
                !self.address.contains(controls),
                "address",
                "has control characters",
            ),
            InvalidArgs::unless(
                self.latlng.is_none_or(is_point),
                "latlng",
                "must be degrees north, -90 to 90, and east, -180 to 180",
            ),
            InvalidArgs::unless(
                self.latlng.is_none()
                    || (blank
                        && self.components.is_none()
                        && self.bounds.is_none()
                        && self.region.is_none()),
                "latlng",
                "takes no address, components, bounds or region beside it",
            ),
        ])
    }
}

/// Degrees north and east.
fn is_point([lat, lng]: [f64; 2]) -> bool {
    (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng)
}

fn are_components(components: &Components) -> bool {
    let fits = |value: &str| {
        (1..=200).contains(&value.trim().chars().count())
            && !value.contains(|c: char| c.is_control() || matches!(c, '|' | ':'))
    };
    let mut pairs = components.pairs().peekable();
    pairs.peek().is_some() && pairs.all(|(_, value)| fits(value))
}

fn are_bounds(bounds: MapBounds) -> bool {
    is_point(bounds.southwest)
        && is_point(bounds.northeast)
        && bounds.southwest[0] <= bounds.northeast[0]
}

impl Job for GeocodeAddress {
    const KIND: &'static str = "geocode_address";
    const QUEUE: &'static str = "geocode";
    const PUBLIC_ARGS: &'static [&'static str] = &["region", "language"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &[
        "found",
        "location_type",
        "partial_match",
        "results",
        "types",
        "geocoded_at",
        "cached",
    ];

    fn check(&self) -> Result<(), InvalidArgs> {
        let is_region =
            |region: &String| region.len() == 2 && region.bytes().all(|b| b.is_ascii_lowercase());
        InvalidArgs::all([
            self.check_place(),
            InvalidArgs::unless(
                self.region.as_ref().is_none_or(is_region),
                "region",
                "must be a country's top-level domain, two lower-case letters such as no",
            ),
            InvalidArgs::unless(
                self.language.as_deref().is_none_or(is_language),
                "language",
                "must be a language tag such as no or pt-BR",
            ),
            InvalidArgs::unless(
                self.components.as_ref().is_none_or(are_components),
                "components",
                "must name at least one, each with 1 to 200 characters and neither | nor :",
            ),
            InvalidArgs::unless(
                self.bounds.is_none_or(are_bounds),
                "bounds",
                "must be two corners, degrees north and east, the first in the south-west",
            ),
        ])
    }
}

/// Two or three letters, and perhaps more parts of 2 to 8 letters and digits, at most 35 bytes in all.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

/// The address is personal.
impl fmt::Debug for GeocodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeocodeAddress")
            .field("region", &self.region)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}
