//! Which connections there are, whose they are, and which of them has to go when there is no room.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::bounds::Bounds;
use crate::log_limit::LogLimit;
use crate::metrics::{Counts, Metrics, Why};
use crate::peer::Peer;

/// A client may keep an answer waiting for so long, and longer for a long answer. Then it may be cut off when others need its place or
/// its memory.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// So much of an answer takes a second more.
const TAKEN_PER_SECOND: u64 = 256 << 10;

/// A client that takes nothing at all for so long is gone, whoever needs its place.
const GONE_AFTER: Duration = Duration::from_secs(60);

/// A connection that has waited no longer is not closed for its descriptor: an honest request takes milliseconds.
const IDLE_FOR: Duration = Duration::from_secs(1);

/// Where a connection is in its current request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A header is waited for, or has come in part.
    Header,
    /// A body is waited for, or has come in part.
    Body,
    /// The request is complete, and its answer is being made.
    Answer,
    /// What there is of the answer is for the client to take.
    Taking,
}

#[derive(Debug)]
struct Connection {
    /// Who opened it.
    from: Peer,
    /// Who opened it is a proxy that we trust: whom its requests come from is known only with their headers.
    is_proxy: bool,
    /// Whom the current request comes from.
    peer: Peer,
    stage: Stage,
    since: Instant,
    /// What is held of its body, in bytes.
    bytes: usize,
    /// How much there was of its answer so far, in bytes.
    answered: u64,
    /// For how long the client let the answer wait before.
    waited: Duration,
    /// Closes it. Used up once it has been told to close.
    close: Option<oneshot::Sender<()>>,
}

#[derive(Debug, Default)]
struct Connections {
    next: u64,
    open: HashMap<u64, Connection>,
    /// What is held of all bodies, in bytes.
    bytes: usize,
}

/// All connections of a listener.
#[derive(Debug)]
pub(crate) struct Register {
    bounds: Bounds,
    connections: Mutex<Connections>,
    counts: Counts,
    /// A connection has ended.
    pub(crate) left: Notify,
    log: LogLimit,
}

/// A connection's place. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) handle: Handle,
    /// Ready when the connection has to go.
    pub(crate) closed: oneshot::Receiver<()>,
}

/// A connection's entry, for whoever serves its requests. Without effect once the connection has ended.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    register: Arc<Register>,
    id: u64,
}

impl Register {
    pub(crate) fn new(bounds: Bounds, metrics: &Metrics) -> Arc<Self> {
        let counts = metrics.of(bounds.name, bounds.connections);
        Arc::new(Self {
            bounds,
            connections: Mutex::default(),
            counts,
            left: Notify::new(),
            log: LogLimit::default(),
        })
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Takes a connection in. `None` while there are as many as there may be: then another one has been told to close, if
    /// any may be, and [`Register::left`] says when one has.
    pub(crate) fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let mut connections = self.lock();
        if connections.open.len() >= self.bounds.connections {
            let closing = |connection: &Connection| connection.close.is_none();
            if !connections.open.values().any(closing) {
                self.make_room(&mut connections);
            }
            return None;
        }
        let peer = Peer::of(from);
        let is_proxy = self.bounds.proxies.has(from);
        let (close, closed) = oneshot::channel();
        let id = connections.next;
        connections.next += 1;
        let connection = Connection {
            from: peer,
            is_proxy,
            peer,
            stage: Stage::Header,
            since: Instant::now(),
            bytes: 0,
            answered: 0,
            waited: Duration::ZERO,
            close: Some(close),
        };
        connections.open.insert(id, connection);
        if !is_proxy {
            self.bound_peer(&mut connections, peer);
        }
        self.count(&connections);
        let register = Arc::clone(self);
        Some(Place {
            handle: Handle { register, id },
            closed,
        })
    }

    /// A connection was not taken, since none of the others may be closed.
    pub(crate) fn refused(&self) {
        self.note(Why::Full);
    }

