use std::path::{Path, PathBuf};

use longshore_client::TlsFiles;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, IsCa, KeyPair,
};
use tempfile::TempDir;

/// An authority of one's own, and a certificate of it for this machine, which servers and clients show each other.
#[derive(Debug)]
pub struct Authority {
    dir: TempDir,
}

impl Authority {
    /// A new one, whose files are gone when it is.
    ///
    /// # Panics
    /// When they cannot be written.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it writes files")]
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut of_ca = CertificateParams::default();
        of_ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(of_ca, KeyPair::generate().expect("a key"));
        let ca = ca.expect("is signed");
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut of_server = CertificateParams::new(names).expect("names");
        // OpenSSL takes one with the name of its issuer for the issuer's own.
        of_server.distinguished_name = DistinguishedName::new();
        let server = of_server.signed_by(&key, &ca).expect("is signed");
        for (name, pem) in [
            ("ca.pem", ca.pem()),
            ("cert.pem", server.pem()),
            ("key.pem", key.serialize_pem()),
        ] {
            std::fs::write(dir.path().join(name), pem).expect("written");
        }
        Self { dir }
    }

    /// Where `ca.pem`, `cert.pem` and `key.pem` are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The same files for a client.
    #[must_use]
    pub fn files(&self) -> TlsFiles {
        let file = |name: &str| Some::<PathBuf>(self.dir().join(name));
        TlsFiles {
            ca: file("ca.pem"),
            cert: file("cert.pem"),
            key: file("key.pem"),
        }
    }
}
