//! Ways to get in: sockets, users, TLS, passwords that change.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use longshore_queue::{Address, Link, LinkOptions, QueueError, TlsFiles};
use longshore_sandbox::RedisServer;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, IsCa, KeyPair,
};

fn open(address: Address) -> Link {
    Link::open_later(address, LinkOptions::default()).expect("the address is good")
}

async fn command(link: &Link, words: &str) -> Result<redis::Value, QueueError> {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().unwrap_or_default());
    words.for_each(|word| {
        command.arg(word);
    });
    link.command(&command).await
}

/// What Redis calls our connection.
async fn name(link: &Link) -> String {
    let mut name = redis::cmd("CLIENT");
    name.arg("GETNAME");
    let name: Option<String> = link.command(&name).await.expect("it says");
    name.unwrap_or_default()
}

#[tokio::test]
async fn a_socket_leads_to_its_database_and_user() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("redis.sock");
    let path = socket.to_str().expect("a path");
    let redis = RedisServer::options().set("unixsocket", path).start();
    let redis = redis.expect("Redis");
    let root = Link::new(&redis.url(), LinkOptions::default()).expect("a URL");
    let user = "ACL SETUSER app on >p,w ~* +@all";
    command(&root, user).await.expect("is made");
    let url = format!("unix://{path}?db=3&user=app&pass=p,w");
    let link = open(Address::new(url).named("work:some host"));
    command(&link, "SET a 1").await.expect("writes");
    assert_eq!(name(&link).await, "longshore:work:some-host");
    let other = open(Address::new(format!("{}/3", redis.url())));
    assert_eq!(
        other
            .command::<u8>(redis::cmd("GET").arg("a"))
            .await
            .expect("reads"),
        1
    );
}

#[tokio::test]
async fn a_user_that_may_not_name_its_connection_is_let_in_all_the_same() {
    let redis = RedisServer::start().expect("Redis");
    let root = Link::new(&redis.url(), LinkOptions::default()).expect("a URL");
    let user = "ACL SETUSER app on >pw ~* +@all -client";
    command(&root, user).await.expect("is made");
    let url = format!("redis://app:pw@127.0.0.1:{}", redis.port());
    open(Address::new(url)).ping().await.expect("is let in");
}

/// The password of the server is another one: it is read again, and the call that has found out goes on with it.
#[tokio::test]
async fn a_password_that_is_refused_is_read_again_where_it_is_kept() {
    let redis = RedisServer::start().expect("Redis");
    let root = Link::new(&redis.url(), LinkOptions::default()).expect("a URL");
    let url = |password: &str| format!("redis://app:{password}@127.0.0.1:{}", redis.port());
    command(&root, "ACL SETUSER app on >old ~* +@all")
        .await
        .expect("is made");
    let kept = Arc::new(Mutex::new(url("old")));
    let there = Arc::clone(&kept);
    let address = Address::new(url("old")).reread_by(move || {
        let url = there.lock().map(|url| url.clone()).ok();
        std::future::ready(url)
    });
    let link = open(address);
    link.ping().await.expect("is let in");

    // Its connections are closed, and the password is another one before anybody else knows it.
    command(&root, "ACL DELUSER app").await.expect("is removed");
    command(&root, "ACL SETUSER app on >new ~* +@all")
        .await
        .expect("is made");
    let lost = link.ping().await.expect_err("the connection is closed");
    assert!(lost.may_pass(), "{lost}");
    *kept.lock().expect("is free") = url("new");
    link.ping().await.expect("it is read again");
    assert!(link.another(LinkOptions::default()).ping().await.is_ok());
}

/// A URL without a password, at a server that wants one by now: what is refused is the first call, not the connection.
#[tokio::test]
async fn a_password_that_is_wanted_by_now_is_read_where_it_is_kept() {
    let redis = RedisServer::start().expect("Redis");
    let root = Link::new(&redis.url(), LinkOptions::default()).expect("a URL");
    command(&root, "CONFIG SET requirepass pw")
        .await
        .expect("is set");
    let with = format!("redis://:pw@127.0.0.1:{}", redis.port());
    let address = Address::new(redis.url()).reread_by(move || {
        let with = with.clone();
        async move { Some(with) }
    });
    open(address).ping().await.expect("is let in");
    let refused = Link::new(&redis.url(), LinkOptions::default())
        .expect("a URL")
        .ping()
        .await;
    assert!(
        matches!(refused, Err(QueueError::NoEntry { .. })),
        "{refused:?}"
    );
}

struct Pems {
    dir: tempfile::TempDir,
}

