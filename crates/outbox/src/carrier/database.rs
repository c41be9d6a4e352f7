//! The app's database, and the connection to it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use longshore_provider::secret::{ExposeSecret, Secret};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls_platform_verifier::Verifier;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::store::Store;
use crate::OutboxTable;

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long it may take until the statements are prepared, with several hosts.
const OPENED_WITHIN: Duration = Duration::from_secs(15);

/// Where the table is.
#[derive(Clone)]
pub(crate) struct Database {
    url: Secret,
    tls: MakeRustlsConnect,
    table: OutboxTable,
}

/// What is wrong with the database. Never says a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Its URL is no URL of a Postgres.
    #[error("is not of the form postgres://user:password@host/name: {0}")]
    Url(String),
    /// The certificates of its authority cannot be used.
    #[error("the certificates of {0}")]
    Authority(String),
    /// It cannot be reached, or does not let us in.
    #[error("Postgres {server}: {problem}")]
    Refused {
        /// Host and database.
        server: String,
        /// What it, or the system, said.
        problem: String,
    },
    /// The connection ended, or a statement failed.
    #[error("Postgres: {0}")]
    Lost(String),
    /// The table is not there, or is another one.
    #[error(
        "the table {table} cannot be used: {problem}; create it by what `longshore outbox schema` prints"
    )]
    Table {
        /// Its name.
        table: OutboxTable,
        /// What Postgres said.
        problem: String,
    },
}

impl Database {
    pub(crate) fn new(
        url: Secret,
        ca_file: Option<&Path>,
        table: OutboxTable,
    ) -> Result<Self, DatabaseError> {
        parse(url.current().expose_secret())?;
        let tls = MakeRustlsConnect::new(client_tls(ca_file)?);
        Ok(Self { url, tls, table })
    }

    pub(crate) fn table(&self) -> &OutboxTable {
        &self.table
    }

    /// A connection. Where the server refuses the password, it is read again and tried once more.
    pub(crate) async fn connect(&self) -> Result<Store, DatabaseError> {
        let (config, server) = parse(self.url.current().expose_secret())?;
        let refused = match self.open(&config).await {
            Ok(store) => return self.checked(store, &server).await,
            Err(error) => error,
        };
        if refused.as_ref().is_some_and(is_about_password) {
            self.url.refresh().await;
            let (again, server) = parse(self.url.current().expose_secret())?;
            if again != config {
                let store = self.open(&again).await;
                let store = store.map_err(|error| self.said(&server, error.as_ref()))?;
                return self.checked(store, &server).await;
            }
        }
        Err(self.said(&server, refused.as_ref()))
    }

    /// # Errors
    /// `None` when there is no answer in time.
    async fn open(&self, config: &Config) -> Result<Store, Option<Error>> {
        let opened = timeout(OPENED_WITHIN, self.open_in_time(config)).await;
        opened.map_err(|_| None)?.map_err(Some)
    }

    async fn open_in_time(&self, config: &Config) -> Result<Store, Error> {
        let (client, connection) = config.connect(self.tls.clone()).await?;
        Store::new(client, connection, self.table.clone()).await
    }

    async fn checked(&self, store: Store, server: &str) -> Result<Store, DatabaseError> {
        match timeout(OPENED_WITHIN, store.look()).await {
            Ok(Ok(_)) => Ok(store),
            Ok(Err(error)) => Err(self.said(server, Some(&error))),
            Err(_) => Err(self.said(server, None)),
        }
    }

