//! TLS: whom we trust, and as whom we are known.

use redis::{Client, ConnectionInfo};

use super::address::TlsFiles;
use crate::QueueError;

#[cfg(feature = "tls")]
mod roots {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use rustls::RootCertStore;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    /// These certificates in PEM, and those that the system trusts, since redis-rs takes either. `None` = there is none in it.
    pub(super) fn beside_the_systems(own: &[u8]) -> Option<Vec<u8>> {
        CertificateDer::pem_slice_iter(own).next()?.ok()?;
        let mut all = own.to_vec();
        // Where the system has none, or some cannot be read, there are those of ours.
        for certificate in rustls_native_certs::load_native_certs().certs {
            // redis-rs refuses all of them for one that rustls cannot use.
            if RootCertStore::empty().add(certificate.clone()).is_ok() {
                let text = STANDARD.encode(&certificate);
                let pem =
                    format!("\n-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
                all.extend(pem.into_bytes());
            }
        }
        Some(all)
    }
}

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
    let own = |path: &Path| {
        roots::beside_the_systems(&read(path)?).ok_or_else(|| {
            QueueError::Address(format!("there is no certificate in {}", path.display()))
        })
    };
    let root_cert = files.ca.as_deref().map(own).transpose()?;
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
