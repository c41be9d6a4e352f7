//! What a program has to know of Slack.

use longshore_integration::settings::{Declaration, Settings};
use longshore_integration::{
    CallPolicy, Context, CronEntry, Events, Integration, Inventory, Provider, QueueSpec, Repeats,
    SetUp, SetUpError, Source,
};
use longshore_job::{Handlers, Job, KindSpec};
use longshore_provider::Http;

use crate::PostMessage;
use crate::client::{NAME, PostMessageHandler};
use crate::events::SlackEvents;
use crate::settings::SlackSettings;

/// The integration, for a program's list.
#[must_use]
pub const fn integration() -> Integration {
    const {
        Integration {
            name: "slack",
            crate_name: env!("CARGO_CRATE_NAME"),
            queue: QueueSpec::new(PostMessage::QUEUE),
            kinds: &[KindSpec::of::<PostMessage>()],
            follow_ups: &[],
            settings: Settings {
                sections: &[Declaration::of::<SlackSettings>()],
                ..Settings::NONE
            },
            set_up: &|context| Box::pin(set_up(context)),
            provider: Some(Provider {
                name: NAME,
                turned_on_by: &[SlackSettings::TOKEN],
                inventory: Inventory {
                    criticality: "low",
                    sla_percent: Some("99.99"),
                    owner: Some("Harbour"),
                },
                origin: &|sections| Some(sections.get::<SlackSettings>()?.base_url.to_string()),
                repeats: Repeats::Doubles,
                others: &[],
                expects: &|_, _| true,
                likely_refusal: &|_, _, _| None,
                // Every call posts something.
                smoke: None,
                page: include_str!("../slack.md"),
            }),
            cron: &[CronEntry {
                name: "good-morning",
                schedule: "0 8 * * 1-5",
                kind: PostMessage::KIND,
                args: r##"{"channel":"#general","text":"Good morning"}"##,
                catch_up: "none",
            }],
            events: &[Events {
                name: NAME,
                turned_on_by: &[SlackSettings::TOKEN, SlackSettings::SIGNING_SECRET],
                source: |context| Box::pin(events(context)),
            }],
            notices: None,
            files: None,
            #[cfg(feature = "sandbox")]
            sandboxes: &[crate::sandbox::SANDBOX],
            #[cfg(not(feature = "sandbox"))]
            sandboxes: &[],
        }
    }
}

async fn set_up(context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    let Some(slack) = context.get::<SlackSettings>() else {
        return Ok(None);
    };
    let token = context.secret(SlackSettings::TOKEN, &slack.token).await?;
    let http = Http::new(slack.base_url.clone(), slack.calls.timeout);
    let http = http.map_err(|error| SetUpError::at("providers.slack", error))?;
    let calls = CallPolicy::new(NAME, &slack.calls, [token.clone()]);
    Ok(Some(SetUp {
        handlers: Handlers::new().with(PostMessageHandler { http, token }),
        calls: Some(calls),
    }))
}

async fn events(context: Context<'_>) -> Result<Option<Box<dyn Source>>, SetUpError> {
    let slack = context.get::<SlackSettings>();
    let Some(secret) = slack.and_then(|slack| slack.signing_secret.as_ref()) else {
        return Ok(None);
    };
    let secret = context
        .secret(SlackSettings::SIGNING_SECRET, secret)
        .await?;
    Ok(Some(Box::new(SlackEvents(secret))))
}
