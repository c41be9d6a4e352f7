//! The args of jobs about geocoding: what producers write. They need none of what carries the jobs out.

mod geocode_address;

pub use geocode_address::{Components, GeocodeAddress, MapBounds};

use longshore_job::KindSpec;

/// Their kinds.
pub const KINDS: &[KindSpec] = &[KindSpec::of::<GeocodeAddress>()];
