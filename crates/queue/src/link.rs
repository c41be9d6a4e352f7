//! The connection to Redis: opened when first needed, dropped when it may be broken, opened again by the next call.
//!
//! A call is never repeated here: whether it may be is for the caller to know.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline,
    ProtocolVersion, PushInfo, RedisError, Value,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Mutex, OnceCell};

use crate::QueueError;
use crate::copies::Copies;

/// How a [`Link`] waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkOptions {
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may take, before the connection counts as broken.
    pub response_timeout: Duration,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
        }
    }
}

/// A connection to one Redis, shared by its clones.
#[derive(Clone)]
pub struct Link {
    client: Client,
    server: Arc<str>,
    options: LinkOptions,
    open: Arc<Mutex<Option<Open>>>,
    registered: Registered,
    /// Waits until replicas have what was written, if they are to.
    copies: Option<Arc<Copies>>,
}

/// A connection, and what is known of its other end.
#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    server: Arc<OnceCell<Arc<str>>>,
}

/// A connection to one process of Redis.
pub(crate) struct At {
    pub(crate) connection: MultiplexedConnection,
    /// The id of that process, new with each start; empty where it does not say.
    pub(crate) server: Arc<str>,
}

/// The queues that this process has noted as existing, by the key of their waiting jobs.
type Registered = Arc<StdMutex<HashSet<String>>>;

impl Link {
    /// Prepares a connection; nothing is opened yet.
    ///
    /// # Errors
    /// When the URL is not one of Redis's.
    pub fn new(url: &str, options: LinkOptions) -> Result<Self, QueueError> {
        let refused = |_: RedisError| QueueError::Refused {
            server: "(unknown)".to_owned(),
            // The URL may hold a password: it is not repeated.
            reason: "the URL is not of the form redis://[user:password@]host[:port][/db]"
                .to_owned(),
        };
        let info = url.into_connection_info().map_err(refused)?;
        let server = info.addr().to_string().into();
        let client = Client::open(info).map_err(refused)?;
        Ok(Self {
            client,
            server,
            options,
            open: Arc::default(),
            registered: Arc::default(),
            copies: None,
        })
    }

    /// Another connection to the same Redis.
    #[must_use]
    pub fn another(&self, options: LinkOptions) -> Self {
        Self {
            open: Arc::default(),
            options,
            ..self.clone()
        }
    }

    /// The same Redis, where what was enqueued counts as accepted only once so many of its replicas have it, and where no
    /// request of a kind whose repeats do harm goes out before they know of its claim. 0: none, as in the beginning.
    #[must_use]
    pub fn with_wait_replicas(mut self, replicas: u32) -> Self {
        self.copies =
            NonZeroU32::new(replicas).map(|replicas| Arc::new(Copies::new(replicas, &self)));
        self
    }

    /// The same server over a connection of its own, where nothing waits for replicas.
    pub(crate) fn plain(&self, options: LinkOptions) -> Self {
        Self {
            copies: None,
            ..self.another(options)
        }
    }

    /// Those who wait until replicas have what was written, if they are to.
    pub(crate) fn copies(&self) -> Option<&Copies> {
        self.copies.as_deref()
    }

    /// What this process has noted; shared by all its connections to one Redis.
    pub(crate) fn registered(&self) -> &StdMutex<HashSet<String>> {
        &self.registered
    }

    /// Host and port.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// How it waits.
    #[must_use]
    pub fn options(&self) -> LinkOptions {
        self.options
    }

    /// Sends one command.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses it.
    pub async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, QueueError> {
        let mut connection = self.connection().await?;
        let answer = command.query_async(&mut connection).await;
        decoded(self.judge(answer).await?)
    }

    /// Sends several commands in one go.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses one of them.
    pub async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, QueueError> {
        let mut connection = self.connection().await?;
        let answer = pipeline.query_async(&mut connection).await;
        decoded(self.judge(answer).await?)
    }

