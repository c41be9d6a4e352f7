//! `presign`: a URL that takes one upload.

use jiff::Timestamp;
use longshore_client::kinds::BucketName;
use longshore_client::kinds::SweepBucket;
use longshore_export_cleanup::Buckets;
use longshore_job::Job;
use longshore_queue::BreakerState;
use longshore_storage::presign::UploadRequest;
use longshore_storage::{Class, Name, Stores};
use serde_json::{Map, Value, json};

use crate::cli::Presign;
use crate::failure::Failure;
use crate::output;
use crate::registry::House;
use crate::secrets::Secrets;
use crate::session::Session;

/// Nothing is sent to the store, so nothing is found out about it either: where the URL leads is what the fleet knows.
pub(super) async fn run(session: &Session, args: &Presign) -> Result<(), Failure> {
    let upload = UploadRequest::new(
        &*args.user,
        &*args.content_type,
        args.length,
        &*args.extension,
    )
    .map_err(|error| Failure::input(format!("--{error}")))?;
    let secrets = Secrets::new(&session.config)?;
    let house = House::new(&session.config, &secrets);
    let stores = longshore_export_cleanup::stores(house.context()).await?;
    let stores = stores.ok_or_else(|| Failure::input("S3 is off: set providers.s3.region"))?;
    let buckets = session.config.get::<Buckets>();
    let bucket = buckets.and_then(|buckets| buckets.get(BucketName::Uploads));
    let bucket = bucket.ok_or_else(|| {
        Failure::input("there is no bucket for uploads: set buckets.uploads.name")
    })?;
    let stands_in = stores.fallback_of(bucket).is_some();
    let name = match stands_in && is_away(session).await {
        true => Name::R2,
        false => Name::S3,
    };
    let signed = store(&stores, name)?
        .directly()
        .presign_upload(bucket, &upload)
        .await
        .map_err(|error| match error.class {
            Class::Refused => Failure::input(error),
            _ => Failure::failed(error),
        })?;
    let expires_at = Timestamp::try_from(signed.expires_at).map_err(Failure::failed)?;
    let expires_at = Timestamp::from_second(expires_at.as_second()).map_err(Failure::failed)?;
    if args.json {
        let headers: Map<String, Value> = signed
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        return output::json(&json!({
            "url": signed.url,
            "method": signed.method,
            "headers": headers,
            "key": signed.key,
            "bucket": signed.bucket,
            "store": signed.store.as_str(),
            "expires_at": expires_at.to_string(),
        }));
    }
    output::line(&format!("{} {}", signed.method, signed.url))?;
    for (name, value) in &signed.headers {
        output::line(&format!("{name}: {value}"))?;
    }
    output::note(&format!(
        "takes exactly this upload, with exactly these headers, until {expires_at}; it will be {} in {} ({})",
        signed.key, signed.bucket, signed.store
    ));
    Ok(())
}

fn store(stores: &Stores, name: Name) -> Result<&longshore_storage::Store, Failure> {
    let store = stores.get_store(name);
    store.ok_or_else(|| Failure::failed(format!("{name} is not configured")))
}

/// Whether the fleet leaves S3 alone at this time. A Redis that cannot be asked stops no upload.
async fn is_away(session: &Session) -> bool {
    let asked = async { Ok::<_, Failure>(session.operator().await?.queues().await?) };
    let rows = match asked.await {
        Ok(rows) => rows,
        Err(error) => {
            let (Failure::Failed(why) | Failure::Input(why) | Failure::Redis(why)) = error;
            tracing::warn!("whether S3 is away is not known, so it is taken to be there: {why}");
            return false;
        }
    };
    rows.iter()
        .filter(|row| row.queue == SweepBucket::QUEUE)
        .flat_map(|row| &row.breakers)
        .any(|breaker| breaker.provider == Name::S3.as_str() && breaker.state == BreakerState::Open)
}