    /// Closes a connection that has been without a complete request for a while, if there is one, so that its descriptor
    /// is free.
    pub(crate) fn free_descriptor(&self) {
        let mut connections = self.lock();
        let idle = |c: &Connection| c.is_incomplete() && c.since.elapsed() > IDLE_FOR;
        if let Some(victim) = connections.heaviest(idle, |_| 1) {
            self.close(&mut connections, victim, Why::Descriptors);
        }
    }

    /// Closes what this peer has too many of.
    fn bound_peer(&self, connections: &mut Connections, peer: Peer) {
        let of_peer = connections.open.iter().filter(|(_, c)| {
            let counts = c.stage == Stage::Body || (c.stage == Stage::Header && !c.is_proxy);
            c.peer == peer && counts && c.close.is_some()
        });
        let mut of_peer: Vec<_> = of_peer.map(|(id, c)| (c.since, *id)).collect();
        let too_many = of_peer.len().saturating_sub(self.bounds.per_peer);
        if too_many > 0 {
            of_peer.sort_unstable();
            for (_, oldest) in of_peer.into_iter().take(too_many) {
                self.close(connections, oldest, Why::Peer);
            }
        }
    }

    /// Closes the connection that others have to yield to least: of the peer that has the most without a complete request,
    /// the oldest one. Where all requests are complete, one whose client does not take its answer.
    fn make_room(&self, connections: &mut Connections) {
        let one = |_: &Connection| 1;
        let victim = connections
            .heaviest(Connection::is_incomplete, one)
            .or_else(|| connections.heaviest(Connection::is_slow, one));
        if let Some(victim) = victim {
            self.close(connections, victim, Why::Full);
        }
    }

    fn close(&self, connections: &mut Connections, id: u64, why: Why) {
        let Some(connection) = connections.open.get_mut(&id) else {
            return;
        };
        connections.bytes -= std::mem::take(&mut connection.bytes);
        if let Some(close) = connection.close.take() {
            // It may have ended by itself.
            let _ = close.send(());
            self.note(why);
        }
    }

    fn note(&self, why: Why) {
        self.counts.refused(why);
        if let Some(unlogged) = self.log.pass() {
            let (listener, why) = (self.bounds.name, why.as_str());
            tracing::warn!(
                listener,
                why,
                unlogged,
                "connections are closed so that others get in"
            );
        }
    }

