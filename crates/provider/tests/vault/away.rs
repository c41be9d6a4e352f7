//! Vault is sealed, or not there.

use std::time::Duration;

use longshore_provider::secret::Refreshed;
use longshore_provider::vault::{KvVersion, Login, Vault, VaultConfig, VaultError};
use longshore_sandbox::VaultServer;
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;

use crate::{by_app_role, now, opened, read};

#[tokio::test]
async fn what_was_known_is_kept_while_it_is_sealed() {
    let server = VaultServer::start();
    server.put("sendgrid/api-key", "SG.one");
    let vault = by_app_role(&server, 600, 600);
    vault.health().await.expect("well");
    let key = opened(&vault, "vault:sendgrid/api-key").await;
    server.seal();
    for _ in 0..2 {
        let Refreshed::Kept(error) = key.refresh().await else {
            panic!("it is sealed");
        };
        assert!(error.is_passing());
        assert!(error.to_string().ends_with("is sealed"), "{error}");
    }
    assert!(matches!(
        vault.health().await,
        Err(VaultError::Sealed { .. })
    ));
    assert_eq!(now(&key), "SG.one");
    server.unseal();
    server.put("sendgrid/api-key", "SG.two");
    assert!(matches!(key.refresh().await, Refreshed::Changed));
    assert_eq!(now(&key), "SG.two");
    assert_eq!(server.tokens(), 1, "its token was good all the time");
}

fn at(origin: &str) -> Vault {
    let config = VaultConfig {
        addr: origin.parse().expect("an origin"),
        mount: "secret".to_owned(),
        kv: KvVersion::Two,
        ca_file: None,
        namespace: None,
        login: Login::Token("t".into()),
        timeout: Duration::from_secs(1),
    };
    Vault::new(config).expect("a client")
}

#[tokio::test]
async fn one_that_is_not_there_or_does_not_answer_is_named_soon() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let silent = format!("http://{}", listener.local_addr().expect("an address"));
    // Bound, so that nobody else gets the port, and not listened at.
    let gone = TcpSocket::new_v4().expect("a socket");
    let bound = gone.bind(([127, 0, 0, 1], 0).into());
    bound.expect("a port");
    let host = gone.local_addr().expect("an address");
    let refused = format!("never sent: {host}: cannot connect");
    for (origin, cause) in [(format!("http://{host}"), &*refused), (silent, "timed out")] {
        let vault = at(&origin);
        let started = Instant::now();
        // Those who ask together wait together, and not one after the other.
        let (a, b, c) = tokio::join!(read(&vault, "a"), read(&vault, "b"), read(&vault, "c"));
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{:?}",
            started.elapsed()
        );
        for error in [a, b, c].map(|read| read.expect_err("away")) {
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("Vault at {origin} does not answer as it should: ")),
                "{text}"
            );
            assert!(
                text.contains(cause) && error.cure().contains("providers.vault.addr"),
                "{text}"
            );
            assert!(error.is_passing());
        }
    }
}
