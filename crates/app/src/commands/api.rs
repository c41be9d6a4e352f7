//! `api`: the HTTP API for producers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use longshore_api::{Api, ApiListening, ApiOptions, ApiParts, ApiToken, Foresee, IsAway};
use longshore_client::Client;
use longshore_integration::{Family, Integration, Program};
use longshore_job::Kinds;
use longshore_provider::secret::{ExposeSecret, Unusable};
use longshore_queue::{Link, LinkOptions, Queue};

use super::{cannot_bind, kinds, log_warnings, presign, signals};
use crate::config::{ApiSettings, secret_key, with_variable};
use crate::failure::Failure;
use crate::registry::{self, SetupContext};
use crate::secrets::Secrets;
use crate::session::Session;
use crate::{App, output, telemetry};

/// How long Redis may take to answer one call.
const PATIENCE: LinkOptions = LinkOptions {
    connect_timeout: Duration::from_secs(1),
    response_timeout: Duration::from_secs(2),
};

/// The shortest secret that cannot be guessed.
const SHORTEST_SECRET: usize = 16;

/// For how long it is known whether the store is left alone.
const KNOWN_FOR: Duration = Duration::from_secs(5);

/// The OpenAPI document of the API that a program with these integrations has, as text. Of what the configuration makes it has the
/// general form: an API that runs lists what there is.
#[must_use]
pub fn openapi(integrations: &[Integration], families: &[Family]) -> String {
    let kinds = integrations.iter().flat_map(|of| of.kinds).copied();
    let made = families.iter().flat_map(|of| of.kinds).copied();
    let kinds = Kinds::new(kinds).with_families(made).of_producers();
    let document = longshore_api::openapi::document(&kinds);
    format!("{document:#}\n")
}

/// Prints it.
pub(super) fn print_openapi(app: &App) -> Result<(), Failure> {
    output::line(openapi(app.integrations(), app.families()).trim_end())
}

pub(super) async fn run(session: &Session) -> Result<(), Failure> {
    log_warnings(session);
    let ended = signals::EndedBySignal {
        early: "before any request was taken",
        cut_off: "cut off requests that were not answered; with their keys they can be sent again",
    };
    signals::serve(listen(session), ApiListening::serve, ended).await
}

async fn listen(session: &Session) -> Result<ApiListening, Failure> {
    let settings = &session.config.api;
    if session.config.api_tokens.is_empty() {
        return Err(Failure::input(format!(
            "no token is configured, so nobody could call the API: set {} to env:NAME, file:PATH or vault:PATH",
            with_variable(&secret_key("<name>"))
        )));
    }
    let link = session.link()?;
    tracing::info!("on {}", session.target(&link));
    let secrets = Arc::new(Secrets::new(&session.config)?);
    let tokens = tokens(session, &secrets).await?;
    let setup = SetupContext::new(&session.config, &secrets);
    let files = setup.files().await?;
    session.reached().await?;
    secrets.keep_fresh(session.config.reread);
    let link = link.sharing(PATIENCE);
    // Where Redis does not let us ask, there are the queues that we know.
    let namespace = &session.config.redis.namespace;
    let found = session.registered_queues(&link).await.unwrap_or_default();
    let operator = session.operator_of(&link, &found)?;
    operator.check_layouts().await?;
    let parts = ApiParts {
        kinds: session.config.kinds().of_producers(),
        kind_rows: kinds::shown_rows(session)?,
        client: Client::over(&link, namespace)?,
        is_away: is_away(session, &link)?,
        operator,
        link,
        tokens,
        files,
        foresee: foresee(session),
        collectors: telemetry::collector().into_iter().collect(),
    };
    let options = ApiOptions {
        http_addr: settings.http_addr,
        private_addr: settings.private_addr,
        trusted_proxies: session.config.trusted_proxies.clone(),
    };
    let listening = Api::new(options, parts).listen().await;
    listening.map_err(|error| {
        let keys = [ApiSettings::HTTP_ADDR, ApiSettings::PRIVATE_ADDR];
        cannot_bind(&error, settings.private_addr, keys)
    })
}

/// All tokens, with their secrets. What is wrong with any of them is found.
async fn tokens(session: &Session, secrets: &Secrets) -> Result<Vec<ApiToken>, Failure> {
    let (mut tokens, mut wrong) = (Vec::new(), Vec::new());
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (name, settings) in &session.config.api_tokens {
        let key = secret_key(name);
        let secret = match secrets.get(&key, &settings.secret).await {
            Ok(secret) => secret,
            Err(Failure::Input(text)) => {
                wrong.push(text);
                continue;
            }
            Err(other) => return Err(other),
        };
        let text = secret.current().expose_secret().to_owned();
        if text.len() < SHORTEST_SECRET {
            wrong.push(format!(
                "{key}: is shorter than {SHORTEST_SECRET} characters, so it can be guessed; use what `openssl rand -hex 32` makes"
            ));
        }
        // Also what it is changed to later.
        let long_enough = |text: &str| match text.len() < SHORTEST_SECRET {
            true => Err(Unusable("it is shorter than 16 characters")),
            false => Ok(()),
        };
        // Of the one there is that was said above.
        let _ = secret.require(long_enough);
        if let Some(other) = names.insert(text, name) {
            wrong.push(format!(
                "{key}: is the same as that of the token {other}, so nobody could tell who calls; give each its own"
            ));
        }
        tokens.push(ApiToken {
            name: name.clone(),
            secret,
            kinds: settings.kinds.clone(),
            rate_per_second: settings.rate_per_second,
            uploads: settings.uploads,
        });
    }
    match wrong.is_empty() {
        true => Ok(tokens),
        false => Err(Failure::input(wrong.join("\n"))),
    }
}

/// What `enqueue` warns of, too.
fn foresee(session: &Session) -> Foresee {
    let config = session.config.clone();
    Arc::new(move |job| registry::likely_refusal(&config, job))
}

/// Asks the fleet whether it leaves the store alone, at most every few seconds. A Redis that cannot be asked stops no upload.
fn is_away(session: &Session, link: &Link) -> Result<IsAway, Failure> {
    let store = presign::store(session);
    let asked = store.and_then(|store| Some((store.queue.name, store.provider.as_ref()?.name)));
    let Some((queue, provider)) = asked else {
        return Ok(Arc::new(|| Box::pin(async { false })));
    };
    let namespace = &session.config.redis.namespace;
    let queue = Queue::new(link.clone(), namespace, queue).map_err(Failure::input)?;
    let known: Arc<Mutex<Option<(Instant, bool)>>> = Arc::default();
    Ok(Arc::new(move || {
        let (known, queue) = (Arc::clone(&known), queue.clone());
        Box::pin(async move {
            let last = *known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, away)) = last.filter(|(at, _)| at.elapsed() < KNOWN_FOR) {
                return away;
            }
            let away = queue.is_breaker_open(provider).await.unwrap_or_default();
            *known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), away));
            away
        })
    }))
}
