//! Time zones by name, from the database in the binary.

use std::fmt;
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// How alike (Jaro–Winkler, 0 to 1) a name must be to be offered in place of an unknown one.
const ALIKE: f64 = 0.85;

/// A time zone, such as `Europe/Oslo`.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    pub(crate) rules: TimeZone,
}

/// A name that is no time zone's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{name}`{}", nearest.as_deref().map(|n| format!(": did you mean `{n}`?")).unwrap_or_default())]
pub struct UnknownZone {
    /// What was asked for.
    pub name: String,
    /// What was likely meant.
    pub nearest: Option<String>,
}

impl Zone {
    /// UTC, which never changes.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            rules: TimeZone::UTC,
        }
    }

    /// The time zone of this name in the IANA database, in any case: `Europe/Oslo`.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        if name.eq_ignore_ascii_case("UTC") {
            return Ok(Self::utc());
        }
        let found = DATABASE.get(name).ok();
        let found = found.and_then(|rules| Some((rules.iana_name()?.to_owned(), rules)));
        found
            .map(|(name, rules)| Self { name, rules })
            .ok_or_else(|| UnknownZone {
                name: name.chars().take(64).collect(),
                nearest: nearest(name),
            })
    }

    /// Its name, as the database spells it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The known name that was likely meant. A city alone finds its zone: `Oslo`.
fn nearest(name: &str) -> Option<String> {
    let wanted = name.to_ascii_lowercase().replace(' ', "_");
    let alike = |known: &str| {
        let known = known.to_ascii_lowercase();
        let city = known.rsplit('/').next().unwrap_or(&known);
        strsim::jaro_winkler(&known, &wanted).max(strsim::jaro_winkler(city, &wanted))
    };
    DATABASE
        .available()
        .map(|known| (alike(known.as_str()), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known.as_str().to_owned())
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_in_any_case_and_slips_are_answered() {
        assert_eq!(Zone::named("europe/oslo").unwrap().name(), "Europe/Oslo");
        assert_eq!(Zone::named("utc").unwrap().name(), "UTC");
        for (slip, meant) in [
            ("Europe/Olso", Some("Europe/Oslo")),
            ("Oslo", Some("Europe/Oslo")),
            ("New York", Some("America/New_York")),
            ("", None),
            ("xyzzy", None),
            ("../../etc/passwd", None),
        ] {
            let error = Zone::named(slip).unwrap_err();
            assert_eq!(error.nearest.as_deref(), meant, "{slip}");
        }
    }
}
