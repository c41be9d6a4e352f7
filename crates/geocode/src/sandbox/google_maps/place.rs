//! A place, made up from its address.

use serde_json::{Value, json};

/// What Google's ids of places begin with, as a rule.
const ID_PREFIX: &str = "ChIJ";

/// How many characters follow.
const ID_CHARS: usize = 23;

/// How far a viewport reaches around its place, in degrees.
const VIEWPORT: f64 = 0.001_35;

/// Coordinates have seven decimals: centimetres.
const DECIMALS: f64 = 1e7;

/// One place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) id: String,
    partial_match: bool,
    address: String,
    lat: f64,
    lng: f64,
}

/// An address without what makes no difference: case, and how many blanks there are.
pub(super) fn folded(address: &str) -> String {
    let words: Vec<&str> = address.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

impl Place {
    /// The place of an address: always the same, anywhere that people live.
    pub(super) fn at(address: &str) -> Self {
        let folded = folded(address);
        let degrees = |salt: &str, lowest: f64, highest: f64| {
            let share = f64::from((hash(salt, &folded) >> 32) as u32) / f64::from(u32::MAX);
            let degrees = lowest + share * (highest - lowest);
            (degrees * DECIMALS).round() / DECIMALS
        };
        Self {
            id: id(&folded),
            partial_match: folded.contains("partial"),
            address: address.split_whitespace().collect::<Vec<_>>().join(" "),
            lat: degrees("lat", -55.0, 71.0),
            lng: degrees("lng", -180.0, 180.0),
        }
    }

    /// The place as it is found by its id: what was looked for, never only nearly.
    pub(super) fn itself(self) -> Self {
        Self {
            partial_match: false,
            ..self
        }
    }

    /// Whether a text could be the id of a place.
    pub(super) fn is_id(text: &str) -> bool {
        text.strip_prefix(ID_PREFIX)
            .is_some_and(|rest| rest.len() == ID_CHARS && rest.bytes().all(is_id_byte))
    }

    /// The whole answer: `OK` with this as its one result; with a second one where the address has `several` in it.
    pub(super) fn to_answer(&self) -> String {
        let mut results = vec![self.to_result()];
        if self.address.contains("several") {
            results.push(Self::at(&self.address.replace("several", "another")).to_result());
        }
        json!({ "results": results, "status": "OK" }).to_string()
    }

    fn to_result(&self) -> Value {
        let corner = |sign: f64| {
            let at = |degrees: f64| ((degrees + sign * VIEWPORT) * DECIMALS).round() / DECIMALS;
            json!({ "lat": at(self.lat), "lng": at(self.lng) })
        };
        let (location_type, kind) = match self.partial_match {
            true => ("GEOMETRIC_CENTER", "route"),
            false => ("ROOFTOP", "street_address"),
        };
        let mut result = json!({
            "address_components": [{
                "long_name": self.address,
                "short_name": self.address,
                "types": ["route"],
            }],
            "formatted_address": self.address,
            "geometry": {
                "location": { "lat": self.lat, "lng": self.lng },
                "location_type": location_type,
                "viewport": { "northeast": corner(1.0), "southwest": corner(-1.0) },
            },
            "place_id": self.id,
            "types": [kind],
        });
        // Left out by Google too where it is not so.
        if self.partial_match {
            result["partial_match"] = true.into();
        }
        result
    }
}

/// The id of the place at a folded address.
fn id(folded: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let char_at = |place: usize| {
        let hash = hash(&place.to_string(), folded);
        char::from(ALPHABET[(hash >> 58) as usize])
    };
    ID_PREFIX
        .chars()
        .chain((0..ID_CHARS).map(char_at))
        .collect()
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// FNV-1a with a last stir, so that the high bits differ too: the same on every machine and in every build, which
/// the standard library's hashers do not promise.
fn hash(salt: &str, text: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let bytes = salt.bytes().chain([0]).chain(text.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, fold);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_always_at_the_same_place_and_others_are_elsewhere() {
        let oslo = Place::at("Karl Johans gate 1,  OSLO");
        assert_eq!(oslo.id, Place::at("karl johans gate 1, oslo ").id);
        // Pinned: not only the same within this process.
        assert_eq!((oslo.lat, oslo.lng), (-26.138_359_8, 172.986_434_1));
        let others = ["Karl Johans gate 2, Oslo", "Ærøskøbing", "東京", "🏠"];
        for address in others {
            let place = Place::at(address);
            assert!(Place::is_id(&place.id), "{}", place.id);
            assert_ne!(place.id, oslo.id);
            assert_ne!((place.lat, place.lng), (oslo.lat, oslo.lng));
            assert!((-55.0..=71.0).contains(&place.lat), "{place:?}");
            assert!((-180.0..=180.0).contains(&place.lng), "{place:?}");
        }
    }
}
