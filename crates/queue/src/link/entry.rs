//! Opening connections: to the server of an address, to a node of a cluster, to the primary that Sentinels name.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ConnectionInfo, ErrorKind, ProtocolVersion, PushInfo,
    RedisConnectionInfo, RedisError, Value,
};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use super::address::{Address, Targets, Topology};
use super::meaning::{explain_entry, refuses_credentials};
use super::slots::Slots;
use super::{Link, Node, Open, tls};
use crate::QueueError;

/// How long reading a URL again may take.
const REREAD_WITHIN: Duration = Duration::from_secs(5);

/// How long a URL is not read again, however often its password is refused.
const REREAD_PAUSE: Duration = Duration::from_secs(1);

/// What all connections to one address know: how to get there.
pub(super) struct Way {
    pub(super) address: Address,
    /// Those of the URL as it was read last.
    targets: StdMutex<Arc<Targets>>,
    reread: Mutex<Option<Instant>>,
    /// How often a connection was lost.
    pub(super) lost: AtomicU64,
    /// Which node of a cluster has which slot.
    pub(super) slots: StdMutex<Slots>,
}

impl Way {
    pub(super) fn new(address: Address) -> Result<Self, QueueError> {
        let targets = Targets::read(&address.url, &address.topology)?;
        // What is wrong with its files is said at once.
        tls::client(targets.first().clone(), &address.tls)?;
        Ok(Self {
            targets: StdMutex::new(Arc::new(targets)),
            address,
            reread: Mutex::default(),
            lost: AtomicU64::new(0),
            slots: StdMutex::default(),
        })
    }

    pub(super) fn targets(&self) -> Arc<Targets> {
        Arc::clone(&self.targets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.address.topology, Topology::Cluster)
    }

    /// Reads the URL again, since what `refused` says is refused. True where it says something else now.
    async fn read_again(&self, refused: &Arc<Targets>) -> bool {
        let Some(reread) = &self.address.reread else {
            return false;
        };
        let mut last = self.reread.lock().await;
        // Somebody else was told the same, and has read it already.
        if !Arc::ptr_eq(&self.targets(), refused) {
            return true;
        }
        if last.is_some_and(|last| last.elapsed() < REREAD_PAUSE) {
            return false;
        }
        let read = tokio::time::timeout(REREAD_WITHIN, reread()).await;
        *last = Some(Instant::now());
        let Ok(Some(url)) = read else {
            return false;
        };
        if url == refused.url {
            return false;
        }
        let Ok(targets) = Targets::read(&url, &self.address.topology) else {
            return false;
        };
        *self.targets.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(targets);
        true
    }
}

/// Why a connection was not opened.
pub(super) struct NotOpened {
    error: QueueError,
    /// The server does not accept our user or our password.
    refused: bool,
}

impl NotOpened {
    fn new(server: &str, error: &RedisError) -> Self {
        Self {
            error: explain_entry(server, error),
            refused: refuses_credentials(error),
        }
    }
}

impl From<QueueError> for NotOpened {
    fn from(error: QueueError) -> Self {
        Self {
            error,
            refused: false,
        }
    }
}

impl From<NotOpened> for QueueError {
    fn from(not_opened: NotOpened) -> Self {
        not_opened.error
    }
}

/// Who gets what Redis says without being asked, where somebody wants to hear it.
pub(super) type Pushes = Option<UnboundedSender<PushInfo>>;

/// A connection that is being opened, and the address of its server.
type Opening<'a> = Pin<
    Box<dyn Future<Output = Result<(MultiplexedConnection, Arc<str>), QueueError>> + Send + 'a>,
>;

impl Link {
    /// Opens a connection to `place`, a node of a cluster; without a cluster there is only one place. Returns the address of
    /// its server, too. A URL whose user or password is refused is read again first.
    ///
    /// Boxed: it is seldom called, and every call of ours would have all of it inside.
    pub(super) fn open<'a>(&'a self, place: &'a Arc<str>, pushes: Pushes) -> Opening<'a> {
        Box::pin(async move {
            let targets = self.way.targets();
            match self.open_by(&targets, place, pushes.clone()).await {
                Err(NotOpened { refused: true, .. }) if self.way.read_again(&targets).await => {
                    let targets = self.way.targets();
                    Ok(self.open_by(&targets, place, pushes).await?)
                }
                answer => Ok(answer?),
            }
        })
    }

