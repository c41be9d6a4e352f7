//! TLS to Postgres, by a server that has it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use longshore_outbox::{DatabaseError, HeldRows, OutboxTable, SCHEMA};
use longshore_provider::secret::SecretString;
use longshore_sandbox::PostgresServer;
use longshore_tests::eventually;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// Who signs servers' certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("signed").pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// Its certificate, in a file of the server's directory.
    fn file(&self, postgres: &PostgresServer, name: &str) -> PathBuf {
        let path = postgres.dir().join(name);
        fs::write(&path, &self.pem).expect("written");
        path
    }
}

/// A Postgres with the table, without TLS.
fn plain() -> PostgresServer {
    let postgres = PostgresServer::start().expect("a private Postgres starts");
    postgres.sql(SCHEMA);
    postgres
}

/// One with TLS, and a certificate for this name.
async fn secure(authority: &Authority, name: &str) -> PostgresServer {
    let postgres = plain();
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &authority.issuer).expect("signed");
    let owner = fs::metadata(postgres.dir()).expect("is there").uid();
    for (setting, text) in [
        ("ssl_cert_file", certificate.pem()),
        ("ssl_key_file", key.serialize_pem()),
    ] {
        let path = postgres.dir().join(setting);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
        chown(&path, Some(owner), None).expect("given");
        postgres.sql(&format!(
            "ALTER SYSTEM SET {setting} = '{}'",
            path.display()
        ));
    }
    postgres.sql("ALTER SYSTEM SET ssl = on");
    postgres.sql("SELECT pg_reload_conf()");
    let own = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    eventually("it has TLS", || async { postgres.sql(own) == "t" }).await;
    postgres
}

async fn open(
    postgres: &PostgresServer,
    options: &str,
    ca_file: Option<PathBuf>,
) -> Result<HeldRows, DatabaseError> {
    let url = format!("{}{options}", postgres.url());
    let table = OutboxTable::default();
    HeldRows::open(SecretString::from(url).into(), ca_file.as_deref(), table).await
}

async fn refused(postgres: &PostgresServer, options: &str, ca_file: Option<PathBuf>) -> String {
    match open(postgres, options, ca_file).await {
        Ok(_) => panic!("it connects"),
        Err(error @ DatabaseError::Refused { .. }) => error.to_string(),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_server_is_believed_whose_authority_is_named_and_whose_name_is_right() {
    let authority = Authority::new();
    let postgres = secure(&authority, "127.0.0.1").await;
    for mode in ["verify-full", "verify-ca", "require"] {
        let ca_file = Some(authority.file(&postgres, "authority.pem"));
        let rows = open(&postgres, &format!("?sslmode={mode}"), ca_file).await;
        let rows = rows.expect(mode);
        assert!(rows.list(10).await.expect("lists").is_empty());
        let by_tls = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'longshore outbox'";
        assert_eq!(postgres.sql(by_tls), "t", "{mode}");
    }
}

#[tokio::test]
async fn no_other_authority_and_no_other_name_is_believed() {
    let authority = Authority::new();
    let postgres = secure(&authority, "127.0.0.1").await;
    for mode in ["verify-full", "require"] {
        let options = format!("?sslmode={mode}");
        let nobody = refused(&postgres, &options, None).await;
        assert!(nobody.contains("certificate"), "{nobody}");
        let other = Authority::new().file(&postgres, "other.pem");
        let other = refused(&postgres, &options, Some(other)).await;
        assert!(other.contains("certificate"), "{other}");
    }
    let elsewhere = secure(&authority, "db.example.com").await;
    let ca_file = Some(authority.file(&elsewhere, "authority.pem"));
    let named = refused(&elsewhere, "?sslmode=verify-full", ca_file).await;
    assert!(named.contains("not valid for name"), "{named}");
}

#[tokio::test]
async fn a_server_without_tls_is_sent_nothing_where_tls_is_asked_for() {
    let postgres = plain();
    let said = refused(&postgres, "?sslmode=require", None).await;
    assert!(said.contains("server does not support TLS"), "{said}");
    assert!(open(&postgres, "", None).await.is_ok());
}

/// As Debian sets it up: TLS, by a certificate that nobody vouches for.
#[tokio::test]
async fn on_the_same_machine_nothing_is_asked_of_a_certificate_unless_the_url_says_so() {
    let postgres = secure(&Authority::new(), "127.0.0.1").await;
    assert!(open(&postgres, "", None).await.is_ok());
    assert!(open(&postgres, "?sslmode=disable", None).await.is_ok());
    refused(&postgres, "?sslmode=require", None).await;
}