    /// Sends a script's command; loads the script when Redis does not have it (any more).
    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        code: &str,
        call: &Cmd,
    ) -> Result<T, QueueError> {
        let connection = self.connection().await?;
        self.script_over(&connection, code, call).await
    }

    /// The same over this connection of it.
    pub(crate) async fn script_over<T: FromRedisValue>(
        &self,
        connection: &MultiplexedConnection,
        code: &str,
        call: &Cmd,
    ) -> Result<T, QueueError> {
        let mut connection = connection.clone();
        let mut answer: Result<Value, RedisError> = call.query_async(&mut connection).await;
        if matches!(&answer, Err(error) if error.code() == Some("NOSCRIPT")) {
            let loaded: Result<String, _> = redis::cmd("SCRIPT")
                .arg("LOAD")
                .arg(code)
                .query_async(&mut connection)
                .await;
            answer = match loaded {
                Ok(_) => call.query_async(&mut connection).await,
                Err(error) => Err(error),
            };
        }
        decoded(self.judge(answer).await?)
    }

    /// Sends one command over this connection of it.
    pub(crate) async fn command_over<T: FromRedisValue>(
        &self,
        connection: &MultiplexedConnection,
        command: &Cmd,
    ) -> Result<T, QueueError> {
        let answer = command.query_async(&mut connection.clone()).await;
        decoded(self.judge(answer).await?)
    }

    /// Sends several commands in one go over this connection of it. What is refused is refused alone.
    pub(crate) async fn each_over(
        &self,
        connection: &MultiplexedConnection,
        commands: &Pipeline,
    ) -> Result<Vec<Result<Value, QueueError>>, QueueError> {
        let mut commands = commands.clone();
        commands.ignore_errors();
        let answers = commands.query_async(&mut connection.clone()).await;
        let answers: Vec<Value> = self.judge(answers).await?;
        let each = answers.into_iter().map(|answer| match answer {
            Value::ServerError(error) => Err(self.explain(&error.into())),
            answer => Ok(answer),
        });
        Ok(each.collect())
    }

    /// Says whether Redis answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), QueueError> {
        self.command::<String>(&redis::cmd("PING")).await.map(drop)
    }

    /// Whether there is a Redis that answers, whatever it answers. `Some` with its words where it answers a PING with an
    /// error: it may be loading, or have no disk to write to. That is for the call to find out that means something.
    ///
    /// # Errors
    /// When nothing answers, or it does not let us in.
    pub async fn answers(&self) -> Result<Option<String>, QueueError> {
        let mut connection = self.connection().await?;
        let answer: Result<Value, RedisError> =
            redis::cmd("PING").query_async(&mut connection).await;
        match answer {
            Err(error) if error.code().is_some() => Ok(Some(words(&error))),
            answer => self.judge(answer).await.map(|_| None),
        }
    }

    pub(crate) async fn connection(&self) -> Result<MultiplexedConnection, QueueError> {
        Ok(self.opened().await?.connection)
    }

    /// The connection, and which process of Redis is at its other end. That is asked once for each connection: another
    /// process takes another connection.
    pub(crate) async fn at(&self) -> Result<At, QueueError> {
        let open = self.opened().await?;
        let ask = || async {
            let mut info = redis::cmd("INFO");
            info.arg("server");
            match self.command_over::<String>(&open.connection, &info).await {
                Ok(info) => {
                    let id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
                    Ok(id.map(str::trim).unwrap_or_default().into())
                }
                Err(QueueError::Refused { .. } | QueueError::Unexpected(_)) => Ok(Arc::from("")),
                Err(error) => Err(error),
            }
        };
        let server = open.server.get_or_try_init(ask).await?;
        Ok(At {
            server: Arc::clone(server),
            connection: open.connection,
        })
    }

    /// A connection of its own for what Redis says without being asked; the receiver gets it.
    pub(crate) async fn listening(
        &self,
        pushes: UnboundedSender<PushInfo>,
    ) -> Result<MultiplexedConnection, QueueError> {
        let info = self.client.get_connection_info().clone();
        let settings = info.redis_settings().clone();
        let settings = settings.set_protocol(ProtocolVersion::RESP3);
        let config = self.timeouts().set_push_sender(pushes);
        Client::open(info.set_redis_settings(settings))
            .map_err(|error| self.explain_entry(&error))?
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| self.explain_entry(&error))
    }

    fn timeouts(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect_timeout))
            .set_response_timeout(Some(self.options.response_timeout))
    }

    async fn opened(&self) -> Result<Open, QueueError> {
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_ref() {
            return Ok(open.clone());
        }
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&self.timeouts())
            .await
            .map_err(|error| self.explain_entry(&error))?;
        let opened = Open {
            connection,
            server: Arc::default(),
        };
        Ok(open.insert(opened).clone())
    }

    async fn judge<T>(&self, answer: Result<T, RedisError>) -> Result<T, QueueError> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => {
                if suspect(&error) {
                    *self.open.lock().await = None;
                }
                Err(self.explain(&error))
            }
        }
    }

    /// What went wrong with opening a connection.
    fn explain_entry(&self, error: &RedisError) -> QueueError {
        let server = self.server.to_string();
        let no_entry = |reason: &str| QueueError::NoEntry {
            server: server.clone(),
            reason: reason.to_owned(),
        };
        match error.kind() {
            ErrorKind::AuthenticationFailed => no_entry("it refuses the user or the password"),
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
                no_entry("what listens there is not a Redis")
            }
            _ => match self.explain(error) {
                QueueError::Refused { server, reason } => QueueError::NoEntry { server, reason },
                error => error,
            },
        }
    }

    fn explain(&self, error: &RedisError) -> QueueError {
        let server = self.server.to_string();
        if error.kind() == ErrorKind::UnexpectedReturnType {
            return QueueError::Unexpected(error.to_string());
        }
        match error.code() {
            // Starting, or no longer the master: as good as away, and soon to change.
            Some(
                "LOADING" | "READONLY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "UNBLOCKED",
            )
            | None => QueueError::Unreachable {
                server,
                reason: words(error),
            },
            Some(_) => QueueError::Refused {
                server,
                reason: words(error),
            },
        }
    }
}

/// What an answer means. One that does not decode says nothing of the connection: it is no outage, and nothing is to be
/// gained from another try.
fn decoded<T: FromRedisValue>(answer: Value) -> Result<T, QueueError> {
    T::from_redis_value(answer).map_err(|error| QueueError::Unexpected(error.to_string()))
}

/// Redis's own words, with the code before them: `NOREPLICAS Not enough good replicas to write.`
///
/// What it quotes of an unknown command's arguments is left out: they may be somebody's.
fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => {
            let said = detail.split(", with args beginning with").next();
            format!("{code} {}", said.unwrap_or_default())
        }
        (Some(code), None) => code.to_owned(),
        (None, _) => error.to_string(),
    }
}

/// Whether the connection may be of no more use: it broke, it is silent, or its server is not the master.
fn suspect(error: &RedisError) -> bool {
    match error.code() {
        Some(code) => matches!(code, "READONLY" | "MASTERDOWN" | "LOADING" | "UNBLOCKED"),
        None => true,
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("server", &self.server)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
