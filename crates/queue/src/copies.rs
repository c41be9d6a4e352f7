//! Waiting until enough replicas have what was written, so that a failover does not forget it (`redis.wait_replicas`).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_job::JobId;
use redis::{Cmd, Value};
use tokio::sync::{Mutex, oneshot};

use crate::enqueue::millis;
use crate::value::read;
use crate::{Enqueued, Key, Link, LinkOptions, NewJob, Node, Queue, QueueError, RawId, script};

/// How long replicas may take to acknowledge a write. One that keeps up takes a round trip.
pub const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(1);

/// The waits of one process for one Redis.
pub(crate) struct Copies {
    replicas: NonZeroU32,
    link: Link,
    /// In a cluster each primary has replicas of its own.
    by_node: StdMutex<HashMap<Node, Arc<Waits>>>,
}

/// The waits for one server.
///
/// They have a connection of their own, since a WAIT holds up everything behind it. Redis's WAIT waits for the last write
/// *of its own connection*; what other connections wrote before that write is older in the same stream, and so is
/// acknowledged with it. Each wait therefore begins with a write of no meaning (`lua/copied.lua`).
///
/// That connection may be to another server than the one that has answered: a replica that was promoted meanwhile, and may
/// lack the very write that is asked about. So each wait also looks, over the same connection and before that write,
/// whether what it is about is there.
///
/// Callers that come while a wait is under way share the next one: a wait says nothing of what was written after it began.
#[derive(Default)]
struct Waits {
    waiting: StdMutex<Vec<Waiting>>,
    turn: Mutex<()>,
}

/// A caller.
struct Waiting {
    /// What it asks the server that is waited for.
    looks: Vec<Cmd>,
    /// The key of its queue's that is written to.
    key: String,
    tell: oneshot::Sender<Result<Vec<Value>, QueueError>>,
}

/// Something that was written, or was there before, and is to be found on the server that is waited for.
enum Written<'a> {
    /// A job.
    Job(JobId),
    /// Jobs that a carrier has brought, all of one hour, and the key that has the ids of that hour.
    Carried(String, &'a [NewJob]),
    /// A key that stands for a job.
    Key(&'a Key, JobId),
}

impl Copies {
    pub(crate) fn new(replicas: NonZeroU32, link: &Link) -> Self {
        let options = LinkOptions {
            // One may still be under way whose caller has gone away.
            response_timeout: ACKNOWLEDGED_WITHIN * 2 + Duration::from_secs(1),
            ..link.options()
        };
        Self {
            replicas,
            link: link.plain(options).called("copies"),
            by_node: StdMutex::default(),
        }
    }

    /// How many replicas have to have a write.
    pub(crate) fn replicas(&self) -> u32 {
        self.replicas.get()
    }

    /// Waits until enough replicas have everything that was answered before this call. Returns what each of `looks` found on
    /// the server that they copy.
    async fn wait(&self, looks: Vec<Cmd>, key: &str) -> Result<Vec<Value>, QueueError> {
        let node = self.link.node_of(key).await?;
        let waits = Arc::clone(lock(&self.by_node).entry(node).or_default());
        loop {
            let (tell, mut told) = oneshot::channel();
            let waiting = Waiting {
                looks: looks.clone(),
                key: key.to_owned(),
                tell,
            };
            lock(&waits.waiting).push(waiting);
            tokio::select! {
                biased;
                answer = &mut told => match answer {
                    Ok(answer) => return answer,
                    // Whoever waited for all was dropped half way.
                    Err(_) => continue,
                },
                turn = waits.turn.lock() => {
                    let all = std::mem::take(&mut *lock(&waits.waiting));
                    self.wait_for(all).await;
                    drop(turn);
                }
            }
            // Ours was among them, or among those that were taken before.
            if let Ok(answer) = told.await {
                return answer;
            }
        }
    }

    /// One wait for all of them.
    async fn wait_for(&self, all: Vec<Waiting>) {
        match self.ask(&all).await {
            Ok(found) => {
                let mut found = found.into_iter();
                for waiting in all {
                    // All of its answers are taken, also after one that is an error: else the next caller would get the rest.
                    let own: Vec<_> = found.by_ref().take(waiting.looks.len()).collect();
                    // It may have given up.
                    let _ = waiting.tell.send(own.into_iter().collect());
                }
            }
            Err(error) => {
                for waiting in all {
                    let _ = waiting.tell.send(Err(error.clone()));
                }
            }
        }
    }

    /// Looks, writes, and waits, in this order and over one connection: it ends where its server is another one.
    async fn ask(&self, all: &[Waiting]) -> Result<Vec<Result<Value, QueueError>>, QueueError> {
        let Some(first) = all.first() else {
            return Ok(Vec::new());
        };
        let connection = self.link.connection(&first.key).await?;
        let mut looks = redis::pipe();
        for look in all.iter().flat_map(|waiting| &waiting.looks) {
            looks.add_command(look.clone());
        }
        let found = self.link.each_over(&connection, &looks).await?;
        let write = script::COPIED.on(&[&first.key]);
        write.run_over::<u8>(&self.link, &connection).await?;
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas.get())
            .arg(millis(ACKNOWLEDGED_WITHIN));
        let acknowledged: u32 = self.link.command_over(&connection, &wait).await?;
        if acknowledged < self.replicas.get() {
            return Err(QueueError::NotCopied {
                server: self.link.server().to_owned(),
                wanted: self.replicas.get(),
                acknowledged,
            });
        }
        Ok(found)
    }
}

