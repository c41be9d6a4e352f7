use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// TLS in front of a server on this machine, with a certificate for `localhost` that nobody vouches for but itself.
#[derive(Debug)]
pub struct Tls {
    port: u16,
    certificate: String,
    accepting: JoinHandle<()>,
}

impl Tls {
    /// In front of the server with this origin, `http://127.0.0.1:PORT`.
    ///
    /// # Panics
    /// When no port is free, or it is no such origin.
    pub async fn before(origin: &str) -> Self {
        let server = origin.trim_start_matches("http://").parse();
        let server: SocketAddr = server.expect("an address");
        let names = vec!["localhost".to_owned()];
        let signed = rcgen::generate_simple_self_signed(names).expect("signed");
        let key = PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("it has some")
            .with_no_client_auth()
            .with_single_cert(vec![signed.cert.der().clone()], key.into());
        let acceptor = TlsAcceptor::from(Arc::new(config.expect("they belong together")));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self {
            port: listener.local_addr().expect("an address").port(),
            certificate: signed.cert.pem(),
            accepting: tokio::spawn(accept(listener, acceptor, server)),
        }
    }

    /// Its origin: `https://localhost:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Writes its certificate into this directory, as PEM: with that as `SSL_CERT_FILE` a process trusts it.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn certificate(&self, dir: &Path) -> PathBuf {
        let path = dir.join("authority.pem");
        std::fs::write(&path, &self.certificate).expect("written");
        path
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, server: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        connections.spawn(async move {
            // Whoever does not trust it goes away in the middle.
            if let Ok(mut client) = acceptor.accept(stream).await
                && let Ok(mut server) = TcpStream::connect(server).await
            {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
