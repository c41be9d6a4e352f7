//! TLS: whom we trust, and as whom we are known.

use redis::{Client, ConnectionInfo};

use super::address::TlsFiles;
use crate::QueueError;

/// What connections are opened with.
#[cfg(feature = "tls")]
pub(super) fn client(info: ConnectionInfo, files: &TlsFiles) -> Result<Client, QueueError> {
    use super::address::is_tls;
    use redis::{ClientTlsConfig, TlsCertificates};
    use std::path::Path;

    if !is_tls(&info) {
        return open(info);
    }
    install_crypto();
    // Small files of this machine: read where the connection is opened.
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            QueueError::Address(format!("{} cannot be read: {error}", path.display()))
        })
    };
    let root_cert = files.ca.as_deref().map(read).transpose()?;
    let client_tls = match (&files.cert, &files.key) {
        (Some(cert), Some(key)) => Some(ClientTlsConfig {
            client_cert: read(cert)?,
            client_key: read(key)?,
        }),
        (None, None) => None,
        _ => {
            return Err(QueueError::Address(
                "a client certificate and its key belong together: one of the files is not named"
                    .to_owned(),
            ));
        }
    };
    let certificates = TlsCertificates {
        client_tls,
        root_cert,
    };
    Client::build_with_tls(info, certificates)
        .map_err(|error| QueueError::Address(format!("its files for TLS cannot be used: {error}")))
}

#[cfg(not(feature = "tls"))]
pub(super) fn client(info: ConnectionInfo, _files: &TlsFiles) -> Result<Client, QueueError> {
    open(info)
}

fn open(info: ConnectionInfo) -> Result<Client, QueueError> {
    Client::open(info).map_err(|error| QueueError::Address(error.to_string()))
}

/// Makes `ring` the process's crypto provider, unless it has one: without any, rustls would panic.
#[cfg(feature = "tls")]
fn install_crypto() {
    use rustls::crypto::{CryptoProvider, ring};

    if CryptoProvider::get_default().is_none() {
        // Lost races are fine: whoever won installed one.
        let _ = ring::default_provider().install_default();
    }
}
