//! Errors, told to Sentry: what becomes a dead letter and should not have, and what goes wrong with a process itself.
//!
//! Whoever has something to tell puts it into a bounded channel and goes on; a thread of its own counts it, makes
//! events of it and posts them. So Sentry being slow or away delays no job, and what waits for it is bounded: 4,096
//! troubles, 256 causes, 32 envelopes. Without a DSN there is no thread and no channel.
//!
//! Nothing of a job's args can get into an event: they never get here. What does is redacted before it is sent.

mod digest;
mod event;
mod post;
mod scrub;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longshore_worker::{NewDeadLetter, Watch};
use sentry::Client;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::{Config, SENTRY_DSN, parse_dsn};
use crate::failure::Failure;
use crate::secrets::Secrets;
use digest::Digest;
use event::event;
use post::{EnvelopeQueue, EnvelopeSender};
use trouble::Trouble;

/// How many troubles wait to be counted. A dead letter takes about a microsecond to count.
const WAITING: usize = 4096;

/// How long leaving may take for what is left to tell.
const FLUSHED_WITHIN: Duration = Duration::from_secs(2);

/// Carries a command out, its errors reported if there is a DSN. `command` is its name.
///
/// # Errors
/// Those of the command; a DSN that cannot be used is one of the input.
pub(crate) async fn reported<F>(
    config: &Config,
    command: &'static str,
    carry_out: impl FnOnce(Option<Arc<dyn Watch>>) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let Some(sentry) = Sentry::start(config).await? else {
        return carry_out(None).await;
    };
    let ended = carry_out(Some(Arc::clone(&sentry.ear) as _)).await;
    if let Err(failure) = &ended {
        sentry.ear.failed(command, failure);
    }
    sentry.leave().await;
    ended
}

/// The thread that tells Sentry.
struct Sentry {
    ear: Arc<Inbox>,
    leave: oneshot::Sender<()>,
    left: oneshot::Receiver<()>,
}

impl Sentry {
    /// `None` without a DSN.
    async fn start(config: &Config) -> Result<Option<Self>, Failure> {
        let Some(settings) = &config.sentry else {
            return Ok(None);
        };
        let key = SENTRY_DSN;
        let secrets = Secrets::new(config)?;
        let dsn = secrets.get(key, &settings.dsn).await?;
        let dsn = parse_dsn(
            secrecy::ExposeSecret::expose_secret(&dsn.current()),
            settings.only_https,
        )
        .map_err(|problem| Failure::Input(format!("{key} {problem}")))?;
        let (ear, troubles) = Inbox::new();
        let post = EnvelopeSender::new(&dsn).map_err(Failure::failed)?;
        let (post_box, letters) = EnvelopeQueue::new();
        let options = event::options(dsn, config.profile.clone(), post_box);
        let (leave, leaving) = oneshot::channel();
        let (end, left) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::failed)?;
        let missed = Arc::clone(&ear);
        std::thread::Builder::new()
            .name("sentry".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let posting = tokio::spawn(post.run(letters));
                    // Gone with its end, and with it the box: then the post has nothing to wait for.
                    listen(Client::with_options(options), troubles, &missed, leaving).await;
                    let _ = posting.await;
                });
                let _ = end.send(());
            })
            .map_err(Failure::failed)?;
        ear.hear_panics();
        Ok(Some(Self { ear, leave, left }))
    }

    /// Tells what is left to tell, for at most two seconds.
    async fn leave(self) {
        let _ = self.leave.send(());
        if timeout(FLUSHED_WITHIN, self.left).await.is_err() {
            tracing::warn!("Sentry did not take the last errors in time");
        }
    }
}

/// Counts troubles and tells them, until it is to leave; then it tells the rest.
async fn listen(
    client: Client,
    mut troubles: mpsc::Receiver<Trouble>,
    ear: &Inbox,
    mut leaving: oneshot::Receiver<()>,
) {
    let mut digest = Digest::default();
    let tell = |told: Vec<(Trouble, u64)>| {
        for (trouble, count) in told {
            let missed = ear.missed.swap(0, Ordering::Relaxed);
            client.capture_event(event(&trouble, count, missed), None);
        }
    };
    loop {
        let now = Instant::now();
        tell(digest.due(now));
        let next = digest.next_due().unwrap_or(now + Duration::from_secs(3600));
        tokio::select! {
            biased;
            Some(trouble) = troubles.recv() => tell(digest.add(trouble, Instant::now())),
            _ = &mut leaving => break,
            () = sleep_until(next) => {}
        }
    }
    while let Ok(trouble) = troubles.try_recv() {
        tell(digest.add(trouble, Instant::now()));
    }
    tell(digest.rest());
}

/// Where troubles are told.
#[derive(Debug)]
struct Inbox {
    troubles: mpsc::Sender<Trouble>,
    /// What came when too much was waiting.
    missed: AtomicU64,
}

impl Inbox {
    fn new() -> (Arc<Self>, mpsc::Receiver<Trouble>) {
        let (troubles, told) = mpsc::channel(WAITING);
        let missed = AtomicU64::new(0);
        (Arc::new(Self { troubles, missed }), told)
    }

    fn take(&self, trouble: Trouble) {
        if self.troubles.try_send(trouble).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn failed(&self, command: &'static str, failure: &Failure) {
        if let Some(trouble) = Trouble::failed(command, failure) {
            self.take(trouble);
        }
    }

    /// Hears of panics, beside the hook that logs them.
    fn hear_panics(self: &Arc<Self>) {
        let ear = Arc::clone(self);
        let log = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            log(panic);
            ear.take(Trouble::panic(panic));
        }));
    }
}

impl Watch for Inbox {
    fn dead(&self, letter: &NewDeadLetter<'_>) {
        if let Some(trouble) = Trouble::dead(letter) {
            self.take(trouble);
        }
    }

    fn refused(&self, queue: &str, provider: &str) {
        self.take(Trouble::Refused {
            queue: queue.to_owned(),
            provider: provider.to_owned(),
        });
    }
}
