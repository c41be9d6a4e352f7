use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::gone_by;

/// What happens to a call on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It never reaches Redis: the connection breaks first.
    CutBefore,
    /// Redis carries it out; the connection breaks before the answer is through.
    CutAfter,
    /// It disappears, and the connection stays open and silent.
    Swallow,
    /// It takes so much longer to get there.
    Late(Duration),
    /// Half of it comes through; then the connection breaks.
    CutInCall,
    /// It is carried out; the connection breaks after the first bytes of the answer.
    CutInHead,
    /// It is carried out; the connection breaks before the last byte of the answer.
    CutInBody,
}

/// How a wire is as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It carries everything.
    Open,
    /// All connections break, and new ones do so at once.
    Down,
    /// Connections stay open, new ones are taken, and nothing comes through until it is open again.
    Silent,
    /// Each call and each answer takes so much longer.
    Slow(Duration),
    /// So many bytes go through in a second, on each connection.
    Narrow(u32),
    /// Nobody listens: connections that are open break, and new ones are refused.
    Refused,
}

/// How many bytes of an answer are let through by [`Trouble::CutInHead`].
const FIRST_BYTES: usize = 12;

/// A way to Redis, or to another server, that can be troubled: the calls that contain a given text, as many of them as wanted. It looks for
/// the text in what comes in one go, which a call does as long as it is small.
#[derive(Debug)]
pub struct Wire {
    addr: SocketAddr,
    way: Arc<Way>,
    accepting: JoinHandle<()>,
}

/// Where its connections lead, and what meets them.
#[derive(Debug)]
struct Way {
    /// Goes up whenever all connections break.
    cuts: watch::Sender<u64>,
    redis_port: AtomicU16,
    troubles: Troubles,
    line: watch::Sender<Line>,
}

type Troubles = Mutex<Vec<Rule>>;

#[derive(Debug)]
struct Rule {
    text: &'static str,
    trouble: Trouble,
    left: usize,
    met: usize,
}

impl Wire {
    /// The keys of a claim, and of no other call that a worker makes for its jobs.
    pub const CLAIM: &'static str = ":gate\r\n";
    /// The keys of a settle.
    pub const SETTLE: &'static str = ":groups\r\n";
    /// The words of a heartbeat.
    pub const BEAT: &'static str = "$4\r\nbeat\r\n";
    /// The words of a call that brings jobs from Postgres.
    pub const CARRY: &'static str = "$7\r\ncarried\r\n";
    /// A settle that rescues.
    pub const RESCUE: &'static str = "\"outcome\":\"lost\"";

    /// A wire to the Redis on this port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn to(redis_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let way = Arc::new(Way {
            cuts: watch::Sender::new(0),
            redis_port: AtomicU16::new(redis_port),
            troubles: Troubles::default(),
            line: watch::Sender::new(Line::Open),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&way)));
        Self {
            addr,
            way,
            accepting,
        }
    }

    /// Leads new connections to another Redis: a failover. Those that are open stay as they are.
    pub fn lead_to(&self, redis_port: u16) {
        self.way.redis_port.store(redis_port, Ordering::Release);
    }

    /// Changes how it is as a whole.
    pub fn becomes(&self, line: Line) {
        self.way.line.send_replace(line);
        if matches!(line, Line::Down | Line::Refused) {
            self.cut();
        }
    }

    /// Breaks all connections.
    pub fn cut(&self) {
        self.way.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Where Redis is, over the wire.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// The origin of what is behind the wire, where that speaks HTTP.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Troubles the next `count` calls that contain `text`.
    pub fn trouble(&self, text: &'static str, trouble: Trouble, count: usize) {
        self.rules().push(Rule {
            text,
            trouble,
            left: count,
            met: 0,
        });
    }

    /// How many calls were troubled.
    #[must_use]
    pub fn met(&self) -> usize {
        self.rules().iter().map(|rule| rule.met).sum()
    }

    /// No more trouble. Connections that have gone silent stay so.
    pub fn clear(&self) {
        for rule in self.rules().iter_mut() {
            rule.left = 0;
        }
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.way
            .troubles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(mut listener: TcpListener, way: Arc<Way>) {
    let mut connections = JoinSet::new();
    let addr = listener.local_addr().expect("an address");
    let mut line = way.line.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => Some(accepted),
            _ = line.wait_for(|line| *line == Line::Refused) => None,
        };
        let Some(accepted) = accepted else {
            drop(listener);
            let kept = keep(addr).await;
            let _ = line.wait_for(|line| *line != Line::Refused).await;
            listener = kept.listen(1024).expect("it listens again");
            continue;
        };
        let Ok((worker, _)) = accepted else {
            return;
        };
        let way = Arc::clone(&way);
        connections.spawn(async move {
            let mut cuts = way.cuts.subscribe();
            if *way.line.borrow() == Line::Down {
                return;
            }
            let port = way.redis_port.load(Ordering::Acquire);
            // Redis may be away: then this connection just ends.
            if let Ok(redis) = TcpStream::connect(("127.0.0.1", port)).await {
                tokio::select! {
                    _ = carry(worker, redis, &way) => {}
                    _ = cuts.changed() => {}
                }
            }
        });
    }
}

