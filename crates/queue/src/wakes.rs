//! Being woken: one subscription for all queues of a process on one server, so that waiting costs no connection of its own per
//! queue.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_job::JobId;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::enqueue::millis;
use crate::private::BEFORE_SEALED;
use crate::{Link, Node, Open, Queue, QueueError, script};

/// How often the connection is asked whether it still stands: a message on one that is dead would be heard by nobody.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// How long the table of those who wait stays when nobody is added: longer than anybody waits.
const WAITERS_STAY: Duration = Duration::from_secs(3600);

/// The first wait after a connection that failed; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(50);

/// The longest one.
const RETRY_LONGEST: Duration = Duration::from_secs(1);

/// What a queue is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// There may be work.
    Work,
    /// A job has ended that somebody here waits for ([`Queue::tell_end`]).
    Ended(JobId),
    /// A private result of a job that somebody here waits for, encrypted to their key ([`WaiterKey`](crate::WaiterKey)).
    Private(JobId, Arc<[u8]>),
    /// Jobs of this process are asked to stop ([`Wakes::stop_channel`]).
    Stop,
    /// The subscription is broken: until it stands again nothing is heard.
    Broken,
}

type Tell = dyn Fn(Heard) + Send + Sync;

/// The subscription.
pub struct Wakes {
    link: Link,
    channels: Mutex<HashMap<String, Arc<Tell>>>,
    /// There is a channel more.
    more: Notify,
    /// It stands: what is published is heard.
    stands: AtomicBool,
}

impl Wakes {
    /// One for queues on this server; nothing is opened before [`Wakes::run`].
    #[must_use]
    pub fn new(link: &Link) -> Self {
        Self {
            link: link.clone().called("wakes"),
            channels: Mutex::default(),
            more: Notify::new(),
            stands: AtomicBool::new(false),
        }
    }

    /// A channel on which a worker of the queue is woken, or a producer told that its job has ended.
    #[must_use]
    pub fn channel(&self, queue: &Queue, tell: impl Fn(Heard) + Send + Sync + 'static) -> Channel {
        let name = format!("{}:{}", queue.keys().idle, JobId::generate());
        self.add(name.clone(), tell);
        Channel(name)
    }

    /// Has `tell` told when running jobs of a process ([`Lease::process`](crate::Lease::process)) are asked to stop.
    pub fn stop_channel(
        &self,
        queue: &Queue,
        process: &str,
        tell: impl Fn(Heard) + Send + Sync + 'static,
    ) {
        self.add(format!("{}:stop:{process}", queue.keys().idle), tell);
    }

    fn add(&self, name: String, tell: impl Fn(Heard) + Send + Sync + 'static) {
        self.lock().insert(name, Arc::new(tell));
        self.more.notify_one();
    }

