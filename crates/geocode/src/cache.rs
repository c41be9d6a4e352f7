//! What the fleet remembers of addresses, so that Google is asked, and paid, once.
//!
//! | key | value | for |
//! |---|---|---|
//! | `place:<hash>` | [`Geocoded`] as JSON | 30 days when found, a day when not |
//! | `place-id:<hash>` | the place id | 12 months |
//!
//! The hash is of the address, region, language, components and bounds; the address itself is in no key and no value. What is
//! at coordinates is not kept: it is an address, and Google's terms let nobody keep those. There are two keys
//! because Redis is to *delete* the coordinates when their time is over, as the terms want it, and not merely to
//! have them ignored.
//!
//! A cache that cannot be asked costs a request, never a job.

use std::time::Duration;

use crate::GeocodeAddress;
use longshore_job::{JobId, Memory, Run, Unremembered};
use ring::digest::{SHA256, digest};

use crate::google_maps::in_one_text;
use crate::place::{Geocoded, Place};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Google's terms let coordinates be kept for 30 consecutive days.
const FOUND: Duration = DAY.saturating_mul(30);

/// Place ids may be kept for good; Google wants those that are older than 12 months to be refreshed.
const PLACE_ID: Duration = DAY.saturating_mul(365);

/// Long enough that a form sent again and again, or an import repeated, asks once; short enough that a new street,
/// or a mistake that Google mends, is found the next day.
const NOT_FOUND: Duration = DAY;

/// The cache, as far as it is about one address.
pub(crate) struct Cache<'a> {
    memory: &'a dyn Memory,
    job: JobId,
    place: String,
    place_id: String,
}

impl<'a> Cache<'a> {
    /// What is remembered for this job's address. `None` for coordinates.
    pub(crate) fn of(job: &GeocodeAddress, run: &'a Run) -> Option<Self> {
        if job.latlng.is_some() {
            return None;
        }
        let hash = hash(job);
        Some(Self {
            memory: run.memory(),
            job: run.id,
            place: format!("place:{hash}"),
            place_id: format!("place-id:{hash}"),
        })
    }

    /// What Google said, if that may still be known. What does not decode was written by another version, and is
    /// not there.
    pub(crate) async fn recall(&self) -> Option<Geocoded> {
        serde_json::from_slice(&self.get(&self.place).await?).ok()
    }

    /// The place's id, which outlives its coordinates.
    pub(crate) async fn place_id(&self) -> Option<String> {
        let id = String::from_utf8(self.get(&self.place_id).await?).ok()?;
        (!id.is_empty()).then_some(id)
    }

    /// Keeps what Google has just said.
    ///
    /// The id of a partial match, or of one of several, is not kept: by it Google would be asked for its own guess again, and
    /// the address may have become a better one.
    pub(crate) async fn keep(&self, geocoded: &Geocoded) {
        let json = serde_json::to_vec(geocoded)
            .unwrap_or_else(|error| unreachable!("plain fields are JSON: {error}"));
        match geocoded {
            Geocoded::NotFound => self.set(&self.place, &json, NOT_FOUND).await,
            Geocoded::Found(Place {
                place_id,
                partial_match,
                results,
                ..
            }) => {
                self.set(&self.place, &json, FOUND).await;
                if !partial_match && *results == 1 {
                    let id = place_id.as_bytes();
                    self.set(&self.place_id, id, PLACE_ID).await;
                }
            }
        }
    }

    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let kept = self.memory.recall(key).await;
        kept.unwrap_or_else(|error| {
            self.warn(&error, "the cache cannot be asked");
            None
        })
    }

    async fn set(&self, key: &str, value: &[u8], time: Duration) {
        if let Err(error) = self.memory.cache(key, value, time).await {
            self.warn(&error, "the cache cannot be written");
        }
    }

    /// The key is not in it: who knows an address can tell by the hash whether it was looked up.
    fn warn(&self, error: &Unremembered, what: &str) {
        tracing::warn!(job = %self.job, %error, "{what}; Google is asked, and paid, again");
    }
}

/// The same for addresses that differ in case and blanks only, which Google does not tell apart. As JSON, so that
/// no address can pass for another with a region.
fn hash(job: &GeocodeAddress) -> String {
    let words: Vec<&str> = job.address.split_whitespace().collect();
    let address = words.join(" ").to_lowercase();
    let mut sought = vec![
        Some(address),
        job.region.as_ref().map(|region| region.to_lowercase()),
        job.language.as_ref().map(|tag| tag.to_lowercase()),
    ];
    // Without them the hash is the one that was kept before there were any.
    if job.components.is_some() || job.bounds.is_some() {
        let components = job.components.as_ref().map(in_one_text);
        sought.push(components.map(|components| components.to_lowercase()));
        sought.push(job.bounds.map(|bounds| format!("{bounds:?}")));
    }
    let sought = serde_json::to_vec(&sought)
        .unwrap_or_else(|error| unreachable!("plain texts are JSON: {error}"));
    hex::encode(digest(&SHA256, &sought))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Components, MapBounds};

    fn components(country: &str) -> Components {
        Components {
            country: Some(country.to_owned()),
            ..Components::default()
        }
    }

    fn bounds(east: f64) -> MapBounds {
        MapBounds {
            southwest: [59.0, east],
            northeast: [60.0, east],
        }
    }

    #[test]
    fn spellings_share_a_hash_and_other_questions_do_not() {
        let address = "Øvre Slottsgate 3, Oslo";
        let job = GeocodeAddress::new(address).region("no").language("nb");
        // Pinned: another form would forget, and pay for, all that is kept.
        assert_eq!(
            hash(&job),
            "1e128b415cb98aac9579bc1efd7edba478d2abf5ddc8025c3a01347ab05e9475"
        );
        assert!(!hash(&job).contains("oslo"));
        for address in [
            " øvre  slottsgate 3,\nOSLO ",
            "ØVRE SLOTTSGATE 3, OSLO",
            "Øvre\u{a0}Slottsgate 3, Oslo",
        ] {
            let same = GeocodeAddress::new(address).region("no").language("nb");
            assert_eq!(hash(&same), hash(&job), "{address:?}");
        }
        let mut seen = vec![hash(&job)];
        for other in [
            GeocodeAddress::new(address),
            GeocodeAddress::new(address).region("no"),
            GeocodeAddress::new(address).language("no"),
            GeocodeAddress::new(address).region("se").language("nb"),
            GeocodeAddress::new("Øvre Slottsgate 33, Oslo").region("no"),
            GeocodeAddress::new("Ovre Slottsgate 3, Oslo").region("no"),
            GeocodeAddress::new(format!("{address}\",\"no")),
            job.clone().components(components("NO")),
            job.clone().components(components("SE")),
            job.clone().bounds(bounds(10.0)),
            job.clone().bounds(bounds(11.0)),
            job.clone()
                .components(components("NO"))
                .bounds(bounds(10.0)),
        ] {
            assert!(!seen.contains(&hash(&other)), "{other:?}");
            seen.push(hash(&other));
        }
    }
}