fn lock<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// How many replicas have to have what is accepted; `None` where that is not asked for.
    #[must_use]
    pub fn wait_replicas(&self) -> Option<u32> {
        self.link.copies().map(Copies::replicas)
    }

    /// Whether a claim is still the caller's once enough replicas know of it; at once where that is not asked for. What was
    /// claimed before it on the same timeline they know of as well.
    ///
    /// # Errors
    /// [`QueueError::NotCopied`] when too few do in time; or when Redis cannot be reached or refuses.
    pub async fn claim_is_copied(&self, id: &RawId, token: &str) -> Result<bool, QueueError> {
        let Some(copies) = self.link.copies() else {
            return Ok(true);
        };
        let mut look = redis::cmd("HGET");
        look.arg(&self.keys.inflight).arg(id.as_bytes());
        let owner = copies.wait(vec![look], &self.keys.copied).await?.pop();
        let owner = owner.map(read::<Option<Vec<u8>>>).transpose()?.flatten();
        Ok(owner.is_some_and(|owner| owner == token.as_bytes()))
    }

    /// Waits until enough replicas have what an enqueue was answered. Each job is looked for, since some may have been known from
    /// an earlier call. And of each duplicate, whether its key stands for the job that was named, unless that is of the same call.
    pub(crate) async fn enqueued_is_copied(
        &self,
        jobs: &[NewJob],
        enqueued: &[Enqueued],
    ) -> Result<(), QueueError> {
        if self.link.copies().is_none() {
            return Ok(());
        }
        let own: HashSet<JobId> = jobs.iter().map(|job| job.id).collect();
        let of_each = jobs.iter().zip(enqueued);
        let written = of_each.filter_map(|(job, enqueued)| match &job.key {
            Some(key) if enqueued.duplicate => {
                let is_others = !own.contains(&enqueued.id);
                is_others.then_some(Written::Key(key, enqueued.id))
            }
            _ => Some(Written::Job(job.id)),
        });
        self.is_copied(&written.collect::<Vec<_>>()).await
    }

    /// Waits until enough replicas know that these were carried, all of them in one hour.
    pub(crate) async fn carried_is_copied(&self, jobs: &[NewJob]) -> Result<(), QueueError> {
        let Some(first) = jobs.first() else {
            return Ok(());
        };
        let of_hour = self.keys.carried_like(first.id);
        self.is_copied(&[Written::Carried(of_hour, jobs)]).await
    }

    /// Waits until enough replicas have this job.
    pub(crate) async fn job_is_copied(&self, id: JobId) -> Result<(), QueueError> {
        self.is_copied(&[Written::Job(id)]).await
    }

    /// All of `written` has to be there: one job says nothing of another, which may have been enqueued at another time.
    async fn is_copied(&self, written: &[Written<'_>]) -> Result<(), QueueError> {
        let Some(copies) = self.link.copies() else {
            return Ok(());
        };
        let looks = written.iter().map(|written| self.look_for(written));
        let found = match copies.wait(looks.collect(), &self.keys.copied).await {
            // Not of what was written, which may stand there.
            Err(QueueError::Passing { server, reason }) => {
                return Err(QueueError::Unreachable { server, reason });
            }
            found => found?,
        };
        if found.len() != written.len() || written.is_empty() {
            return Err(QueueError::unexpected(
                "an answer for each job was expected",
            ));
        }
        for (written, found) in written.iter().zip(found) {
            if !written.is_in(found)? {
                return Err(QueueError::Unreachable {
                    server: self.link.server().to_owned(),
                    reason: "it failed over before enough replicas had what it took".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn look_for(&self, written: &Written<'_>) -> Cmd {
        let mut look;
        match written {
            Written::Job(id) => {
                look = redis::cmd("HEXISTS");
                look.arg(&self.keys.data).arg(id.to_string());
            }
            Written::Carried(of_hour, jobs) => {
                look = redis::cmd("SMISMEMBER");
                look.arg(of_hour);
                for job in *jobs {
                    look.arg(job.id.to_string());
                }
            }
            Written::Key(key, _) => {
                look = redis::cmd("GET");
                look.arg(self.key_of(key));
            }
        }
        look
    }
}

impl Written<'_> {
    /// Whether it is there, by the answer to its look.
    fn is_in(&self, found: Value) -> Result<bool, QueueError> {
        Ok(match self {
            Self::Job(_) => read(found)?,
            Self::Carried(_, jobs) => {
                let found: Vec<bool> = read(found)?;
                found.len() == jobs.len() && found.into_iter().all(|is_there| is_there)
            }
            Self::Key(_, holder) => {
                let text: Option<Vec<u8>> = read(found)?;
                // `lua/part/key.lua`: "<id> <at> …".
                text.is_some_and(|text| text.starts_with(format!("{holder} ").as_bytes()))
            }
        })
    }
}

impl fmt::Debug for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copies")
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}
