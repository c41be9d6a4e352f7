//! `export-cleanup`, carried out by S3, with R2 beside it; and what other queues' jobs put there and get from there.

use std::time::Duration;

use longshore_export_cleanup::{
    ApplyLifecycleHandler, Cleanup, MoveBackHandler, SweepBucketHandler,
};
use longshore_job::Job;
use longshore_job::kinds::{BucketName, SweepBucket};
use longshore_provider::secret::SecretString;
use longshore_queue::{Fallback, ProviderPolicy};
use longshore_storage::{Bucket, Keys, Name, StaticKeys, Store, StoreConfig, Stores};
use longshore_worker::Handlers;

use super::{Beside, Provider, SetUp, policy, secret};
use crate::config::{Config, QueueSpec, StoreSettings};

/// How long the SDK's first retry waits at the most; each further one twice as long.
const BACKOFF: Duration = Duration::from_secs(1);

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
    set_up,
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

fn set_up(config: &Config) -> Result<Option<SetUp>, String> {
    let Some((stores, policy)) = stores_and_policy(config)? else {
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
pub fn stores(config: &Config) -> Result<Option<Stores>, String> {
    Ok(stores_and_policy(config)?.map(|(stores, _)| stores))
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

fn stores_and_policy(config: &Config) -> Result<Option<(Stores, ProviderPolicy)>, String> {
    let Some(s3) = &config.s3 else {
        return Ok(None);
    };
    let (primary, mut policy) = store(config, Name::S3, s3)?;
    let mut stores = Stores::new(primary);
    if let Some(r2) = &config.r2 {
        let (fallback, of_fallback) = store(config, Name::R2, r2)?;
        stores = stores.with_fallback(fallback);
        policy.fallback = Some(Fallback {
            policy: Box::new(of_fallback),
            takes_jobs: false,
        });
    }
    Ok(Some((stores, policy)))
}

fn store(
    config: &Config,
    name: Name,
    settings: &StoreSettings,
) -> Result<(Store, ProviderPolicy), String> {
    let (keys, secret) = keys(name, settings)?;
    let policy = policy(
        config,
        name.as_str(),
        &settings.calls,
        settings.timeout,
        &secret,
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
    .map_err(|error| format!("providers.{name}: {error}"))?;
    Ok((store, policy))
}

/// What requests are signed with, and what says that it is another one.
fn keys(name: Name, settings: &StoreSettings) -> Result<(Keys, SecretString), String> {
    let Some(keys) = &settings.keys else {
        return Ok((Keys::DefaultChain, SecretString::from("default chain")));
    };
    let of = |word: &str| format!("providers.{name}.{word}");
    let secret_access_key = secret(&of("secret_access_key"), &keys.secret_access_key)?;
    let token = keys.session_token.as_ref();
    let token = token.map(|token| secret(&of("session_token"), token));
    let keys = StaticKeys {
        access_key_id: keys.access_key_id.clone(),
        secret_access_key: secret_access_key.clone(),
        session_token: token.transpose()?,
    };
    Ok((Keys::fixed(keys), secret_access_key))
}

/// A bucket without a name refuses every job.
fn no_bucket(config: &Config, args: &serde_json::Value) -> Option<String> {
    let named = args["bucket"].as_str()?;
    let alias = BucketName::ALL.into_iter().find(|b| b.as_str() == named)?;
    if config.s3.is_none() || bucket(config, alias).is_some() {
        return None;
    }
    Some(format!("buckets.{alias}.name is not set here"))
}
