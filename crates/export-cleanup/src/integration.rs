//! `export-cleanup`, carried out by S3, with R2 beside it; and what other queues' jobs put there and get from there.

mod buckets;
mod files;
mod rules;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use crate::{ApplyLifecycle, BucketName, MoveBack, SweepBucket};
use crate::{ApplyLifecycleHandler, Cleanup, MoveBackHandler, SweepBucketHandler};
use longshore_integration::key_path;
use longshore_integration::settings::{Declaration, Section, Settings};
use longshore_integration::{
    CallPolicy, Context, CronEntry, Integration, Inventory, OtherProvider, Provider, QueueSpec,
    Repeats, Sections, SetUp, SetUpError, Smoke, StandIn,
};
use longshore_job::{Handlers, Job};
use longshore_provider::secret::{ExposeSecret, Secret};
use longshore_storage::{CredentialSource, Name, StaticKeys, Store, StoreConfig, Stores};
use serde_json::json;

use buckets::{BucketsKeys, NamedBucketKeys, ReportKeys};

pub use buckets::Buckets;
pub use settings::{R2Settings, S3Settings, StoreSettings};

/// How long the SDK's first retry waits at the most; each further one twice as long. A second, where a try may take its
/// fifteen, and less where less is waited for.
fn backoff(timeout: Duration) -> Duration {
    (timeout / 15).min(Duration::from_secs(1))
}

/// `export-cleanup`.
#[must_use]
pub const fn integration() -> Integration {
    const {
        Integration {
            name: "export-cleanup",
            crate_name: env!("CARGO_CRATE_NAME"),
            queue: QueueSpec {
                // Sweeps are long jobs.
                default_timeout: Duration::from_secs(3600),
                ..QueueSpec::new(SweepBucket::QUEUE)
            },
            kinds: crate::args::KINDS,
            follow_ups: &[],
            settings: Settings {
                sections: &[
                    Declaration::of::<S3Settings>(),
                    Declaration::of::<R2Settings>(),
                    Declaration::of::<BucketsKeys>(),
                    // Each is read where its name is known.
                    Declaration {
                        read: |_, _| {},
                        ..Declaration::of::<NamedBucketKeys>()
                    },
                    Declaration::of::<ReportKeys>(),
                ],
                complete: |reader, sections| {
                    settings::complete(reader, sections);
                    buckets::complete(reader, sections);
                },
                check: |_, _| {},
            },
            set_up: &|context| Box::pin(set_up(context)),
            provider: Some(PROVIDER),
            cron: &[
                of_bucket(
                    "lifecycle-exports",
                    "0 3 * * *",
                    ApplyLifecycle::KIND,
                    EXPORTS,
                ),
                of_bucket(
                    "lifecycle-uploads",
                    "5 3 * * *",
                    ApplyLifecycle::KIND,
                    UPLOADS,
                ),
                of_bucket("move-back-exports", "50 * * * *", MoveBack::KIND, EXPORTS),
                of_bucket("move-back-uploads", "55 * * * *", MoveBack::KIND, UPLOADS),
                of_bucket(
                    "sweep-exports",
                    "15 3 * * *",
                    SweepBucket::KIND,
                    SWEPT_EXPORTS,
                ),
                of_bucket(
                    "sweep-uploads",
                    "30 3 * * *",
                    SweepBucket::KIND,
                    SWEPT_UPLOADS,
                ),
            ],
            events: &[],
            notices: None,
            files: Some(|context| Box::pin(files::offered(context))),
            #[cfg(feature = "sandbox")]
            sandboxes: crate::sandbox::SANDBOXES,
            #[cfg(not(feature = "sandbox"))]
            sandboxes: &[],
        }
    }
}

const EXPORTS: &str = r#"{"bucket":"exports"}"#;
const UPLOADS: &str = r#"{"bucket":"uploads"}"#;
const SWEPT_EXPORTS: &str = r#"{"bucket":"exports","dry_run":false}"#;
const SWEPT_UPLOADS: &str = r#"{"bucket":"uploads","dry_run":false}"#;

/// What is done about a bucket again and again. One job makes up for all that were missed: it looks at everything.
const fn of_bucket(
    name: &'static str,
    schedule: &'static str,
    kind: &'static str,
    args: &'static str,
) -> CronEntry {
    CronEntry {
        name,
        kind,
        schedule,
        args,
        catch_up: "once",
    }
}

