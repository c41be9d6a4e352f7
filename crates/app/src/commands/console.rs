//! `console`: the operators' web page.

use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
use std::time::Duration;

use console::Term;
use longshore_console::{
    Console, ConsoleListening, ConsoleOptions, ConsoleParts, ConsoleUser, FleetFacts,
    KnownProvider, check_password_hash, hash_password,
};
use longshore_operator::ConfiguredFleet;
use longshore_provider::secret::{ExposeSecret, Unusable};
use longshore_queue::LinkOptions;

use super::{cannot_bind, log_warnings, signals};
use crate::config::{ConsoleSettings, password_hash_key, with_variable};
use crate::failure::Failure;
use crate::secrets::Secrets;
use crate::session::Session;
use crate::{output, registry, sentry, telemetry};

/// How long Redis may take to answer one call: who looks at a page waits no longer.
const PATIENCE: LinkOptions = LinkOptions {
    connect_timeout: Duration::from_secs(1),
    response_timeout: Duration::from_secs(3),
};

/// The shortest password.
const SHORTEST_PASSWORD: usize = 12;

/// The longest password, in bytes.
const LONGEST_PASSWORD: u64 = 1_024;

/// Serves it until a signal comes.
pub(super) async fn serve(session: &Session) -> Result<(), Failure> {
    let serve = sentry::reported(&session.config, "console", |_| run(session));
    telemetry::traced(&session.config, "console", serve).await
}

async fn run(session: &Session) -> Result<(), Failure> {
    log_warnings(session);
    let ended = signals::EndedBySignal {
        early: "before anybody was served",
        cut_off: "cut off pages that were not answered; the audit has what was done",
    };
    signals::serve(listen(session), ConsoleListening::serve, ended).await
}

async fn listen(session: &Session) -> Result<ConsoleListening, Failure> {
    let settings = &session.config.console;
    let link = session.link()?;
    tracing::info!("on {}", session.target(&link));
    let secrets = Arc::new(Secrets::new(&session.config)?);
    let users = users(session, &secrets).await?;
    let is_open = is_open(session);
    if users.is_empty() && settings.trusted_header.is_none() && !is_open {
        return Err(Failure::input(format!(
            "nobody could log in: set {} to what `longshore console hash-password` prints",
            with_variable(&password_hash_key("<name>"))
        )));
    }
    session.reached().await?;
    secrets.keep_fresh(session.config.reread);
    let link = link.sharing(PATIENCE);
    // Where Redis does not let us ask, there are the queues that we know.
    let found = session.registered_queues(&link).await.unwrap_or_default();
    let operator = session.operator_of(&link, &found)?;
    operator.check_layouts().await?;
    let console = Console::new(operator, fleet(session, &link));
    let mut console = console.with_configured(configured(session));
    for user in users {
        console = console.with_user(user);
    }
    let unusable = |error: longshore_console::InvalidConsole| Failure::input(error.to_string());
    if let Some(url) = &settings.public_url {
        console = console.with_public_url(url).map_err(unusable)?;
    }
    if let Some(header) = &settings.trusted_header {
        console = console.with_trusted_header(header).map_err(unusable)?;
    }
    if is_open {
        tracing::info!(
            "no login is asked for: the profile is local, and only this machine is listened to"
        );
        console = console.open_to_this_machine(&session.by);
    }
    let options = ConsoleOptions {
        http_addr: settings.http_addr,
        private_addr: settings.private_addr,
        trusted_proxies: session.config.trusted_proxies.clone(),
    };
    let parts = ConsoleParts {
        link,
        collectors: telemetry::collector().into_iter().collect(),
    };
    let listening = console.listen(options, parts).await;
    let keys = [ConsoleSettings::HTTP_ADDR, ConsoleSettings::PRIVATE_ADDR];
    listening.map_err(|error| cannot_bind(&error, settings.private_addr, keys))
}

/// Whether nobody has to log in: a console of one's own machine, where no users are configured.
fn is_open(session: &Session) -> bool {
    let config = &session.config;
    config.profile.as_deref() == Some("local")
        && config.console.http_addr.ip().is_loopback()
        && config.console_users.is_empty()
        && config.console.trusted_header.is_none()
}