    fn count(&self, connections: &Connections) {
        self.counts.hold(connections.open.len(), connections.bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn is_incomplete(&self) -> bool {
        matches!(self.stage, Stage::Header | Stage::Body)
    }

    /// Its client takes the answer too slowly.
    fn is_slow(&self) -> bool {
        let more = Duration::from_secs(self.answered / TAKEN_PER_SECOND);
        self.stage == Stage::Taking && self.waited + self.since.elapsed() > TAKEN_WITHIN + more
    }
}

impl Connections {
    /// Of those that are `meant`, the oldest one of the peer that weighs the most.
    fn heaviest(
        &self,
        meant: impl Fn(&Connection) -> bool,
        weight: impl Fn(&Connection) -> usize,
    ) -> Option<u64> {
        let meant = |c: &Connection| c.close.is_some() && meant(c);
        // By peer: how much it weighs, and its oldest connection.
        let mut peers: HashMap<Peer, (usize, Instant, u64)> = HashMap::new();
        for (id, connection) in self.open.iter().filter(|(_, c)| meant(c)) {
            let (since, id) = (connection.since, *id);
            let (weighs, oldest, oldest_id) =
                peers.entry(connection.peer).or_insert((0, since, id));
            *weighs += weight(connection);
            if (since, id) < (*oldest, *oldest_id) {
                (*oldest, *oldest_id) = (since, id);
            }
        }
        let heaviest = peers.values().max_by(|(a, since_a, _), (b, since_b, _)| {
            // Of two that weigh the same, the one that has been there longer.
            a.cmp(b).then_with(|| since_b.cmp(since_a))
        });
        heaviest.map(|(_, _, id)| *id)
    }
}

impl Handle {
    pub(crate) fn bounds(&self) -> &Bounds {
        &self.register.bounds
    }

    /// A header has come.
    pub(crate) fn has_header(&self, peer: Peer, has_body: bool) {
        let register = &self.register;
        let mut connections = register.lock();
        if let Some(connection) = connections.open.get_mut(&self.id) {
            connection.peer = peer;
            connection.since = Instant::now();
            connection.stage = match has_body {
                true => Stage::Body,
                false => Stage::Answer,
            };
            if has_body {
                register.bound_peer(&mut connections, peer);
            }
        }
    }

    /// The body is complete.
    pub(crate) fn has_body(&self) {
        if let Some(connection) = self.register.lock().open.get_mut(&self.id) {
            connection.stage = Stage::Answer;
            connection.since = Instant::now();
        }
    }

    /// Takes memory for so much more of the body, from another body if need be. Says whether there is any: a body that
    /// others have to yield to least gets none.
    pub(crate) fn grow(&self, bytes: usize) -> bool {
        let register = &self.register;
        let mut connections = register.lock();
        while connections.bytes + bytes > register.bounds.bodies_bytes {
            let unfinished = |c: &Connection| c.stage == Stage::Body && c.bytes > 0;
            let slow = |c: &Connection| c.is_slow() && c.bytes > 0;
            let victim = connections.heaviest(slow, |c| c.bytes);
            let victim = victim.or_else(|| connections.heaviest(unfinished, |c| c.bytes));
            match victim {
                Some(victim) if victim != self.id => {
                    register.close(&mut connections, victim, Why::Bodies);
                }
                _ => {
                    register.note(Why::Bodies);
                    return false;
                }
            }
        }
        let Some(connection) = connections.open.get_mut(&self.id) else {
            return false;
        };
        if connection.close.is_none() {
            return false;
        }
        connection.bytes += bytes;
        connections.bytes += bytes;
        register.count(&connections);
        true
    }

    /// Gives the memory of the body back.
    pub(crate) fn release(&self) {
        let mut connections = self.register.lock();
        if let Some(connection) = connections.open.get_mut(&self.id) {
            connections.bytes -= std::mem::take(&mut connection.bytes);
        }
        self.register.count(&connections);
    }

    /// More of the answer is being made.
    pub(crate) fn is_working(&self) {
        if let Some(connection) = self.register.lock().open.get_mut(&self.id)
            && connection.stage == Stage::Taking
        {
            connection.waited += connection.since.elapsed();
            connection.stage = Stage::Answer;
        }
    }

    /// So much more of the answer is for the client to take.
    pub(crate) fn is_to_be_taken(&self, bytes: usize) {
        if let Some(connection) = self.register.lock().open.get_mut(&self.id) {
            connection.stage = Stage::Taking;
            connection.since = Instant::now();
            connection.answered += bytes as u64;
        }
    }

    /// The client has not taken anything for a minute. A connection without a complete request is ended long before, but for one
    /// whose client lets the last answer wait.
    pub(crate) fn is_stuck(&self) -> bool {
        let connections = self.register.lock();
        connections.open.get(&self.id).is_some_and(|connection| {
            matches!(connection.stage, Stage::Header | Stage::Taking)
                && connection.since.elapsed() > GONE_AFTER
        })
    }

    /// The answer is on its way, or has no taker: the next header is waited for.
    pub(crate) fn is_answered(&self) {
        self.release();
        if let Some(connection) = self.register.lock().open.get_mut(&self.id) {
            connection.peer = connection.from;
            connection.answered = 0;
            connection.waited = Duration::ZERO;
            connection.stage = Stage::Header;
            connection.since = Instant::now();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let register = &self.handle.register;
        let mut connections = register.lock();
        if let Some(connection) = connections.open.remove(&self.handle.id) {
            connections.bytes -= connection.bytes;
        }
        register.count(&connections);
        drop(connections);
        register.left.notify_one();
    }
}

#[cfg(test)]
mod tests;