const PROVIDER: Provider = Provider {
    name: "s3",
    turned_on_by: &[key_path!(S3Settings::AT, StoreSettings::REGION)],
    inventory: Inventory {
        criticality: "high",
        sla_percent: Some("99.99"),
        owner: Some("Infrastructure"),
    },
    origin: &|sections| {
        let s3 = &sections.get::<S3Settings>()?.store;
        Some(match &s3.endpoint_url {
            Some(origin) => origin.to_string(),
            None => format!("https://s3.{}.amazonaws.com", s3.region.as_deref()?),
        })
    },
    // To delete or copy what is gone or there does nothing.
    repeats: Repeats::Harmless,
    // Runs choose for themselves what may be done there: nothing is claimed for it.
    others: &[OtherProvider {
        name: "r2",
        crate_name: env!("CARGO_CRATE_NAME"),
        // As critical as what it stands in for.
        inventory: Inventory {
            criticality: "high",
            sla_percent: None,
            owner: Some("Infrastructure"),
        },
        origin: &|sections| {
            let r2 = &sections.get::<R2Settings>()?.store;
            Some(r2.endpoint_url.as_ref()?.to_string())
        },
        takes_jobs: false,
        page: include_str!("../r2.md"),
    }],
    expects: &|_, _| true,
    likely_refusal: &no_bucket,
    smoke: Some(Smoke {
        needs: &[buckets::EXPORTS_NAME],
        kind: SweepBucket::KIND,
        args: &|_| json!({ "bucket": "exports", "dry_run": true }),
        what: "the exports bucket was listed",
        unsafe_because: &|_| None,
    }),
    page: include_str!("../s3.md"),
};

async fn set_up(context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    let Some((stores, calls)) = stores_and_calls(context).await? else {
        return Ok(None);
    };
    let buckets = context.get::<Buckets>().cloned().unwrap_or_default();
    let cleanup = Cleanup::new(stores, buckets.0);
    let handlers = Handlers::new()
        .with(SweepBucketHandler::new(cleanup.clone()))
        .with(ApplyLifecycleHandler::new(cleanup.clone()))
        .with(MoveBackHandler::new(cleanup));
    Ok(Some(SetUp {
        handlers,
        calls: Some(calls),
    }))
}

/// The stores, if S3 is on.
///
/// # Errors
/// When a secret leads nowhere, or TLS cannot be set up.
pub async fn stores(context: Context<'_>) -> Result<Option<Stores>, SetUpError> {
    let found = stores_and_calls(context).await?;
    Ok(found.map(|(stores, _)| stores))
}

async fn stores_and_calls(
    context: Context<'_>,
) -> Result<Option<(Stores, CallPolicy)>, SetUpError> {
    let Some(S3Settings { store: s3 }) = context.get() else {
        return Ok(None);
    };
    let (primary, mut calls) = store(context, Name::S3, s3).await?;
    let mut stores = Stores::new(primary);
    if let Some(R2Settings { store: r2 }) = context.get() {
        let (fallback, of_fallback) = store(context, Name::R2, r2).await?;
        stores = stores.with_fallback(fallback);
        calls.fallback = Some(StandIn {
            calls: Box::new(of_fallback),
            takes_jobs: false,
        });
    }
    Ok(Some((stores, calls)))
}

async fn store(
    context: Context<'_>,
    name: Name,
    settings: &StoreSettings,
) -> Result<(Store, CallPolicy), SetUpError> {
    let (keys, parts) = keys(context, name, settings).await?;
    let calls = CallPolicy::new(name.as_str(), &settings.calls, parts);
    let store = Store::new(StoreConfig {
        name,
        region: settings.region.clone().unwrap_or_default(),
        endpoint: settings.endpoint_url.clone(),
        force_path_style: settings.force_path_style,
        keys,
        timeout: settings.calls.timeout,
        backoff: backoff(settings.calls.timeout),
    })
    .map_err(|error| SetUpError::at(&format!("providers.{name}"), error))?;
    Ok((store, calls))
}

/// What requests are signed with, as it is at each of them, and the secrets that make it up.
async fn keys(
    context: Context<'_>,
    name: Name,
    settings: &StoreSettings,
) -> Result<(CredentialSource, Vec<Secret>), SetUpError> {
    let Some((id, key)) = settings.key() else {
        return Ok((CredentialSource::DefaultChain, vec!["default chain".into()]));
    };
    let of = |word: &str| format!("providers.{name}.{word}");
    let id = context
        .secret(&of(StoreSettings::ACCESS_KEY_ID), id)
        .await?;
    let key = context
        .secret(&of(StoreSettings::SECRET_ACCESS_KEY), key)
        .await?;
    let token = match &settings.session_token {
        Some(token) => Some(
            context
                .secret(&of(StoreSettings::SESSION_TOKEN), token)
                .await?,
        ),
        None => None,
    };
    let parts = [&id, &key].into_iter().chain(&token).cloned().collect();
    let now = move || StaticKeys {
        access_key_id: id.current().expose_secret().to_owned(),
        secret_access_key: key.current(),
        session_token: token.as_ref().map(Secret::current),
    };
    Ok((CredentialSource::Static(Arc::new(now)), parts))
}

/// A bucket without a name refuses every job.
fn no_bucket(sections: &Sections, kind: &str, args: &serde_json::Value) -> Option<String> {
    let alias = BucketName::new(args["bucket"].as_str()?).ok()?;
    sections.get::<S3Settings>()?;
    match sections.get::<Buckets>()?.get(&alias) {
        None => Some(format!("{} is not set here", buckets::name_of(&alias))),
        Some(bucket) if kind == MoveBack::KIND && bucket.fallback_name.is_none() => {
            let key = buckets::fallback_name_of(&alias);
            Some(format!("{key} is not set here"))
        }
        Some(_) => None,
    }
}