    /// A connection of its own to this server, for what it says without being asked; the receiver gets it.
    pub(crate) async fn listening(
        &self,
        node: &Node,
        pushes: UnboundedSender<PushInfo>,
    ) -> Result<Open, QueueError> {
        let (connection, server) = self.open(&node.0, Some(pushes)).await?;
        Ok(Open::new(connection, Arc::clone(&node.0), server))
    }

    async fn open_by(
        &self,
        targets: &Targets,
        place: &Arc<str>,
        pushes: Pushes,
    ) -> Result<(MultiplexedConnection, Arc<str>), NotOpened> {
        let (info, place) = match &self.way.address.topology {
            Topology::Single => {
                let info = targets.first().clone();
                let place = info.addr().to_string().into();
                (info, place)
            }
            Topology::Cluster => (targets.at(place), Arc::clone(place)),
            Topology::Sentinel(sentinel) => {
                return self.open_primary(targets, sentinel, pushes).await;
            }
        };
        let connection = self.enter(info, &place, pushes).await?;
        Ok((connection, place))
    }

    /// Opens a connection, and gives it its name.
    pub(super) async fn enter(
        &self,
        info: ConnectionInfo,
        server: &str,
        pushes: Pushes,
    ) -> Result<MultiplexedConnection, NotOpened> {
        let mut settings = info.redis_settings().clone();
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect_timeout))
            .set_response_timeout(Some(self.options.response_timeout));
        if let Some(pushes) = pushes {
            settings = settings.set_protocol(ProtocolVersion::RESP3);
            config = config.set_push_sender(pushes);
        }
        let info = info.set_redis_settings(settings);
        let client = tls::client(info.clone(), &self.way.address.tls)?;
        let opened = client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = match opened.await {
            Ok(connection) => connection,
            Err(error) if error.kind() == ErrorKind::AuthenticationFailed => {
                let why = NotOpened::new(server, &self.why_refused(info, error).await?);
                let refused = !why.error.may_pass();
                return Err(NotOpened { refused, ..why });
            }
            Err(error) => return Err(NotOpened::new(server, &error)),
        };
        let mut name = redis::cmd("CLIENT");
        name.arg("SETNAME").arg(self.name());
        match name.query_async::<Value>(&mut connection).await {
            Ok(_) => Ok(connection),
            // Whoever may not give it a name has none, unless it is not let in at all.
            Err(error) if error.code().is_some() && !refuses_credentials(&error) => Ok(connection),
            Err(error) => Err(NotOpened::new(server, &error)),
        }
    }

    /// Why a server does not let us in, in its own words: setting a connection up does not keep them. It may be another thing than
    /// our password, such as too many clients.
    async fn why_refused(
        &self,
        info: ConnectionInfo,
        refused: RedisError,
    ) -> Result<RedisError, NotOpened> {
        let settings = info.redis_settings();
        let mut auth = redis::cmd("AUTH");
        auth.arg(settings.username());
        let Some(password) = settings.password() else {
            return Ok(refused);
        };
        auth.arg(password);
        let nobody = RedisConnectionInfo::default().set_skip_set_lib_name();
        let client = tls::client(info.set_redis_settings(nobody), &self.way.address.tls)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect_timeout))
            .set_response_timeout(Some(self.options.response_timeout));
        let opened = client.get_multiplexed_async_connection_with_config(&config);
        let said = match opened.await {
            Ok(mut connection) => auth.query_async::<Value>(&mut connection).await,
            Err(error) => Err(error),
        };
        // By now it may let us in: the next call finds that out.
        Ok(said.err().unwrap_or_else(|| {
            let words = "it refused us, and does not any more";
            RedisError::from(std::io::Error::other(words))
        }))
    }

    /// What Redis calls its connections. A name has no blanks, and nothing but ASCII.
    fn name(&self) -> String {
        let name = match &self.way.address.name {
            Some(name) => name.clone(),
            None => format!("longshore:client:{}", std::process::id()),
        };
        let name = match &self.purpose {
            Some(purpose) => format!("{name}:{purpose}"),
            None => name,
        };
        let allowed = |c: char| if c.is_ascii_graphic() { c } else { '-' };
        name.chars().map(allowed).collect()
    }
}
