//! `presign`: a URL that takes one upload, or gives one uploaded file.

use jiff::Timestamp;
use longshore_integration::{Integration, NewUpload, Program, UploadError};
use longshore_queue::BreakerState;
use serde_json::{Map, Value, json};
use url::Url;

use crate::cli::Presign;
use crate::failure::Failure;
use crate::output;
use crate::registry::{self, SetupContext};
use crate::secrets::Secrets;
use crate::session::Session;

/// Nothing is sent to the store, so nothing is found out about it either: where the URL leads is what the fleet knows.
pub(super) async fn run(session: &Session, args: &Presign) -> Result<(), Failure> {
    let store = store(session)
        .ok_or_else(|| Failure::input("no integration of this program stores files"))?;
    let secrets = Secrets::new(&session.config)?;
    let setup = SetupContext::new(&session.config, &secrets);
    let files = setup.files().await?;
    let files = files.ok_or_else(|| off(session, store))?;
    let away = is_away(session, store).await;
    let signed = match &args.get {
        Some(key) => files.sign_download(key, away).await,
        None => files.sign_upload(&upload(args), away).await,
    };
    let signed = signed.map_err(|error| match error {
        UploadError::Field { .. } | UploadError::Wrong(_) => Failure::Input(error.to_string()),
        UploadError::Failed(what) => Failure::Failed(what),
    })?;
    let url: Url = signed.url.parse().map_err(Failure::failed)?;
    output::note(&format!(
        "for the bucket {} of {} at {}, {}",
        signed.bucket,
        signed.store,
        url.host_str().unwrap_or_default(),
        session.profile()
    ));
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
            "store": signed.store,
            "expires_at": expires_at.to_string(),
        }));
    }
    output::line(&format!("{} {}", signed.method, signed.url))?;
    for (name, value) in &signed.headers {
        output::line(&format!("{name}: {value}"))?;
    }
    let (key, bucket, store) = (&signed.key, &signed.bucket, signed.store);
    output::note(&match args.get {
        Some(_) => format!(
            "this URL gives the file {key} in {bucket} ({store}) to anybody, until {expires_at}; whether it is there, nobody has asked"
        ),
        None => format!(
            "this URL accepts exactly this upload, with exactly these headers, until {expires_at}; the file will be {key} in {bucket} ({store})"
        ),
    });
    Ok(())
}

/// What is to be uploaded. Which of it belongs together, the command line knows.
fn upload(args: &Presign) -> NewUpload {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    NewUpload {
        user: text(&args.user),
        content_type: text(&args.content_type),
        length: args.length.unwrap_or_default(),
        extension: text(&args.extension),
    }
}

/// The integration that stores files.
pub(super) fn store(session: &Session) -> Option<&Integration> {
    let mut integrations = session.config.integrations().iter();
    integrations.find(|integration| integration.files.is_some())
}

/// Why there is no place for files.
fn off(session: &Session, store: &Integration) -> Failure {
    match &store.provider {
        Some(provider) if (provider.origin)(session.config.sections()).is_none() => {
            Failure::input(format!(
                "{} is off: set {}",
                provider.name,
                registry::turned_on_by(store)
            ))
        }
        _ => Failure::input(format!(
            "there is no place for files: {} has none configured",
            store.name
        )),
    }
}

/// Whether the fleet leaves the store alone at this time. A Redis that cannot be asked stops no upload.
async fn is_away(session: &Session, store: &Integration) -> bool {
    let Some(provider) = &store.provider else {
        return false;
    };
    let asked = async { Ok::<_, Failure>(session.quiet_operator().await?.queues().await?) };
    let rows = match asked.await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::warn!(
                "it is not known whether {} is away, so it is used: {error}",
                provider.name
            );
            return false;
        }
    };
    rows.iter()
        .filter(|row| row.queue == store.queue.name)
        .flat_map(|row| &row.breakers)
        .any(|breaker| breaker.provider == provider.name && breaker.state == BreakerState::Open)
}
