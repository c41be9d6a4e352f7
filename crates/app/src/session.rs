//! What a command starts from: the configuration and the connection.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use longshore_client::Client;
use longshore_integration::Integration;
use longshore_job::{Kinds, RetrySchedule};
use longshore_operator::{self as operator, Operator, QueueInfo, Signed};
use longshore_provider::secret::Secret;
use longshore_queue::{Address, Key, Link, LinkOptions, Sentinel, TlsFiles};
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::config::{
    Config, KindSettings, OnUnknown, RedisMode, RedisSettings, RedisUrls, SecretRef, with_variable,
};
use crate::failure::Failure;
use crate::process::process_name;
use crate::secrets::Secrets;
use crate::{App, logging, output, registry};

/// What a queue's cancelled jobs may take that this program does not configure.
const CANCELLED_BYTES: u64 = 64 << 20;

/// Which server is meant where nothing is configured.
const DEFAULT_SERVER: &str = "127.0.0.1:6379";

/// How long Redis may take to be reached.
const REACHED_WITHIN: Duration = Duration::from_secs(5);

/// How long it may take to read which queues there are.
const NOTED_WITHIN: Duration = Duration::from_secs(3);

/// A secret, opened before there is anything that could be held up.
fn opened(secrets: &Secrets, key: &str, secret: &SecretRef) -> Result<Secret, Failure> {
    tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current().block_on(secrets.get(key, secret))
    })
}

/// A loaded configuration.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) config: Config,
    link: OnceLock<Link>,
    told_of_nothing: OnceLock<()>,
    /// Who is at the keyboard.
    pub(crate) by: String,
    /// What this process is: Redis shows it in the names of its connections.
    pub(crate) role: &'static str,
}

impl Session {
    /// Loads it. Warnings are logged.
    pub(crate) fn load(
        app: &App,
        dir: Option<&PathBuf>,
        profile: Option<&str>,
    ) -> Result<Self, Failure> {
        let config = Config::load_with(
            dir.map(PathBuf::as_path),
            profile,
            app.integrations(),
            app.families(),
            std::env::vars_os(),
        )
        .map_err(|findings| Failure::Input(format!("the configuration is wrong\n{findings}")))?;
        logging::use_format(config.log.format);
        for finding in config.misnamed() {
            match logging::is_json() {
                true => tracing::warn!("{finding}"),
                false => output::note(&finding.to_string()),
            }
        }
        Ok(Self {
            config,
            link: OnceLock::new(),
            told_of_nothing: OnceLock::new(),
            by: "unknown".to_owned(),
            role: "cli",
        })
    }

    /// The session of a process that stays.
    pub(crate) fn in_role(mut self, role: &'static str) -> Self {
        self.role = role;
        self
    }

    /// What the audit will say of what is done now.
    pub(crate) fn signed(&self, reason: &str) -> Signed {
        Signed::new(&self.by, longshore_job::clip_reason(reason))
    }

    /// Says on stderr what is about to be changed: the server, the namespace and the profile.
    pub(crate) fn name_target(&self) -> Result<(), Failure> {
        output::note(&format!("on {}", self.target(&self.link()?)));
        Ok(())
    }

    /// Asks for a yes before something is changed in production; elsewhere nobody need be asked.
    pub(crate) fn agree_in_production(&self, yes: bool) -> Result<(), Failure> {
        if yes || self.config.profile.as_deref() != Some("production") {
            return Ok(());
        }
        output::confirm("change it in production", "this would change production")
    }

    /// Prints what was done as JSON, with where it was done.
    pub(crate) fn done_json<T: Serialize + ?Sized>(&self, done: &T) -> Result<(), Failure> {
        let mut done = serde_json::to_value(done).map_err(Failure::failed)?;
        if let Some(object) = done.as_object_mut() {
            let target = self.target(&self.link()?);
            object.insert("target".to_owned(), target.into());
        }
        output::done_json(&done)
    }

    /// The server, the namespace and the profile.
    pub(crate) fn target(&self, link: &Link) -> String {
        let namespace = &self.config.redis.namespace;
        format!(
            "Redis at {}, namespace {namespace}, {}",
            link.server(),
            self.profile()
        )
    }

    /// `profile staging`, or `no profile`.
    pub(crate) fn profile(&self) -> String {
        match &self.config.profile {
            Some(profile) => format!("profile {profile}"),
            None => "no profile".to_owned(),
        }
    }

