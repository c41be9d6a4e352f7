//! `export-cleanup`, carried out by S3, with R2 beside it; and what other queues' jobs put there and get from there.

use std::sync::Arc;
use std::time::Duration;

use longshore_export_cleanup::{
    ApplyLifecycleHandler, Cleanup, MoveBackHandler, SweepBucketHandler,
};
use longshore_job::Job;
use longshore_job::kinds::{BucketName, MoveBack, SweepBucket};
use longshore_provider::secret::{ExposeSecret, Secret};
use longshore_queue::{Fallback, ProviderPolicy};
use longshore_storage::{Bucket, Keys, Name, StaticKeys, Store, StoreConfig, Stores};
use longshore_worker::Handlers;

use super::{Beside, Provider, SetUp, policy};
use crate::config::{Config, QueueSpec, StoreSettings};
use crate::failure::Failure;
use crate::secrets::Secrets;

/// How long the SDK's first retry waits at the most; each further one twice as long. Tests of what its end comes to do not
/// wait for it.
const BACKOFF: Duration = match cfg!(test) {
    true => Duration::from_millis(1),
    false => Duration::from_secs(1),
};

pub(super) const PROVIDER: Provider = Provider {
    name: "s3",
    queue: QueueSpec {
        // Sweeps are long jobs.
        default_timeout: Duration::from_secs(3600),
        ..QueueSpec::new(SweepBucket::QUEUE)
    },
    turned_on_by: "providers.s3.region",
    origin: |config| {
        let s3 = config.s3.as_ref()?;
        Some(match &s3.endpoint_url {
            Some(origin) => origin.to_string(),
            None => format!("https://s3.{}.amazonaws.com", s3.region),
        })
    },
    set_up: |config, secrets| Box::pin(set_up(config, secrets)),
    // Runs choose for themselves what may be done there: nothing is claimed for it.
    beside: |config| match config.r2 {
        Some(_) => vec![Beside {
            name: "r2",
            takes_jobs: false,
        }],
        None => Vec::new(),
    },
    doubt: no_bucket,
};

async fn set_up(config: &Config, secrets: &Secrets) -> Result<Option<SetUp>, Failure> {
    let Some((stores, policy)) = stores_and_policy(config, secrets).await? else {
        return Ok(None);
    };
    let cleanup = Cleanup::new(stores, config.buckets.iter().cloned());
    let handlers = Handlers::new()
        .with(SweepBucketHandler::new(cleanup.clone()))
        .with(ApplyLifecycleHandler::new(cleanup.clone()))
        .with(MoveBackHandler::new(cleanup));
    Ok(Some(SetUp { handlers, policy }))
}

/// The stores, if S3 is on.
///
/// # Errors
/// When a secret leads nowhere, or TLS cannot be set up.
pub async fn stores(config: &Config, secrets: &Secrets) -> Result<Option<Stores>, Failure> {
    let found = stores_and_policy(config, secrets).await?;
    Ok(found.map(|(stores, _)| stores))
}

/// A bucket, if it has a name.
#[must_use]
pub fn bucket(config: &Config, alias: BucketName) -> Option<&Bucket> {
    let (_, bucket) = config.buckets.iter().find(|(name, _)| *name == alias)?;
    Some(bucket)
}

/// R2, and where it is.
pub(super) fn r2(config: &Config) -> Option<(&'static str, String)> {
    let origin = config.r2.as_ref()?.endpoint_url.as_ref()?;
    Some((Name::R2.as_str(), origin.to_string()))
}

async fn stores_and_policy(
    config: &Config,
    secrets: &Secrets,
) -> Result<Option<(Stores, ProviderPolicy)>, Failure> {
    let Some(s3) = &config.s3 else {
        return Ok(None);
    };
    let (primary, mut policy) = store(config, secrets, Name::S3, s3).await?;
    let mut stores = Stores::new(primary);
    if let Some(r2) = &config.r2 {
        let (fallback, of_fallback) = store(config, secrets, Name::R2, r2).await?;
        stores = stores.with_fallback(fallback);
        policy.fallback = Some(Fallback {
            policy: Box::new(of_fallback),
            takes_jobs: false,
        });
    }
    Ok(Some((stores, policy)))
}

async fn store(
    config: &Config,
    secrets: &Secrets,
    name: Name,
    settings: &StoreSettings,
) -> Result<(Store, ProviderPolicy), Failure> {
    let (keys, parts) = keys(secrets, name, settings).await?;
    let policy = policy(
        config,
        name.as_str(),
        &settings.calls,
        settings.timeout,
        &parts,
    );
    let store = Store::new(StoreConfig {
        name,
        region: settings.region.clone(),
        endpoint: settings.endpoint_url.clone(),
        force_path_style: settings.force_path_style,
        keys,
        timeout: settings.timeout,
        backoff: BACKOFF,
    })
    .map_err(|error| Failure::Input(format!("providers.{name}: {error}")))?;
    Ok((store, policy))
}

/// What requests are signed with, as it is at each of them, and the secrets that make it up.
async fn keys(
    secrets: &Secrets,
    name: Name,
    settings: &StoreSettings,
) -> Result<(Keys, Vec<Secret>), Failure> {
    let Some(keys) = &settings.keys else {
        return Ok((Keys::DefaultChain, vec!["default chain".into()]));
    };
    let of = |word: &str| format!("providers.{name}.{word}");
    let (id, key) = (of("access_key_id"), of("secret_access_key"));
    let id = secrets.get(&id, &keys.access_key_id).await?;
    let key = secrets.get(&key, &keys.secret_access_key).await?;
    let token = match &keys.session_token {
        Some(token) => Some(secrets.get(&of("session_token"), token).await?),
        None => None,
    };
    let parts = [&id, &key].into_iter().chain(&token).cloned().collect();
    let now = move || StaticKeys {
        access_key_id: id.current().expose_secret().to_owned(),
        secret_access_key: key.current(),
        session_token: token.as_ref().map(Secret::current),
    };
    Ok((Keys::Static(Arc::new(now)), parts))
}

/// A bucket without a name refuses every job.
fn no_bucket(config: &Config, kind: &str, args: &serde_json::Value) -> Option<String> {
    let named = args["bucket"].as_str()?;
    let alias = BucketName::ALL.into_iter().find(|b| b.as_str() == named)?;
    config.s3.as_ref()?;
    match bucket(config, alias) {
        None => Some(format!("buckets.{alias}.name is not set here")),
        Some(bucket) if kind == MoveBack::KIND && bucket.fallback_name.is_none() => {
            Some(format!("buckets.{alias}.fallback_name is not set here"))
        }
        Some(_) => None,
    }
}
