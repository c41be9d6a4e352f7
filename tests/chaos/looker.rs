//! Somebody who looks at the console's pages all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_tests::{gone_by, http};
use tokio::task::JoinHandle;

use crate::roles::{Door, VISITOR};

/// How often they look.
const EVERY: Duration = Duration::from_millis(250);

/// How long a page may take: Redis may be away for three seconds of each of its questions, and the machine may be slow. Longer
/// means never.
const PATIENCE: Duration = Duration::from_secs(40);

/// What they look at.
const PAGES: [&str; 14] = [
    "/",
    "/queues/email",
    "/queues/sms",
    "/queues/payment-reconcile",
    "/queues/svc-crm",
    "/queues/export-cleanup",
    "/dead",
    "/workers",
    "/operations",
    "/cron",
    "/audit",
    "/suppressions",
    "/search",
    "/queues/email/pause",
];

/// What they saw.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    pub(crate) seen: usize,
    /// Pages that said that Redis is away.
    pub(crate) away: usize,
    pub(crate) misbehaved: Vec<String>,
}

/// The one who looks.
pub(crate) struct Looker {
    over: Arc<AtomicBool>,
    looking: JoinHandle<Looks>,
}

impl Looker {
    pub(crate) fn start(door: Door) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let looking = tokio::spawn(look(door, Arc::clone(&over)));
        Self { over, looking }
    }

    /// Ends it.
    pub(crate) async fn end(self) -> Looks {
        self.over.store(true, Ordering::Release);
        self.looking.await.expect("it does not panic")
    }
}

async fn look(door: Door, over: Arc<AtomicBool>) -> Looks {
    let mut looks = Looks::default();
    for page in PAGES.iter().cycle() {
        if over.load(Ordering::Acquire) {
            break;
        }
        let since = Instant::now();
        let changes = door.changes();
        let headers = [(VISITOR, "ops")];
        let what = format!("GET {page}");
        match http::try_request(door.addr, &what, &headers, "", PATIENCE).await {
            Some((200, _)) => looks.seen += 1,
            // It says that Redis is away, and since when.
            Some((503, _)) => looks.away += 1,
            None if !door.was_open(changes) => {}
            None => {
                let after = since.elapsed().as_millis();
                let what = format!("console: {page} was not answered within {after} ms");
                looks.misbehaved.push(what);
            }
            Some((status, _)) => {
                let what = format!("console: {page} was answered {status}");
                looks.misbehaved.push(what);
            }
        }
        gone_by(EVERY, since).await;
    }
    looks
}