    /// The connection, not opened yet.
    pub(crate) fn link(&self) -> Result<Link, Failure> {
        if let Some(link) = self.link.get() {
            return Ok(link.clone());
        }
        let link = self.new_link()?;
        Ok(self.link.get_or_init(|| link).clone())
    }

    fn new_link(&self) -> Result<Link, Failure> {
        let redis = &self.config.redis;
        let secrets = Secrets::new(&self.config)?;
        let url = opened(&secrets, RedisSettings::URL, &redis.url)?;
        let text = url.current();
        let wrong = |problem: &dyn fmt::Display| {
            Failure::Input(format!("{} {problem}", RedisSettings::URL))
        };
        let urls: RedisUrls = text
            .expose_secret()
            .parse()
            .map_err(|error| wrong(&error))?;
        urls.fit(redis.mode)
            .map_err(|(problem, cure)| wrong(&format!("{problem}: {cure}")))?;
        let mut address = Address::new(text.expose_secret())
            .with_tls(TlsFiles {
                ca: redis.ca_file.clone(),
                cert: redis.client_cert_file.clone(),
                key: redis.client_key_file.clone(),
            })
            .named(&format!("{}:{}", self.role, process_name()));
        if redis.url.is_reference() {
            address = address.reread_by(move || {
                let url = url.clone();
                async move {
                    url.refresh().await;
                    Some(url.current().expose_secret().to_owned())
                }
            });
        }
        let address = match redis.mode {
            RedisMode::Single => address,
            RedisMode::Cluster => address.of_cluster(),
            RedisMode::Sentinel => {
                let password = redis.sentinel_password.as_ref();
                let password = password
                    .map(|password| opened(&secrets, RedisSettings::SENTINEL_PASSWORD, password))
                    .transpose()?;
                address.behind_sentinels(Sentinel {
                    master: redis.sentinel_master.clone().unwrap_or_default(),
                    username: redis.sentinel_username.clone(),
                    password: password
                        .map(|password| password.current().expose_secret().to_owned()),
                })
            }
        };
        let options = LinkOptions {
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
        };
        let link = Link::open_later(address, options)?;
        Ok(link.with_wait_replicas(redis.wait_replicas))
    }

    /// The connection, known to work.
    pub(crate) async fn reached(&self) -> Result<Link, Failure> {
        let link = self.link()?;
        match tokio::time::timeout(REACHED_WITHIN, link.answers()).await {
            // What it answers with an error is said by the calls that follow, which mean something.
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(self.away(&link, error.into())),
            Err(_) => {
                let text = format!("Redis at {} does not answer within 5 s", link.server());
                return Err(self.away(&link, Failure::Redis(text)));
            }
        }
        Ok(link)
    }

    /// That Redis is away. Where nobody has said which one is meant, that is said.
    fn away(&self, link: &Link, failure: Failure) -> Failure {
        match failure {
            Failure::Redis(text) => {
                let profile = self.config.profile.as_deref();
                Failure::Redis(text + not_chosen(profile, link.server()))
            }
            other => other,
        }
    }

    /// An operator's view of all queues. Says on stderr where nothing has ever lived: a wrong namespace looks like one in
    /// which all is well.
    pub(crate) async fn operator(&self) -> Result<Operator, Failure> {
        let link = self.reached().await?;
        let found = self.registered_queues(&link).await;
        let is_empty = found.as_ref().is_ok_and(Vec::is_empty);
        let operator = self.operator_of(&link, &found.unwrap_or_default())?;
        operator.check_layouts().await?;
        if is_empty {
            self.tell_of_nothing(&link, &operator).await;
        }
        Ok(operator)
    }

    /// Says where no queue was found, unless something lives in one that we know.
    pub(crate) async fn tell_of_nothing(&self, link: &Link, operator: &Operator) {
        if !matches!(operator.has_lived().await, Ok(false)) {
            return;
        }
        self.told_of_nothing.get_or_init(|| {
            output::note(&format!(
                "no jobs and no workers yet on {}; if you expected some, check {}",
                self.target(link),
                with_variable(RedisSettings::NAMESPACE)
            ));
        });
    }

    /// The same, for those who only look what holds something back.
    pub(crate) async fn quiet_operator(&self) -> Result<Operator, Failure> {
        let link = self.reached().await?;
        // Where Redis does not let us ask, there are those that we know.
        let found = self.registered_queues(&link).await.unwrap_or_default();
        let operator = self.operator_of(&link, &found)?;
        operator.check_layouts().await?;
        Ok(operator)
    }

