//! `geocode_address`: where an address is.

use std::fmt;

use serde::{Deserialize, Serialize};

use longshore_job::{InvalidArgs, Job};

/// The longest address, in characters. Percent-encoded it still fits into the longest URL that Google takes, 16,384.
const MAX_ADDRESS_CHARS: usize = 1000;

/// Looks up the coordinates of one address. They are the job's result:
/// `{"found":true,"lat":59.91,"lng":10.75,…}`, or `{"found":false}` where there is no such place.
///
/// ```
/// use longshore_geocode::GeocodeAddress;
///
/// let job = GeocodeAddress::new("Karl Johans gate 1, Oslo").region("no").language("nb");
/// assert_eq!(job.region.as_deref(), Some("no"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with address and perhaps region and language"
)]
pub struct GeocodeAddress {
    /// The address as people write it: 1–1,000 characters, not only blanks.
    pub address: String,
    /// Where to look first: a country's top-level domain, two lower-case letters (`no`, `uk`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The language of names in the answer, as in BCP 47 (`nb`, `pt-BR`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl GeocodeAddress {
    /// This address, anywhere.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            region: None,
            language: None,
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
        "types",
        "geocoded_at",
        "cached",
    ];

    fn check(&self) -> Result<(), InvalidArgs> {
        let chars = self.address.chars().count();
        let controls = |c: char| c.is_control() && c != '\n';
        let is_region =
            |region: &String| region.len() == 2 && region.bytes().all(|b| b.is_ascii_lowercase());
        InvalidArgs::all([
            InvalidArgs::unless(!self.address.trim().is_empty(), "address", "is empty"),
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
                self.region.as_ref().is_none_or(is_region),
                "region",
                "must be a country's top-level domain, two lower-case letters such as no",
            ),
            InvalidArgs::unless(
                self.language.as_deref().is_none_or(is_language),
                "language",
                "must be a language tag such as nb or pt-BR",
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