    /// Whether what is published is heard.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.stands.load(Ordering::Acquire)
    }

    /// Listens for ever; a connection that fails is opened again. Those who are told of work look; those who were not, since
    /// the subscription did not stand, look as soon as it does. `refused` is told why Redis does not let us listen, once.
    pub async fn run(&self, refused: impl Fn(&QueueError)) {
        let mut wait = RETRY_FIRST;
        loop {
            let listened = self.listen().await;
            let first = wait == RETRY_FIRST;
            if self.stands.swap(false, Ordering::AcqRel) {
                self.tell_broken();
                wait = RETRY_FIRST;
            } else if first && let Err(error @ QueueError::Refused { .. }) = &listened {
                refused(error);
            }
            sleep(wait).await;
            wait = (wait * 2).min(RETRY_LONGEST);
        }
    }

    /// Listens until the connection fails.
    async fn listen(&self) -> Result<(), QueueError> {
        let (pushes, mut pushed) = mpsc::unbounded_channel();
        let mut nodes = HashMap::new();
        let mut subscribed = 0;
        let mut ask = interval(ASK_EVERY);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ask.reset();
        loop {
            let names = self.names();
            if names.len() > subscribed {
                self.subscribe(&mut nodes, &names, &pushes).await?;
                subscribed = names.len();
                self.stands.store(true, Ordering::Release);
                // A channel that came since does not stand yet.
                for name in &names {
                    self.tell(name, Heard::Work);
                }
            }
            tokio::select! {
                push = pushed.recv() => match push.as_ref().and_then(heard_on) {
                    Some((channel, heard)) => self.tell(&channel, heard),
                    None if ended(push.as_ref()) => return Ok(()),
                    None => {}
                },
                () = self.more.notified() => {}
                _ = ask.tick() => {
                    for connection in nodes.values() {
                        self.link.command_over::<Value>(connection, &redis::cmd("PING")).await?;
                    }
                }
            }
        }
    }

    /// Each by itself: in a cluster they are of different slots, and each node has a connection of its own.
    async fn subscribe(
        &self,
        nodes: &mut HashMap<Node, Open>,
        names: &[String],
        pushes: &UnboundedSender<PushInfo>,
    ) -> Result<(), QueueError> {
        for name in names {
            let node = self.link.node_of(name).await?;
            let connection = match nodes.entry(node) {
                Entry::Occupied(open) => open.into_mut(),
                Entry::Vacant(none) => {
                    let open = self.link.listening(none.key(), pushes.clone()).await?;
                    none.insert(open)
                }
            };
            let mut command = redis::cmd("SSUBSCRIBE");
            command.arg(name);
            self.link
                .command_over::<Value>(connection, &command)
                .await?;
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn tell(&self, channel: &str, heard: Heard) {
        let tell = self.lock().get(channel).cloned();
        if let Some(tell) = tell {
            tell(heard);
        }
    }

    fn tell_broken(&self) {
        for name in self.names() {
            self.tell(&name, Heard::Broken);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Tell>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Wakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wakes")
            .field("link", &self.link)
            .field("channels", &self.names())
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// Has the end of a job told on this channel, once; and until then its private results, encrypted to the public half of a key
    /// ([`WaiterKey`](crate::WaiterKey)), if there is one. A job that has ended before is told of to nobody: look after this call.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn tell_end(
        &self,
        job: JobId,
        channel: &Channel,
        key: Option<&str>,
    ) -> Result<(), QueueError> {
        script::WAIT
            .on(&[&self.keys.waiters])
            .arg(job.to_string())
            .arg(channel.as_str())
            .arg(millis(WAITERS_STAY))
            .arg(key.unwrap_or_default())
            .run::<u8>(&self.link)
            .await
            .map(drop)
    }
}

/// What somebody listens on: a worker while it is idle, a producer who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel(String);

impl Channel {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a worker learns of work for the slots that a claim leaves free.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spare<'a> {
    /// It would claim again after this time by itself. Where jobs come so fast that this is cheaper than being woken for each,
    /// [`Claim::look_in`](crate::Claim::look_in) says that it has to. Zero: it would not.
    pub look_in: Duration,
    /// It is woken on this channel. `None`: it is not woken, and others are.
    pub channel: Option<&'a Channel>,
    /// The worker has several slots, and the claim is for all of them that are free: the last one is kept for jobs of high
    /// priority, where there have been some within a day.
    pub keeps_one: bool,
}

/// The channel that a message came on, and what it says.
fn heard_on(push: &PushInfo) -> Option<(String, Heard)> {
    let [Value::BulkString(channel), Value::BulkString(said)] = &push.data[..] else {
        return None;
    };
    if push.kind != PushKind::SMessage {
        return None;
    }
    let channel = String::from_utf8(channel.clone()).ok()?;
    if let Some(heard) = private_in(said) {
        return Some((channel, heard));
    }
    let heard = match std::str::from_utf8(said).unwrap_or_default() {
        "stop" => Heard::Stop,
        said => said.parse().map_or(Heard::Work, Heard::Ended),
    };
    Some((channel, heard))
}

/// A job's id, and what is encrypted behind it.
fn private_in(said: &[u8]) -> Option<Heard> {
    let end = said.iter().position(|byte| *byte == BEFORE_SEALED)?;
    let job = std::str::from_utf8(&said[..end]).ok()?.parse().ok()?;
    Some(Heard::Private(job, said[end + 1..].into()))
}

/// Whether nothing more will come: the connection is closed, or Redis has ended a subscription (its slot moves).
fn ended(push: Option<&PushInfo>) -> bool {
    push.is_none_or(|push| matches!(push.kind, PushKind::Disconnection | PushKind::SUnsubscribe))
}
