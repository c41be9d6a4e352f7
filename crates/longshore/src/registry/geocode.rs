//! `geocode`, carried out by Google Maps.

use std::time::Duration;

use longshore_geocode::{GeocodeAddressHandler, GoogleMaps, GoogleMapsConfig};
use longshore_job::{Job, kinds};
use longshore_worker::Handlers;

use super::{Provider, SetUp, alone, no_doubt, policy};
use crate::config::{Config, QueueSpec};
use crate::failure::Failure;
use crate::secrets::Secrets;

pub(super) const PROVIDER: Provider = Provider {
    name: "google_maps",
    queue: QueueSpec {
        // Google's terms: coordinates for 30 consecutive days.
        keep_at_most: Some(Duration::from_secs(30 * 24 * 3600)),
        ..QueueSpec::new(kinds::GeocodeAddress::QUEUE)
    },
    turned_on_by: "providers.google_maps.api_key",
    origin: |config| Some(config.google_maps.as_ref()?.base_url.to_string()),
    set_up: |config, secrets| Box::pin(set_up(config, secrets)),
    beside: alone,
    doubt: no_doubt,
};

async fn set_up(config: &Config, secrets: &Secrets) -> Result<Option<SetUp>, Failure> {
    let Some(maps) = &config.google_maps else {
        return Ok(None);
    };
    let api_key = secrets
        .get("providers.google_maps.api_key", &maps.api_key)
        .await?;
    let policy = policy(
        config,
        PROVIDER.name,
        &maps.calls,
        maps.timeout,
        std::slice::from_ref(&api_key),
    );
    let client = GoogleMaps::new(&GoogleMapsConfig {
        base_url: maps.base_url.clone(),
        api_key,
        timeout: maps.timeout,
    })
    .map_err(|error| Failure::Input(format!("providers.google_maps: {error}")))?;
    Ok(Some(SetUp {
        handlers: Handlers::new().with(GeocodeAddressHandler::new(client)),
        policy,
    }))
}