    /// The queues that others have noted. They stand on one primary of a cluster, which may hang: then there are those that we know.
    pub(crate) async fn registered_queues(&self, link: &Link) -> Result<Vec<String>, Failure> {
        let names = link.registered_queues(&self.config.redis.namespace);
        match tokio::time::timeout(NOTED_WITHIN, names).await {
            Ok(names) => Ok(names?),
            Err(_) => Err(Failure::Redis(format!(
                "the list of queues was not read within {} s",
                NOTED_WITHIN.as_secs()
            ))),
        }
    }

    /// An operator's view of all queues that this program knows, and of these.
    pub(crate) fn operator_of<'a>(
        &self,
        link: &Link,
        found: impl IntoIterator<Item = &'a String>,
    ) -> Result<Operator, Failure> {
        let integrations = self.config.integrations().iter();
        let mut queues: Vec<_> = integrations.map(|of| self.queue_info(of)).collect();
        for name in found {
            if !queues.iter().any(|info| info.name == *name) {
                queues.push(QueueInfo {
                    kinds: Kinds::default(),
                    name: name.clone(),
                    refusal: operator::ConfigRefusal::Unknown,
                    repeats: operator::RepeatEffect::Double,
                    fallback: None,
                    providers: Vec::new(),
                    keep: Duration::from_secs(24 * 3600),
                    cancelled_bytes: CANCELLED_BYTES,
                    max_attempts: RetrySchedule::default().max_attempts(),
                    max_attempts_by_kind: BTreeMap::new(),
                });
            }
        }
        let operator = Operator::new(link, &self.config.redis.namespace, queues)?;
        Ok(operator.with_lost_after(self.config.worker.lost_after))
    }

    /// What operators have to know of an integration's queue.
    fn queue_info(&self, integration: &Integration) -> QueueInfo {
        let name = integration.queue.name;
        let settings = self.config.queue(name);
        let provider = integration.provider.as_ref();
        let all = self.config.kinds();
        let kinds = || all.in_queues().filter(|kind| kind.queue == name);
        let policies = || kinds().filter_map(|kind| self.config.kind(kind.kind, name));
        let verifies = |policy: &KindSettings| policy.on_unknown.value == OnUnknown::Verify;
        let fallback = provider.and_then(|provider| {
            let mut others = provider.others.iter().filter(|other| other.takes_jobs);
            others.find(|other| (other.origin)(self.config.sections()).is_some())
        });
        QueueInfo {
            kinds: Kinds::new(kinds().copied()),
            name: name.to_owned(),
            refusal: registry::refusal(&self.config, provider),
            // As long as one kind of the queue may be sent twice, no more is promised of the others.
            repeats: registry::repeats(&self.config, provider, policies().all(verifies)),
            fallback: fallback.map(|other| other.name.to_owned()),
            providers: provider
                .into_iter()
                .flat_map(|provider| registry::names(&self.config, provider))
                .map(str::to_owned)
                .collect(),
            keep: settings.map_or(Key::HOLDS, |settings| settings.completed_for),
            cancelled_bytes: settings.map_or(CANCELLED_BYTES, |settings| settings.cancelled_bytes),
            max_attempts: settings.map_or(1, |settings| settings.retry.max_attempts()),
            max_attempts_by_kind: policies()
                .map(|policy| (policy.kind, policy.retry.value.max_attempts()))
                .collect(),
        }
    }

    /// A producer.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let link = self.link()?.sharing(LinkOptions {
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
        });
        Ok(Client::over(&link, &self.config.redis.namespace)?.for_operator(&self.by))
    }
}

/// What is added where a server was called that nobody has chosen.
fn not_chosen(profile: Option<&str>, server: &str) -> &'static str {
    match (profile, server) {
        (None, DEFAULT_SERVER) => {
            "; no profile was chosen (--profile or LONGSHORE_PROFILE), and this is the address that holds unless another one is configured"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::not_chosen;

    #[test]
    fn whoever_has_chosen_no_server_is_told_so() {
        assert!(not_chosen(None, "127.0.0.1:6379").contains("LONGSHORE_PROFILE"));
        assert_eq!(not_chosen(Some("local"), "127.0.0.1:6379"), "");
        assert_eq!(not_chosen(None, "redis.example.com:6379"), "");
    }
}