/// All users, with their password hashes. What is wrong with any of them is found.
async fn users(session: &Session, secrets: &Secrets) -> Result<Vec<ConsoleUser>, Failure> {
    let (mut users, mut wrong) = (Vec::new(), Vec::new());
    for (name, settings) in &session.config.console_users {
        let key = password_hash_key(name);
        let Some(hash) = &settings.password_hash else {
            // Only a proxy lets them in: a hash that no password has.
            users.push(ConsoleUser::new(name, settings.role, ""));
            continue;
        };
        let secret = match secrets.get(&key, hash).await {
            Ok(secret) => secret,
            Err(Failure::Input(text)) => {
                wrong.push(text);
                continue;
            }
            Err(other) => return Err(other),
        };
        if let Err(error) = check_password_hash(secret.current().expose_secret()) {
            wrong.push(format!(
                "{key}: {error}; set it to what `longshore console hash-password` prints"
            ));
        }
        // Also what it is changed to later.
        let _ = secret.require(|text| {
            check_password_hash(text).map_err(|_| Unusable("it is no argon2id hash"))
        });
        users.push(ConsoleUser::with_changing_hash(
            name,
            settings.role,
            move || secret.current().expose_secret().to_owned(),
        ));
    }
    match wrong.is_empty() {
        true => Ok(users),
        false => Err(Failure::input(wrong.join("\n"))),
    }
}

/// What the console is told of the configuration.
fn configured(session: &Session) -> ConfiguredFleet {
    let config = &session.config;
    let mut configured = ConfiguredFleet::default();
    for integration in config.integrations() {
        if !registry::is_on(config, integration) {
            continue;
        }
        for facts in registry::facts(config, integration) {
            if let Some(percent) = facts.sla_percent {
                let promised = &mut configured.promised;
                promised.insert(facts.provider.clone(), percent / 100.0);
            }
            if facts.own {
                configured.queues.insert(facts.queue, facts.criticality);
            }
        }
    }
    let entries = config.cron.iter();
    let entries = entries.map(|of| (of.entry.clone(), registry::inactive(config, of)));
    configured.cron = entries.collect();
    configured
}

/// What the console is told of the fleet.
fn fleet(session: &Session, link: &longshore_queue::Link) -> FleetFacts {
    let config = &session.config;
    let integrations = config.integrations().iter();
    let providers = integrations.flat_map(|of| of.providers().map(|one| (of.queue.name, one)));
    let providers = providers.map(|(queue, provider)| {
        let listed = config.listed(provider.name);
        KnownProvider {
            name: provider.name.to_owned(),
            queue: queue.to_owned(),
            is_configured: (provider.origin)(config.sections()).is_some(),
            criticality: listed.map(|listed| listed.criticality.as_str().to_owned()),
            sla_percent: listed.and_then(|listed| listed.sla_percent),
            owner: listed.and_then(|listed| listed.owner.clone()),
        }
    });
    FleetFacts {
        name: config.redis.namespace.clone(),
        server: link.server().to_string(),
        namespace: config.redis.namespace.clone(),
        profile: config.profile.clone(),
        runbook_url: config.console.runbook_url.clone(),
        providers: providers.collect(),
    }
}

/// `console hash-password`
pub(super) fn hash_a_password() -> Result<(), Failure> {
    let password = match io::stdin().is_terminal() {
        true => typed()?,
        false => piped()?,
    };
    if password.chars().count() < SHORTEST_PASSWORD {
        return Err(Failure::input(format!(
            "the password is shorter than {SHORTEST_PASSWORD} characters; take a longer one, such as `openssl rand -base64 18` makes"
        )));
    }
    let hash = hash_password(&password);
    output::line(&hash.map_err(|_| Failure::input("the password is too long; take a shorter one"))?)
}

/// A password that nobody sees, twice.
fn typed() -> Result<String, Failure> {
    let terminal = Term::stderr();
    let ask = |question: &str| {
        terminal
            .write_str(question)
            .and_then(|()| terminal.read_secure_line())
            .map_err(Failure::failed)
    };
    let password = ask("Password: ")?;
    match ask("Once more: ")? == password {
        true => Ok(password),
        false => Err(Failure::input("the two passwords differ; try again")),
    }
}

/// The first line of stdin.
fn piped() -> Result<String, Failure> {
    let mut text = String::new();
    let mut most = io::stdin().take(LONGEST_PASSWORD + 2);
    most.read_to_string(&mut text).map_err(Failure::failed)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
