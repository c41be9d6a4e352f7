//! The outbox on a real Postgres and a real Redis.

mod carried;
mod held;
mod producers;
mod tls;

use std::sync::Arc;

use longshore_email::SendEmail;
use longshore_geocode::GeocodeAddress;
use longshore_job::{JobId, KindSpec, Kinds};
use longshore_outbox::{Carrier, CarrierOptions, HeldRows, OutboxTable, SCHEMA};
use longshore_provider::secret::{Secret, SecretString};
use longshore_queue::{JobInfo, Link, LinkOptions, Queue};
use longshore_sandbox::{PostgresServer, RedisServer};
use longshore_tests::eventually;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A database with the table, and a Redis.
struct Stage {
    postgres: PostgresServer,
    database: &'static str,
    redis: RedisServer,
    link: Link,
}

/// A carrier that runs until it is stopped.
struct Running {
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Stage {
    fn new() -> Self {
        Self::on("postgres")
    }

    /// With a database without an encoding: it takes any bytes as text.
    fn without_encoding() -> Self {
        Self::on("bytes")
    }

    fn on(database: &'static str) -> Self {
        let postgres = PostgresServer::start().expect("a private Postgres starts");
        let redis = RedisServer::start().expect("a private Redis starts");
        let link = Link::new(&redis.url(), LinkOptions::default()).expect("the URL is good");
        let stage = Self {
            postgres,
            database,
            redis,
            link,
        };
        if database != "postgres" {
            let create =
                format!("CREATE DATABASE {database} ENCODING 'SQL_ASCII' TEMPLATE template0");
            stage.postgres.sql(&create);
        }
        stage.sql(SCHEMA);
        stage
    }

    fn sql(&self, sql: &str) -> String {
        self.postgres
            .sql(&format!("\\connect {}\n{sql}", self.database))
    }

    fn queue(&self, name: &str) -> Queue {
        Queue::new(self.link.clone(), "t", name).expect("the names are good")
    }

    fn kinds() -> Kinds {
        Kinds::new([
            KindSpec::of::<SendEmail>(),
            KindSpec::of::<GeocodeAddress>(),
        ])
    }

    fn url(&self) -> Secret {
        let url = self.postgres.url();
        let url = url.replace("/postgres", &format!("/{}", self.database));
        SecretString::from(url).into()
    }

    /// Starts a carrier of these kinds.
    async fn carry_kinds(&self, kinds: Kinds) -> Running {
        let options = CarrierOptions {
            database_url: self.url(),
            ca_file: None,
            table: OutboxTable::default(),
            private_addr: "127.0.0.1:0".parse().expect("an address"),
        };
        let queue = |name: &str| Ok::<_, String>(self.queue(name));
        let carrier = Carrier::new(options, &self.link, kinds, queue).expect("the URL is good");
        let listening = carrier.listen().await.expect("a free port");
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(listening.carry(async move { stopped.notified().await }));
        Running { stop, task }
    }

    async fn carry(&self) -> Running {
        self.carry_kinds(Self::kinds()).await
    }

    async fn held_rows(&self) -> HeldRows {
        let rows = HeldRows::open(self.url(), None, OutboxTable::default()).await;
        rows.expect("connects")
    }

    /// Code and reason of what is held, by id.
    async fn held(&self) -> Vec<(String, String, String)> {
        let rows = self.held_rows().await.list(100).await.expect("lists");
        let rows = rows.into_iter().map(|row| (row.id, row.code, row.reason));
        rows.collect()
    }

    /// Inserts a row by these columns and values, and returns its id.
    fn insert(&self, columns: &str, values: &str) -> JobId {
        let sql =
            format!("INSERT INTO longshore_outbox ({columns}) VALUES ({values}) RETURNING id");
        self.sql(&sql).parse().expect("an id")
    }

    /// A mail to this address.
    fn insert_mail(&self, to: &str) -> JobId {
        let args = format!(r#"{{"template":"welcome","to":{{"email":"{to}"}},"data":{{}}}}"#);
        self.insert("kind, args", &format!("'send_email', '{args}'"))
    }

    async fn job(&self, queue: &str, id: JobId) -> Option<JobInfo> {
        self.queue(queue).job(&id.into()).await.expect("asks")
    }

    /// Waits until the table has no row that waits.
    async fn until_carried(&self) {
        let waits = "SELECT count(*) FROM longshore_outbox WHERE held_at IS NULL";
        eventually("all rows are carried or held", || async {
            self.sql(waits) == "0"
        })
        .await;
    }

    /// The same, and none is held.
    async fn until_all_carried(&self) {
        self.until_carried().await;
        assert_eq!(self.held().await, []);
    }

    async fn enqueued(&self, queue: &str) -> u64 {
        let stats = self.queue(queue).stats().await.expect("counts");
        stats.counter("enqueued")
    }
}

impl Running {
    async fn stop(self) {
        self.stop.notify_one();
        self.task.await.expect("it ends by itself");
    }
}
