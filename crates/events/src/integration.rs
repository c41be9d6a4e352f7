//! `events`, delivered to the application.

mod settings;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_integration::settings::{Declaration, Settings};
use longshore_integration::{
    CallPolicy, Context, Integration, Inventory, NoticeJobs, Provider, QueueSpec, Repeats, SetUp,
    SetUpError,
};
use longshore_job::{Handlers, Job, Notice, NoticeType, Prepared};

use crate::{
    DeliverEvent, DeliverEventHandler, EventData, EventsEndpoint, EventsEndpointConfig,
    EventsEndpointError,
};

use settings::EventsCalls;
pub use settings::{EventsKeys, EventsSettings};

/// `events`.
#[must_use]
pub const fn integration() -> Integration {
    const {
        Integration {
            name: "events",
            crate_name: env!("CARGO_CRATE_NAME"),
            queue: QueueSpec::new(DeliverEvent::QUEUE),
            kinds: crate::args::KINDS,
            follow_ups: &[],
            settings: Settings {
                sections: &[
                    Declaration::of::<EventsKeys>(),
                    Declaration::of::<EventsCalls>(),
                ],
                complete: settings::complete,
                ..Settings::NONE
            },
            set_up: &|context| Box::pin(set_up(context)),
            provider: Some(PROVIDER),
            cron: &[],
            events: &[],
            notices: Some(NoticeJobs {
                wanted: |sections| {
                    let settings = sections.get::<EventsSettings>()?;
                    Some(Arc::clone(&settings.wanted))
                },
                kinds_key: EventsKeys::KINDS,
                payload,
            }),
            files: None,
            #[cfg(feature = "sandbox")]
            sandboxes: crate::sandbox::SANDBOXES,
            #[cfg(not(feature = "sandbox"))]
            sandboxes: &[],
        }
    }
}

const PROVIDER: Provider = Provider {
    name: crate::error::NAME,
    turned_on_by: &[EventsKeys::URL, EventsKeys::SECRET],
    inventory: Inventory {
        criticality: "high",
        sla_percent: None,
        owner: Some("Backend"),
    },
    origin: &|sections| Some(sections.get::<EventsSettings>()?.origin.to_string()),
    // Receivers tell repeats by the webhook-id, for as long as they keep it: the standard names no time. It is never so long
    // that a repeat of ours does more than tell again what is true.
    repeats: Repeats::Keyed(Duration::from_secs(24 * 3600)),
    others: &[],
    expects: &|_, _| true,
    likely_refusal: &|_, _, _| None,
    // It would tell the application something that has not happened.
    smoke: None,
    page: include_str!("../endpoint.md"),
};

async fn set_up(context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    let Some(settings) = context.get::<EventsSettings>() else {
        return Ok(None);
    };
    let mut secrets = vec![
        context
            .secret(EventsKeys::SECRET, &settings.keys.secret)
            .await?,
    ];
    for old in &settings.keys.old_secrets {
        secrets.push(context.secret(EventsKeys::OLD_SECRETS, old).await?);
    }
    let endpoint = EventsEndpoint::new(&EventsEndpointConfig {
        origin: settings.origin.clone(),
        path: settings.path.clone(),
        secrets: secrets.clone(),
        timeout: settings.calls.timeout,
    })
    .map_err(|error| match error {
        EventsEndpointError::BadSecret => SetUpError::at(
            &format!("{} or {}", EventsKeys::SECRET, EventsKeys::OLD_SECRETS),
            crate::signature::BAD_SECRET,
        ),
        error @ EventsEndpointError::Http(_) => SetUpError::at(EventsKeys::URL, error),
    })?;
    Ok(Some(SetUp {
        handlers: Handlers::new().with(DeliverEventHandler::new(endpoint)),
        calls: Some(CallPolicy::new(PROVIDER.name, &settings.calls, secrets)),
    }))
}

/// The payload of the job that delivers a notice.
fn payload(notice: &Notice) -> Vec<u8> {
    let at = i64::try_from(notice.at_ms).unwrap_or(i64::MAX);
    let event = DeliverEvent {
        event_type: notice.notice_type.to_string(),
        timestamp: Timestamp::from_millisecond(at)
            .unwrap_or_default()
            .to_string(),
        data: EventData {
            id: notice.job.clone(),
            sequence: notice.sequence,
            queue: notice.queue.clone(),
            kind: notice.kind.clone(),
            key: notice.key.clone(),
            tags: notice.tags.clone(),
            tenant: notice.tenant.clone(),
            reason: notice.reason.clone(),
            code: notice.code.clone(),
            delivery: match &notice.notice_type {
                NoticeType::Delivery(state) => Some(state.clone()),
                NoticeType::Completed | NoticeType::Dead | NoticeType::Cancelled => None,
            },
        },
    };
    // All of it is bounded: an id, a key, ten tags, words.
    Prepared::by_fleet(&event).map_or_else(|_| Vec::new(), |prepared| prepared.payload)
}
