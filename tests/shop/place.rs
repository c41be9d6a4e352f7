//! What the shop stands on.

use std::net::SocketAddr;
use std::process::Stdio;

use longshore_sandbox::PostgresServer;
use longshore_tests::{Stage, User, eventually, http, program};
use serde_json::Value;
use tokio::process::{Child, Command};

/// What the shop and the workers both know.
const SECRET: &str = "whsec_c2hvcC1hbmQtbG9uZ3Nob3JlLXNlY3JldA==";

/// A Redis with the providers, a Postgres, and the shop as a process of its own. All of it is gone when this is.
pub(crate) struct Place {
    // Dropped before what it stands on.
    _shop: Child,
    pub(crate) shop: SocketAddr,
    pub(crate) postgres: PostgresServer,
    pub(crate) stage: Stage,
}

impl Place {
    pub(crate) async fn set() -> Self {
        let mut stage = Stage::set().await;
        let postgres = PostgresServer::start().expect("a private Postgres starts");
        let shop = free_addr();
        for (name, value) in [
            ("RETRY__SCHEDULE_SECONDS", "[1, 2, 4]"),
            ("PROVIDERS__SENDGRID__BREAKER__FAILURES", "5"),
            ("PROVIDERS__SENDGRID__BREAKER__OPEN_SECONDS", "1"),
            ("EMAIL__TEMPLATES__ORDER_CONFIRMATION", "d-order"),
            ("EVENTS__URL", &format!("http://{shop}/events")),
            ("EVENTS__SECRET", SECRET),
            ("EVENTS__ON", r#"["completed", "dead"]"#),
        ] {
            stage.set_for_all(name, value);
        }
        let child = Command::new(program().with_file_name("shop"))
            .env("DATABASE_URL", postgres.url())
            .env("REDIS_URL", User::Producer.at(&stage.redis.url()))
            .env("EVENTS_SECRET", SECRET)
            .env("SHOP_ADDR", shop.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the shop is built: cargo build -p shop");
        eventually("the shop listens", || async {
            tokio::net::TcpStream::connect(shop).await.is_ok()
        })
        .await;
        Self {
            _shop: child,
            shop,
            postgres,
            stage,
        }
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &str) -> usize {
        let count = self.postgres.sql(&format!("SELECT count(*) FROM {table}"));
        count.parse().expect("a number")
    }

    /// What the shop knows of an order's mail; `None` where it has no such order.
    pub(crate) async fn mail_of(&self, order: &str) -> Option<String> {
        let (status, body) = http::get(self.shop, &format!("/orders/{order}")).await;
        assert!(status == 200 || status == 404, "{status}: {body}");
        let order: Value = serde_json::from_str(&body).ok()?;
        order["mail"].as_str().map(str::to_owned)
    }
}

/// A free port, bound, noted and let go: the workers have to know it before the shop is there.
fn free_addr() -> SocketAddr {
    let bound = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    bound.local_addr().expect("an address")
}
