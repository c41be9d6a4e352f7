//! Whether a host can be reached: DNS, TCP and TLS, and nothing sent.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use longshore_job::{Reach, Unreached};
use reqwest::Url;
use tower::{BoxError, Layer, Service};

use super::{behind, builder, causes};

/// What a machine is short of when the trouble is its own: Linux's numbers for no descriptors left here (`EMFILE`) or in
/// all (`ENFILE`), no memory (`ENOMEM`), no ephemeral port left (`EADDRNOTAVAIL`), no buffers (`ENOBUFS`).
const SHORT_OF: [i32; 5] = [24, 23, 12, 99, 105];

/// Whether this machine is short of something that a connection needs, by this error, or since no descriptor can be had
/// at all: looking a name up does not say so.
#[must_use]
pub fn is_our_own(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(is_short)
        || std::fs::File::open("/dev/null").is_err_and(|error| is_short(&error))
}

/// One that wraps another says nothing of that by its `source`, which is the source of the other.
fn is_short(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    let wrapped = error.get_ref().and_then(|inner| inner.downcast_ref());
    number.is_some_and(|number| SHORT_OF.contains(&number)) || wrapped.is_some_and(is_short)
}

/// One origin, to be tried out by a handshake. The client that does so is made when it is needed first.
pub struct Handshake {
    url: Url,
    connect: Duration,
    client: Mutex<Option<reqwest::Client>>,
}

impl Handshake {
    /// Of the origin of this URL. A path or a query that it has is left out. `connect` is for DNS, TCP and TLS together.
    #[must_use]
    pub fn new(mut url: Url, connect: Duration) -> Self {
        url.set_path("/");
        url.set_query(None);
        Self {
            url,
            connect,
            client: Mutex::default(),
        }
    }

    /// Host and port: `api.sendgrid.com:443`.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The same way that a request goes, proxy and roots included, but that it ends when the connection stands.
    fn client(&self) -> Result<reqwest::Client, Failed> {
        let mut made = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*made {
            return Ok(client.clone());
        }
        let plain = self.url.scheme() == "http";
        let client = builder(plain, self.connect, self.connect * 2)
            .connector_layer(ConnectOnly)
            .build();
        let client = client.map_err(|error| Failed::of(&error))?;
        Ok(made.insert(client).clone())
    }

    async fn shake(&self) -> Result<(), Failed> {
        let request = self.client()?.head(self.url.clone());
        match request.send().await {
            // The layer lets none through.
            Ok(_) => Ok(()),
            Err(error) if behind(&error).any(<dyn std::error::Error>::is::<Connected>) => Ok(()),
            Err(error) => Err(Failed::of(&error)),
        }
    }
}

struct Failed {
    cause: String,
    ours: bool,
}

impl Failed {
    fn of(error: &reqwest::Error) -> Self {
        Self {
            cause: causes(error),
            ours: is_our_own(error),
        }
    }
}

impl Reach for Handshake {
    fn reach(&self) -> Pin<Box<dyn Future<Output = Result<(), Unreached>> + Send + '_>> {
        Box::pin(async move {
            self.shake().await.map_err(|failed| Unreached {
                host: self.host(),
                cause: failed.cause,
                ours: failed.ours,
            })
        })
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handshake").field(&self.host()).finish()
    }
}

/// The connection stands, which is all that was asked.
#[derive(Debug, thiserror::Error)]
#[error("connected")]
struct Connected;

/// Ends each exchange when its connection stands.
#[derive(Clone)]
struct ConnectOnly;

impl<S> Layer<S> for ConnectOnly {
    type Service = Connecting<S>;

    fn layer(&self, inner: S) -> Connecting<S> {
        Connecting(inner)
    }
}

#[derive(Clone)]
struct Connecting<S>(S);

impl<S, R> Service<R> for Connecting<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, to: R) -> Self::Future {
        let connecting = self.0.call(to);
        Box::pin(async move {
            drop(connecting.await?);
            Err(Box::new(Connected) as BoxError)
        })
    }
}
