//! `outbox.*`: the table in the app's Postgres, and who carries its jobs into the queue.

use std::net::SocketAddr;
use std::path::PathBuf;

use longshore_integration::section;
use longshore_integration::settings::{
    KeyPath, Reader, SecretRef, listen_addr, secret_by, text_by,
};
use longshore_outbox::OutboxTable;
use secrecy::ExposeSecret;

section! {
    /// How jobs come into the queue that an app enqueues in its own database.
    pub struct OutboxSettings in "outbox" {
        /// `postgres://user:password@host/database`. The connection has TLS, unless the server is on this machine or the URL ends
        /// with `?sslmode=disable`. It may be a reference, which is read again when the server refuses the password.
        pub database_url: Option<SecretRef> = "database_url" as DATABASE_URL,
            secret_by(url).optional().example("file:/run/secrets/outbox-database-url");
        /// A PEM file with the certificates of those who vouch for the server, beside those that the system trusts.
        pub ca_file: Option<PathBuf> = "ca_file" as CA_FILE,
            text_by(file).optional().example("/etc/longshore/postgres-ca.pem");
        /// The table, with its schema and a dot before it where it is not in the search path. `longshore outbox schema` prints
        /// its definition.
        pub table: OutboxTable = "table" as TABLE, text_by(table).or("longshore_outbox");
        /// Where `longshore outbox` serves `/livez`, `/readyz` and `/metrics`. Port 0 picks a free one.
        pub private_addr: SocketAddr = "private_addr" as PRIVATE_ADDR, listen_addr().or("127.0.0.1:9471");
    }
}

fn url(reader: &mut Reader<'_>, path: &KeyPath) -> Option<SecretRef> {
    let url = SecretRef::new(reader.text(path)?);
    if let Err((problem, cure)) = url.check() {
        reader.error(path, problem, cure);
        return None;
    }
    let text = url.expose_secret();
    let is_one = ["postgres://", "postgresql://"];
    if !url.is_reference() && !is_one.iter().any(|scheme| text.starts_with(scheme)) {
        let cure = "write postgres://user:password@host/database, or a reference to it";
        reader.error(path, "is no URL of a Postgres", cure);
        return None;
    }
    Some(url)
}

fn table(reader: &mut Reader<'_>, path: &KeyPath) -> Option<OutboxTable> {
    match reader.text(path)?.parse() {
        Ok(table) => Some(table),
        Err(error) => {
            let cure = "write a plain name such as longshore_outbox, with its schema and a dot before it if need be";
            reader.error(path, format!("cannot be used: {error}"), cure);
            None
        }
    }
}

fn file(reader: &mut Reader<'_>, path: &KeyPath) -> Option<PathBuf> {
    super::redis::file(reader, path)
}
