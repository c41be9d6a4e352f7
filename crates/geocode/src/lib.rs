//! `geocode_address` jobs, carried out by Google Maps.
//!
//! In the order of a job's life: [`GeocodeAddressHandler`] asks the cache that the fleet shares, [`GoogleMaps`] asks
//! Google for what is not there, and what Google says becomes an outcome, or a
//! [`JobError`](longshore_job::JobError) in the one match that decides it.

pub mod args;
#[cfg(feature = "worker")]
mod cache;
#[cfg(feature = "worker")]
mod config;
#[cfg(feature = "worker")]
mod error;
#[cfg(feature = "worker")]
mod google_maps;
#[cfg(feature = "worker")]
mod handler;
#[cfg(feature = "worker")]
mod integration;
#[cfg(feature = "worker")]
mod key;
#[cfg(feature = "worker")]
mod language;
#[cfg(feature = "worker")]
mod place;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "worker")]
mod status;

pub use args::{Components, GeocodeAddress, MapBounds};
#[cfg(feature = "worker")]
pub use config::GoogleMapsConfig;
#[cfg(feature = "worker")]
pub use google_maps::{GoogleMaps, SetupError};
#[cfg(feature = "worker")]
pub use handler::GeocodeAddressHandler;
#[cfg(feature = "worker")]
pub use integration::{GoogleMapsSettings, integration};
