//! `geocode_address` jobs, carried out by Google Maps.
//!
//! In the order of a job's life: [`GeocodeAddressHandler`] asks the cache that the fleet shares, [`GoogleMaps`] asks
//! Google for what is not there, and what Google says becomes an outcome, or a
//! [`JobError`](longshore_job::JobError) in the one match that decides it.

mod cache;
mod config;
mod error;
mod google_maps;
mod handler;
mod integration;
mod key;
mod place;
mod status;

pub use config::GoogleMapsConfig;
pub use google_maps::{GoogleMaps, SetupError};
pub use handler::GeocodeAddressHandler;
pub use integration::{GoogleMapsSettings, integration};
