//! A Vault behind a CA of the company's own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use longshore_provider::vault::{
    KvVersion, Login, Vault, VaultConfig, VaultError, VaultSetupError,
};
use longshore_sandbox::VaultServer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::{config, read};

/// TLS in front of a Vault, by a certificate of a CA that is written to this file.
async fn behind_tls(server: &VaultServer, ca_file: &Path) -> (String, JoinHandle<()>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"));
    let ca = ca.expect("a CA");
    std::fs::write(ca_file, ca.pem()).expect("written");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&key, &ca).expect("signed");
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let tls =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .expect("a certificate");
    let tls = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("https://{}", listener.local_addr().expect("an address"));
    let port = server.port();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                let mut here = tls.accept(stream).await.ok()?;
                let mut there = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
                tokio::io::copy_bidirectional(&mut here, &mut there)
                    .await
                    .ok()
            });
        }
    });
    (origin, serving)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ca_of_ones_own_is_trusted_beside_the_systems() {
    let server = VaultServer::start();
    server.put("sendgrid/api-key", "SG.one");
    let dir = tempfile::tempdir().expect("a directory");
    let (ca, other) = (dir.path().join("ca.pem"), dir.path().join("other.pem"));
    let (_, elsewhere) = behind_tls(&server, &other).await;
    let (origin, serving) = behind_tls(&server, &ca).await;
    let by = |ca_file: Option<&Path>| {
        let mut config = config(&server, Login::Token(VaultServer::ROOT.into()));
        config.addr = origin.parse().expect("an origin");
        config.ca_file = ca_file.map(Path::to_owned);
        Vault::new(config)
    };
    let trusting = by(Some(&ca)).expect("a client");
    assert_eq!(
        read(&trusting, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one")
    );
    for wrong in [Some(other.as_path()), None] {
        let error = read(&by(wrong).expect("a client"), "sendgrid/api-key").await;
        let error = error.expect_err("not trusted");
        assert!(matches!(error, VaultError::Away { .. }), "{error}");
        assert!(error.to_string().contains("ertificate"), "{error}");
    }
    // Two in one file, as a bundle has them.
    let both = dir.path().join("both.pem");
    let read_pem = |path: &Path| std::fs::read_to_string(path).expect("read");
    std::fs::write(&both, read_pem(&other) + &read_pem(&ca)).expect("written");
    let trusting = by(Some(&both)).expect("a client");
    assert_eq!(
        read(&trusting, "sendgrid/api-key").await.as_deref(),
        Ok("SG.one")
    );
    for (text, says) in [
        ("", "no certificate"),
        ("-----BEGIN CERTIFICATE-----\n?", "ca.pem"),
    ] {
        std::fs::write(&ca, text).expect("written");
        let error = by(Some(&ca)).expect_err("nothing in it");
        assert!(matches!(error, VaultSetupError::Http(_)));
        assert!(error.to_string().contains(says), "{error}");
    }
    std::fs::remove_file(&ca).expect("removed");
    let error = by(Some(&ca)).expect_err("no file").to_string();
    assert!(error.contains("ca.pem"), "{error}");
    serving.abort();
    elsewhere.abort();
}

/// What the system trusts, a process is told by a variable: so the other half of it is a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_names_a_ca_still_trusts_the_systems() {
    const ORIGINS: &str = "TRUST_ORIGINS";
    const OWN: &str = "TRUST_OWN";
    let Ok(origins) = std::env::var(ORIGINS) else {
        let server = VaultServer::start();
        server.put("sendgrid/api-key", "SG.one");
        let dir = tempfile::tempdir().expect("a directory");
        let (system, own) = (dir.path().join("system.pem"), dir.path().join("own.pem"));
        let (first, at_system) = behind_tls(&server, &system).await;
        let (second, at_own) = behind_tls(&server, &own).await;
        let mut again = std::process::Command::new(std::env::current_exe().expect("this test"));
        again
            .args(["--exact", "tls::who_names_a_ca_still_trusts_the_systems"])
            .env("SSL_CERT_FILE", &system)
            .env(ORIGINS, format!("{first} {second}"))
            .env(OWN, &own);
        let ran = tokio::task::spawn_blocking(move || again.output()).await;
        let ran = ran.expect("it does not panic").expect("it starts");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
        at_system.abort();
        at_own.abort();
        return;
    };
    for origin in origins.split(' ') {
        let vault = Vault::new(VaultConfig {
            addr: origin.parse().expect("an origin"),
            mount: "secret".to_owned(),
            kv: KvVersion::Two,
            ca_file: std::env::var_os(OWN).map(Into::into),
            namespace: None,
            login: Login::Token(VaultServer::ROOT.into()),
            timeout: Duration::from_secs(5),
        });
        let read = read(&vault.expect("a client"), "sendgrid/api-key").await;
        assert_eq!(read.as_deref(), Ok("SG.one"), "{origin}");
    }
}
