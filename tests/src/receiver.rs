use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What takes POSTs in the place of Sentry or a collector, and keeps their bodies as they came; or takes connections and never says
/// a word.
#[derive(Debug)]
pub struct Receiver {
    addr: SocketAddr,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Seen {
    /// What it answers.
    status: AtomicU16,
    connections: AtomicUsize,
    bodies: Mutex<Vec<Vec<u8>>>,
}

impl Receiver {
    /// One that answers 200 to everything.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        Self::new(true).await
    }

    /// One that never answers.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn silent() -> Self {
        Self::new(false).await
    }

    async fn new(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen {
            status: AtomicU16::new(200),
            connections: AtomicUsize::new(0),
            bodies: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&seen), answers));
        Self {
            addr,
            seen,
            accepting,
        }
    }

    /// The DSN of a project here, with this key.
    #[must_use]
    pub fn dsn(&self, key: &str) -> String {
        format!("http://{key}@{}/1", self.addr)
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// From here on it answers with this status.
    pub fn answers(&self, status: u16) {
        self.seen.status.store(status, Ordering::Release);
    }

    /// How often it was connected to.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Acquire)
    }

    /// The bodies of all requests, in their order.
    #[must_use]
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.seen.lock().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Seen {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, seen: Arc<Seen>, answers: bool) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::AcqRel);
        let seen = Arc::clone(&seen);
        connections.spawn(async move {
            match answers {
                true => drop(take(stream, &seen).await),
                // Open, for as long as this runs.
                false => std::future::pending().await,
            }
        });
    }
}

/// Takes requests of one connection until it is closed.
async fn take(mut stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(head) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
                let length = text
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"))
                    .and_then(|length| length.trim().parse::<usize>().ok());
                let end = head + 4 + length.unwrap_or(0);
                if bytes.len() >= end {
                    seen.lock().push(bytes[head + 4..end].to_vec());
                    break end;
                }
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        bytes.drain(..end);
        let status = seen.status.load(Ordering::Acquire);
        let answer = format!("HTTP/1.1 {status} Said\r\nContent-Length: 2\r\n\r\n{{}}");
        stream.write_all(answer.as_bytes()).await?;
    }
}