    /// What is wrong: with the table, or with the server.
    fn said(&self, server: &str, error: Option<&Error>) -> DatabaseError {
        let of_table = [
            SqlState::UNDEFINED_TABLE,
            SqlState::UNDEFINED_COLUMN,
            SqlState::INSUFFICIENT_PRIVILEGE,
        ];
        match error {
            Some(error) if error.code().is_some_and(|code| of_table.contains(code)) => {
                DatabaseError::Table {
                    table: self.table.clone(),
                    problem: text_of(error),
                }
            }
            error => DatabaseError::Refused {
                server: server.to_owned(),
                problem: error.map_or_else(|| "does not answer within 15 s".to_owned(), text_of),
            },
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// What is said of an error: without the statement, and without values, which Postgres puts into the detail.
pub(crate) fn text_of(error: &Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => {
            let source = std::error::Error::source(error);
            source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
        }
    }
}

fn is_about_password(error: &Error) -> bool {
    let of_login = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
    ];
    error.code().is_some_and(|code| of_login.contains(code))
}

const UNREADABLE: &str = "it cannot be read; @, / and : in a password are written %40, %2F and %3A, and of libpq's options those \
                          about certificates are not known: outbox.ca_file names an authority";

/// What the URL says, and what the server is called. A mode of libpq that asks for a verified certificate is what every
/// connection with TLS does here.
fn parse(url: &str) -> Result<(Config, String), DatabaseError> {
    let wrong = |problem: &str| DatabaseError::Url(problem.to_owned());
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err(wrong("it has another scheme"));
    }
    // A password with an @ or a / that is not written otherwise would be taken for the host, and shown.
    let before_options = url.split('?').next().unwrap_or_default();
    let place = before_options.split("://").nth(1).unwrap_or_default();
    let authority = place.split('/').next().unwrap_or_default();
    if place.matches('@').count() > 1 || (place.contains('@') && !authority.contains('@')) {
        return Err(wrong(UNREADABLE));
    }
    let says = |mode: &str| url.contains(&format!("sslmode={mode}"));
    let known = url
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    // Its error may quote the URL, and with it the password.
    let mut config: Config = known.parse().map_err(|_| wrong(UNREADABLE))?;
    let hosts = config.get_hosts();
    if hosts.is_empty() && config.get_hostaddrs().is_empty() {
        return Err(wrong("it names no host"));
    }
    let is_here = hosts.iter().all(|host| match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    let server = name(&config);
    if !says("disable") {
        // `prefer`, the default, would send the password in clear to whoever says that it has no TLS, and on this machine it would
        // refuse the certificate that nobody vouches for of a Postgres as Debian sets it up.
        config.ssl_mode(match is_here && !known.contains("sslmode=require") {
            true => SslMode::Disable,
            false => SslMode::Require,
        });
    }
    config
        .application_name("longshore outbox")
        .connect_timeout(CONNECT_WITHIN)
        .keepalives_idle(Duration::from_secs(15))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(30));
    Ok((config, server))
}

fn name(config: &Config) -> String {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!(
        "at {}:{port}, database {}",
        hosts.join(","),
        config.get_dbname().or(config.get_user()).unwrap_or("?")
    )
}

/// TLS that trusts the system's authorities, and this one's.
fn client_tls(ca_file: Option<&Path>) -> Result<ClientConfig, DatabaseError> {
    let mut extra = Vec::new();
    if let Some(path) = ca_file {
        let wrong = |problem: &dyn fmt::Display| {
            DatabaseError::Authority(format!("{} cannot be used: {problem}", path.display()))
        };
        let read = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
        for certificate in read {
            extra.push(certificate.map_err(|error| wrong(&error))?);
        }
        if extra.is_empty() {
            return Err(wrong(&"there is none in it"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|error| {
            DatabaseError::Authority(format!("this machine cannot be read: {error}"))
        })?;
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| {
        DatabaseError::Authority(format!("this machine cannot be used: {error}"))
    })?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        parse(url).expect(url).0.get_ssl_mode()
    }

    #[test]
    fn tls_is_asked_for_unless_the_server_is_here_or_the_url_says_so() {
        assert_eq!(mode("postgres://u:p@db.example.com/app"), SslMode::Require);
        assert_eq!(
            mode("postgres://u:p@db.example.com/app?sslmode=prefer"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgresql://u:p@db.example.com/app?sslmode=verify-full"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://u:p@db.example.com/app?sslmode=disable"),
            SslMode::Disable
        );
        assert_eq!(mode("postgres://u:p@localhost/app"), SslMode::Disable);
        assert_eq!(
            mode("postgres://u:p@%2Frun%2Fpostgresql/app"),
            SslMode::Disable
        );
        assert_eq!(
            mode("postgres://u:p@localhost/app?sslmode=verify-full"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://u:p@localhost,db.example.com/app"),
            SslMode::Require
        );
    }

    #[test]
    fn what_is_said_of_a_url_has_no_password_in_it() {
        for url in [
            "mysql://u:planted@host/app",
            "planted",
            "postgres:///app?password=planted",
            "postgres://u:geh@planted@host/app",
            "postgres://u:geh/planted@host/app",
            "postgres://u:p@host/app?sslrootcert=planted",
        ] {
            let error = parse(url).expect_err(url).to_string();
            assert!(!error.contains("planted"), "{error}");
        }
        let (_, server) = parse("postgres://u:planted@host:5433/app").expect("good");
        assert_eq!(server, "at host:5433, database app");
    }
}
