//! The connections to Redis: opened when first needed, dropped when they may be broken, opened again by the next call.
//!
//! A call is never repeated here, unless Redis says that another node has its slot: whether it may be is for the caller to
//! know.

mod address;
mod cluster;
mod connections;
mod entry;
#[cfg(test)]
mod fuzz;
mod meaning;
mod request;
mod send;
mod sentinel;
mod slots;
mod tls;

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{Cmd, FromRedisValue, Pipeline, Value};

use address::Topology;
pub use address::{Address, Sentinel, TlsFiles};
pub use cluster::Node;
use connections::Connections;
pub(crate) use connections::Open;
use entry::Way;
use meaning::{explain, words};
use request::Request;
use send::decoded;

use crate::QueueError;
use crate::copies::Copies;

/// How long Redis may take to say that it is there.
const READY_WITHIN: Duration = Duration::from_secs(2);

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

/// A connection to one Redis, shared by its clones: to each node of it, where it is a cluster.
#[derive(Clone)]
pub struct Link {
    way: Arc<Way>,
    server: Arc<str>,
    options: LinkOptions,
    /// What these connections are for, in their name.
    purpose: Option<Arc<str>>,
    open: Arc<Connections>,
    registered: Registered,
    /// Waits until replicas have what was written, if they are to.
    copies: Option<Arc<Copies>>,
}

/// A connection to one process of Redis.
pub(crate) struct At {
    pub(crate) connection: Open,
    /// The id of that process, new with each start; empty where it does not say.
    pub(crate) server: Arc<str>,
}

/// The queues that this process has noted as existing, by the key of their waiting jobs.
type Registered = Arc<StdMutex<HashSet<String>>>;

impl Link {
    /// Prepares a connection to one server; nothing is opened yet.
    ///
    /// # Errors
    /// When the URL is not one of Redis's.
    pub fn new(url: &str, options: LinkOptions) -> Result<Self, QueueError> {
        Self::open_later(Address::new(url), options)
    }

    /// Prepares a connection; nothing is opened yet.
    ///
    /// # Errors
    /// When what the address says does not fit together, or a file of it cannot be used.
    pub fn open_later(address: Address, options: LinkOptions) -> Result<Self, QueueError> {
        let way = Way::new(address)?;
        let places = way.targets().places().join(", ");
        let server = match &way.address.topology {
            Topology::Single => places,
            Topology::Cluster => format!("{places} (a cluster)"),
            Topology::Sentinel(of) => format!("{} (by Sentinels at {places})", of.master),
        };
        Ok(Self {
            way: Arc::new(way),
            server: server.into(),
            options,
            purpose: None,
            open: Arc::default(),
            registered: Arc::default(),
            copies: None,
        })
    }

    /// Other connections to the same Redis.
    #[must_use]
    pub fn another(&self, options: LinkOptions) -> Self {
        Self {
            open: Arc::default(),
            options,
            ..self.clone()
        }
    }

    /// The same connections, over which calls of this one wait so long.
    #[must_use]
    pub fn sharing(&self, options: LinkOptions) -> Self {
        Self {
            options,
            ..self.clone()
        }
    }

