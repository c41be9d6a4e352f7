//! `geocode`, carried out by Google Maps.

mod settings;

use std::time::Duration;

use crate::{GeocodeAddressHandler, GoogleMaps, GoogleMapsConfig};
use longshore_integration::settings::{Declaration, Settings};
use longshore_integration::{
    CallPolicy, Context, Integration, Inventory, Provider, QueueSpec, Repeats, SetUp, SetUpError,
    Smoke,
};
use longshore_job::{Handlers, Job};
use serde_json::json;

pub use settings::GoogleMapsSettings;

/// `geocode`.
#[must_use]
pub const fn integration() -> Integration {
    const {
        Integration {
            name: "geocode",
            crate_name: env!("CARGO_CRATE_NAME"),
            queue: QueueSpec {
                // Google's terms: coordinates for 30 consecutive days.
                keep_at_most: Some(Duration::from_secs(30 * 24 * 3600)),
                ..QueueSpec::new(crate::GeocodeAddress::QUEUE)
            },
            kinds: crate::args::KINDS,
            follow_ups: &[],
            settings: Settings {
                sections: &[Declaration::of::<GoogleMapsSettings>()],
                ..Settings::NONE
            },
            set_up: &|context| Box::pin(set_up(context)),
            provider: Some(PROVIDER),
            cron: &[],
            events: &[],
            notices: None,
            files: None,
            #[cfg(feature = "sandbox")]
            sandboxes: crate::sandbox::SANDBOXES,
            #[cfg(not(feature = "sandbox"))]
            sandboxes: &[],
        }
    }
}

const PROVIDER: Provider = Provider {
    name: "google_maps",
    turned_on_by: &[GoogleMapsSettings::API_KEY],
    inventory: Inventory {
        criticality: "medium",
        sla_percent: Some("99.9"),
        owner: Some("Backend"),
    },
    origin: &|sections| Some(sections.get::<GoogleMapsSettings>()?.base_url.to_string()),
    // To look an address up twice does nothing.
    repeats: Repeats::Harmless,
    others: &[],
    expects: &|_, _| true,
    likely_refusal: &|_, _, _| None,
    smoke: Some(Smoke {
        needs: &[GoogleMapsSettings::API_KEY],
        kind: crate::GeocodeAddress::KIND,
        args: &|_| json!({ "address": "Slottsplassen 1, Oslo", "region": "no" }),
        what: "the Royal Palace in Oslo was looked up",
        unsafe_because: &|_| None,
    }),
    page: include_str!("../google_maps.md"),
};

async fn set_up(context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    let Some(maps) = context.get::<GoogleMapsSettings>() else {
        return Ok(None);
    };
    let api_key = context
        .secret(GoogleMapsSettings::API_KEY, &maps.api_key)
        .await?;
    let client = GoogleMaps::new(&GoogleMapsConfig {
        base_url: maps.base_url.clone(),
        api_key: api_key.clone(),
        timeout: maps.calls.timeout,
    })
    .map_err(|error| SetUpError::at(&format!("providers.{}", PROVIDER.name), error))?;
    Ok(Some(SetUp {
        handlers: Handlers::new().with(GeocodeAddressHandler::new(client)),
        calls: Some(CallPolicy::new(PROVIDER.name, &maps.calls, [api_key])),
    }))
}
