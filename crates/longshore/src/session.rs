//! What a command starts from: the configuration and the connection.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use longshore_client::Client;
use longshore_job::RetrySchedule;
use longshore_operator::{Operator, QueueInfo, Repeats, Signed};
use longshore_provider::secret::resolve;
use longshore_queue::{Key, Link, LinkOptions};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Config, OnUnknown, RedisUrl};
use crate::failure::Failure;
use crate::registry;
use crate::secrets::Secrets;

/// How long Redis may take to be reached.
const REACHED_WITHIN: Duration = Duration::from_secs(5);

/// A loaded configuration.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) config: Config,
    redis_url: OnceLock<SecretString>,
    /// Who is at the keyboard.
    pub(crate) by: String,
}

impl Session {
    /// Loads it. Warnings are logged.
    pub(crate) fn load(dir: Option<&PathBuf>, profile: Option<&str>) -> Result<Self, Failure> {
        let queues = registry::queues();
        let config = Config::load(
            dir.map(PathBuf::as_path),
            profile,
            &queues,
            std::env::vars_os(),
        )
        .map_err(|findings| Failure::Input(format!("the configuration is wrong\n{findings}")))?;
        Ok(Self {
            config,
            redis_url: OnceLock::new(),
            by: "unknown".to_owned(),
        })
    }

    /// What the audit will say of what is done now.
    pub(crate) fn signed(&self, reason: &str) -> Signed {
        Signed::new(&self.by, longshore_job::clip_reason(reason))
    }

    /// The connection, not opened yet.
    pub(crate) fn link(&self) -> Result<Link, Failure> {
        let url = self.redis_url()?;
        let url: RedisUrl = url
            .expose_secret()
            .parse()
            .map_err(|error| Failure::Input(format!("redis.url {error}")))?;
        // rediss:// needs it; harmless otherwise.
        longshore_provider::install_crypto();
        let options = LinkOptions {
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
        };
        Ok(Link::new(url.expose_secret(), options)?)
    }

    /// Read once: a connection's password is not changed under it.
    fn redis_url(&self) -> Result<SecretString, Failure> {
        if let Some(url) = self.redis_url.get() {
            return Ok(url.clone());
        }
        let url = &self.config.redis.url;
        let url = if url.is_in_vault() {
            let secrets = Secrets::new(&self.config)?;
            // At the start, before there is anything that could be held up.
            let secret = tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(secrets.get("redis.url", url))
            });
            secret?.current()
        } else {
            resolve(url.expose_secret())
                .map_err(|error| Failure::Input(format!("redis.url: {error}")))?
        };
        Ok(self.redis_url.get_or_init(|| url).clone())
    }

    /// The connection, known to work.
    pub(crate) async fn reached(&self) -> Result<Link, Failure> {
        let link = self.link()?;
        match tokio::time::timeout(REACHED_WITHIN, link.answers()).await {
            // What it answers with an error is said by the calls that follow, which mean something.
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => {
                return Err(Failure::Redis(format!(
                    "Redis at {} does not answer within 5 s",
                    link.server()
                )));
            }
        }
        Ok(link)
    }

    /// An operator's view of all queues.
    pub(crate) async fn operator(&self) -> Result<Operator, Failure> {
        let link = self.reached().await?;
        // Where Redis does not let us ask, there are those that we know.
        let namespace = &self.config.redis.namespace;
        let found = link.registered_queues(namespace).await.unwrap_or_default();
        self.operator_of(&link, &found)
    }

    /// An operator's view of all queues that this program knows, and of these.
    pub(crate) fn operator_of<'a>(
        &self,
        link: &Link,
        found: impl IntoIterator<Item = &'a String>,
    ) -> Result<Operator, Failure> {
        let mut queues: Vec<_> = registry::PROVIDERS
            .iter()
            .map(|provider| (provider, provider.queue, (provider.beside)(&self.config)))
            .map(|(provider, spec, beside)| QueueInfo {
                name: spec.name.to_owned(),
                repeats: self.repeats(provider.name, spec.name),
                fallback: beside
                    .iter()
                    .find(|beside| beside.takes_jobs)
                    .map(|beside| beside.name.to_owned()),
                providers: std::iter::once(provider.name)
                    .chain(beside.iter().map(|beside| beside.name))
                    .map(str::to_owned)
                    .collect(),
                keep: self
                    .config
                    .queue(spec.name)
                    .map_or(Key::HOLDS, |queue| queue.completed_for),
                max_attempts: self
                    .config
                    .queue(spec.name)
                    .map_or(1, |queue| queue.retry.max_attempts()),
            })
            .collect();
        for name in found {
            if !queues.iter().any(|info| info.name == *name) {
                queues.push(QueueInfo {
                    name: name.clone(),
                    repeats: Repeats::Double,
                    fallback: None,
                    providers: Vec::new(),
                    keep: Duration::from_secs(24 * 3600),
                    max_attempts: RetrySchedule::default().max_attempts(),
                });
            }
        }
        let operator = Operator::new(link, &self.config.redis.namespace, queues)?;
        Ok(operator.with_lost_after(self.config.worker.lost_after))
    }

    /// What becomes of a request of this queue's that is made again although its answer was lost.
    fn repeats(&self, provider: &str, queue: &str) -> Repeats {
        let rule = self.config.queue(queue).map(|queue| queue.on_unknown);
        match (provider, rule) {
            ("stripe", _) => Repeats::Keyed(longshore_payment_reconcile::Stripe::KEY_LIFE),
            // To look an address up twice does nothing, nor does deleting or copying what is gone or there.
            ("google_maps" | "s3", _) | (_, Some(OnUnknown::Verify)) => Repeats::Verified,
            _ => Repeats::Double,
        }
    }

    /// A producer.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let link = self.link()?.another(LinkOptions {
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
        });
        Ok(Client::over(&link, &self.config.redis.namespace)?)
    }
}