    /// How often this process has lost a connection to this Redis: not all who share one have a call on it when it breaks.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.way.lost.load(Ordering::Acquire)
    }

    /// The same, not opened yet, whose connections say in their name what they are for.
    #[must_use]
    pub fn called(self, purpose: &str) -> Self {
        Self {
            purpose: Some(purpose.into()),
            ..self
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

    /// Host and port; of Sentinels and of a cluster those that were named.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether it is a cluster.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.way.is_cluster()
    }

    /// Whether Sentinels say which server it is.
    pub(super) fn is_behind_sentinels(&self) -> bool {
        matches!(self.way.address.topology, Topology::Sentinel(_))
    }

    /// How it waits.
    #[must_use]
    pub fn options(&self) -> LinkOptions {
        self.options
    }

    /// Sends one command. In a cluster it goes to the node that has its key.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses it.
    pub async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, QueueError> {
        decoded(self.send(Request::Command(command)).await?)
    }

    /// Sends several commands in one go, all of one slot. If that has moved to another node of a cluster, all are sent again
    /// there: they are to be such as may be repeated.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses one of them.
    pub async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, QueueError> {
        decoded(self.send(Request::Pipeline(pipeline)).await?)
    }

    /// Sends a script's command; loads the script when Redis does not have it (any more).
    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        code: &str,
        call: &Cmd,
    ) -> Result<T, QueueError> {
        decoded(self.send(Request::Script(code, call)).await?)
    }

    /// The same over this connection of it.
    pub(crate) async fn script_over<T: FromRedisValue>(
        &self,
        connection: &Open,
        code: &str,
        call: &Cmd,
    ) -> Result<T, QueueError> {
        decoded(
            self.send_over(connection, Request::Script(code, call))
                .await?,
        )
    }

    /// Sends one command over this connection of it.
    pub(crate) async fn command_over<T: FromRedisValue>(
        &self,
        connection: &Open,
        command: &Cmd,
    ) -> Result<T, QueueError> {
        decoded(
            self.send_over(connection, Request::Command(command))
                .await?,
        )
    }

    /// Sends several commands in one go over this connection of it. What is refused is refused alone.
    pub(crate) async fn each_over(
        &self,
        connection: &Open,
        commands: &Pipeline,
    ) -> Result<Vec<Result<Value, QueueError>>, QueueError> {
        let mut commands = commands.clone();
        commands.ignore_errors();
        let request = Request::Pipeline(&commands);
        let answers: Vec<Value> = decoded(self.send_over(connection, request).await?)?;
        let each = answers.into_iter().map(|answer| match answer {
            Value::ServerError(error) => Err(explain(&connection.server, &error.into())),
            answer => Ok(answer),
        });
        Ok(each.collect())
    }

    /// Says whether Redis answers: of a cluster, one of its primaries.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), QueueError> {
        let ping = redis::cmd("PING");
        self.command_anywhere::<String>(&ping).await.map(drop)
    }

    /// Why Redis cannot be used now, if it cannot: what `/readyz` says. Redis has two seconds to answer.
    pub async fn not_ready(&self) -> Option<String> {
        match tokio::time::timeout(READY_WITHIN, self.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("Redis at {} does not answer", self.server())),
        }
    }

    /// Whether there is a Redis that answers, whatever it answers. `Some` with its words where it answers a PING with an
    /// error: it may be loading, or have no disk to write to. That is for the call to find out that means something.
    ///
    /// # Errors
    /// When nothing answers, or it does not let us in.
    pub async fn answers(&self) -> Result<Option<String>, QueueError> {
        let nodes = self.nodes().await?;
        let asking: Vec<_> = nodes.iter().map(|node| self.answers_at(node)).collect();
        cluster::first_good(asking).await
    }

    async fn answers_at(&self, node: &Node) -> Result<Option<String>, QueueError> {
        let mut open = self.opened_at(&node.0).await?;
        let ping = redis::cmd("PING");
        match Request::Command(&ping)
            .over(&mut open.connection, false)
            .await
        {
            Err(error) if error.code().is_some() && !meaning::refuses_credentials(&error) => {
                Ok(Some(words(&error)))
            }
            answer => self.judge(&open, answer).await.map(|_| None),
        }
    }

    /// The connection for what is said of this key.
    pub(crate) async fn connection(&self, key: &str) -> Result<Open, QueueError> {
        self.opened(Some(key.as_bytes())).await
    }

    /// The connection for what is said of this key, and which process of Redis is at its other end. That is asked once for
    /// each connection: another process takes another connection.
    pub(crate) async fn at(&self, key: &str) -> Result<At, QueueError> {
        let open = self.connection(key).await?;
        let ask = || async {
            let mut info = redis::cmd("INFO");
            info.arg("server");
            match self.command_over::<String>(&open, &info).await {
                Ok(info) => {
                    let id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
                    Ok(id.map(str::trim).unwrap_or_default().into())
                }
                Err(QueueError::Refused { .. } | QueueError::Unexpected(_)) => Ok(Arc::from("")),
                Err(error) => Err(error),
            }
        };
        let server = Arc::clone(open.process.get_or_try_init(ask).await?);
        Ok(At {
            connection: open,
            server,
        })
    }

    fn slots(&self) -> MutexGuard<'_, slots::Slots> {
        lock(&self.way.slots)
    }
}

fn lock<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("server", &self.server)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