impl Pems {
    /// An authority, and a certificate of it for `localhost` that serves both sides.
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut of_ca = CertificateParams::default();
        of_ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(of_ca, KeyPair::generate().expect("a key"));
        let ca = ca.expect("is signed");
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned()];
        let mut of_server = CertificateParams::new(names).expect("a name");
        // OpenSSL takes one with the name of its issuer for the issuer's own.
        of_server.distinguished_name = DistinguishedName::new();
        let server = of_server.signed_by(&key, &ca).expect("is signed");
        let write =
            |name: &str, pem: String| fs::write(dir.path().join(name), pem).expect("written");
        write("ca.pem", ca.pem());
        write("cert.pem", server.pem());
        write("key.pem", key.serialize_pem());
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// A Redis with TLS, and the port of it.
fn secure(pems: &Pems, clients: &str) -> (RedisServer, u16) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = port.expect("a port").port();
    let redis = RedisServer::options()
        .set("tls-port", &port.to_string())
        .set("tls-cert-file", text(&pems.path("cert.pem")))
        .set("tls-key-file", text(&pems.path("key.pem")))
        .set("tls-ca-cert-file", text(&pems.path("ca.pem")))
        .set("tls-auth-clients", clients)
        .start();
    (redis.expect("Redis with TLS"), port)
}

/// What the system trusts, a process is told by a variable: so the other half of it is a process of its own.
#[tokio::test]
async fn tls_trusts_an_authority_of_ones_own_beside_the_systems() {
    const PORTS: &str = "TRUST_PORTS";
    const OWN: &str = "TRUST_OWN";
    let Ok(ports) = std::env::var(PORTS) else {
        let (system, own) = (Pems::new(), Pems::new());
        let ((_at_system, first), (_at_own, second)) = (secure(&system, "no"), secure(&own, "no"));
        let own_ca = own.path("ca.pem");
        let name = "tls_trusts_an_authority_of_ones_own_beside_the_systems";
        let ran = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", name])
            .env("SSL_CERT_FILE", system.path("ca.pem"))
            .env(PORTS, format!("{first} {second}"))
            .env(OWN, own_ca)
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
        return;
    };
    let own = TlsFiles {
        ca: std::env::var_os(OWN).map(PathBuf::from),
        ..TlsFiles::default()
    };
    for port in ports.split(' ') {
        let address = Address::new(format!("rediss://localhost:{port}"));
        let pinged = open(address.with_tls(own.clone())).ping().await;
        pinged.expect("one of the two vouches for it");
    }
    let (system, _) = ports.split_once(' ').expect("two");
    let address = Address::new(format!("rediss://localhost:{system}"));
    open(address)
        .ping()
        .await
        .expect("the system vouches for it");
}

#[tokio::test]
async fn tls_trusts_the_authority_and_shows_the_certificate_that_are_named() {
    let pems = Pems::new();
    let (_redis, port) = secure(&pems, "yes");
    let address = || Address::new(format!("rediss://localhost:{port}"));
    let with = |files: TlsFiles| open(address().with_tls(files));
    let all = TlsFiles {
        ca: Some(pems.path("ca.pem")),
        cert: Some(pems.path("cert.pem")),
        key: Some(pems.path("key.pem")),
    };
    with(all.clone())
        .ping()
        .await
        .expect("both trust each other");
    let unknown = with(TlsFiles::default())
        .ping()
        .await
        .expect_err("nobody vouches for it");
    assert!(unknown.to_string().contains("UnknownIssuer"), "{unknown}");
    let unseen = TlsFiles {
        ca: all.ca.clone(),
        ..TlsFiles::default()
    };
    with(unseen)
        .ping()
        .await
        .expect_err("the server wants a certificate");

    let options = LinkOptions::default();
    for (files, says) in [
        (
            TlsFiles {
                ca: Some(pems.path("none.pem")),
                ..TlsFiles::default()
            },
            "none.pem cannot be read",
        ),
        (
            TlsFiles {
                ca: Some(pems.path("key.pem")),
                ..TlsFiles::default()
            },
            "there is no certificate in",
        ),
        (
            TlsFiles {
                key: None,
                ..all.clone()
            },
            "belong together",
        ),
        (
            TlsFiles {
                key: Some(pems.path("ca.pem")),
                ..all
            },
            "cannot be used",
        ),
    ] {
        let wrong = Link::open_later(address().with_tls(files), options);
        let wrong = wrong.expect_err(says).to_string();
        assert!(wrong.contains(says), "{wrong}");
    }
}

#[tokio::test]
async fn a_server_with_too_many_clients_is_not_one_that_refuses_the_password() {
    let redis = RedisServer::start().expect("Redis");
    let root = Link::new(&redis.url(), LinkOptions::default()).expect("a URL");
    for words in ["ACL SETUSER app on >pw ~* +@all", "CONFIG SET maxclients 1"] {
        command(&root, words).await.expect("is done");
    }
    let at = redis.url().replace("redis://", "redis://app:pw@");
    let link = open(Address::new(at));
    let full = link.ping().await.expect_err("there is no room");
    assert!(full.may_pass(), "{full}");
    command(&root, "CONFIG SET maxclients 100")
        .await
        .expect("is done");
    link.ping().await.expect("there is room");
    let wrong = redis.url().replace("redis://", "redis://app:other@");
    let wrong = open(Address::new(wrong))
        .ping()
        .await
        .expect_err("is wrong");
    assert!(matches!(wrong, QueueError::NoEntry { .. }), "{wrong}");
}