/// Keeps a port without listening: whoever connects is refused.
async fn keep(addr: SocketAddr) -> TcpSocket {
    let give_up = Instant::now() + Duration::from_secs(10);
    loop {
        let kept = TcpSocket::new_v4().expect("a socket");
        kept.set_reuseaddr(true).expect("a setting");
        // A process that is just being started has a copy of the listener for a moment.
        match kept.bind(addr) {
            Ok(()) => return kept,
            Err(error) => assert!(Instant::now() < give_up, "its port again: {error}"),
        }
        gone_by(Duration::from_millis(10), Instant::now()).await;
    }
}

/// Carries bytes to and fro until either side is done, or trouble comes.
async fn carry(mut worker: TcpStream, mut redis: TcpStream, way: &Way) -> std::io::Result<()> {
    let mut line = way.line.subscribe();
    let (mut call, mut answer) = (vec![0; 256 * 1024], vec![0; 256 * 1024]);
    loop {
        tokio::select! {
            n = worker.read(&mut call) => {
                let n = n?;
                if n == 0 {
                    return Ok(());
                }
                on(&mut line, n).await;
                match meet(&way.troubles, &call[..n]) {
                    None => redis.write_all(&call[..n]).await?,
                    Some(Trouble::CutBefore) => return Ok(()),
                    Some(Trouble::CutAfter) => {
                        redis.write_all(&call[..n]).await?;
                        // The first byte of the answer says that it was carried out.
                        redis.read_exact(&mut answer[..1]).await?;
                        return Ok(());
                    }
                    Some(Trouble::Late(span)) => {
                        gone_by(span, Instant::now()).await;
                        redis.write_all(&call[..n]).await?;
                    }
                    Some(Trouble::CutInCall) => return redis.write_all(&call[..n / 2]).await,
                    Some(trouble @ (Trouble::CutInHead | Trouble::CutInBody)) => {
                        redis.write_all(&call[..n]).await?;
                        let n = answered(&mut worker, &mut redis, &mut call, &mut answer).await?;
                        let through = match trouble {
                            Trouble::CutInHead => n.min(FIRST_BYTES),
                            _ => n.saturating_sub(1),
                        };
                        return worker.write_all(&answer[..through]).await;
                    }
                    Some(Trouble::Swallow) => {
                        // Silent until the worker gives up.
                        while worker.read(&mut call).await? > 0 {}
                        return Ok(());
                    }
                }
            }
            n = redis.read(&mut answer) => {
                let n = n?;
                if n == 0 {
                    return Ok(());
                }
                on(&mut line, n).await;
                worker.write_all(&answer[..n]).await?;
            }
        }
    }
}

/// Carries the rest of a call, until the first of its answer is there: so many bytes.
async fn answered(
    worker: &mut TcpStream,
    redis: &mut TcpStream,
    call: &mut [u8],
    answer: &mut [u8],
) -> std::io::Result<usize> {
    loop {
        tokio::select! {
            n = worker.read(call) => match n? {
                0 => return Ok(0),
                n => redis.write_all(&call[..n]).await?,
            },
            n = redis.read(answer) => return n,
        }
    }
}

/// Waits for as long as the line keeps so many bytes back.
async fn on(line: &mut watch::Receiver<Line>, bytes: usize) {
    let now = *line.borrow_and_update();
    let span = match now {
        Line::Slow(span) => span,
        Line::Narrow(a_second) => Duration::from_secs(bytes as u64) / a_second.max(1),
        Line::Open | Line::Down | Line::Silent | Line::Refused => Duration::ZERO,
    };
    if !span.is_zero() {
        gone_by(span, Instant::now()).await;
    }
    // Whoever has it is there as long as its connections are.
    let _ = line.wait_for(|line| *line != Line::Silent).await;
}

fn meet(troubles: &Troubles, call: &[u8]) -> Option<Trouble> {
    let mut rules = troubles.lock().unwrap_or_else(PoisonError::into_inner);
    let rule = rules.iter_mut().find(|rule| {
        let text = rule.text.as_bytes();
        rule.left > 0 && call.windows(text.len()).any(|part| part == text)
    })?;
    rule.left -= 1;
    rule.met += 1;
    Some(rule.trouble)
}

#[cfg(test)]
mod tests;
