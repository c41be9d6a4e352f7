//! `worker.*`: how a `work` process behaves.

use longshore_integration::settings::{ANY_TIME, Key, Reader, SOME_TIME};
use std::net::SocketAddr;
use std::time::Duration;

pub(super) const KEYS: &[Key] = &[
    Key::toml("worker.heartbeat_seconds").or("5"),
    Key::toml("worker.lost_after_seconds").or("15"),
    Key::toml("worker.drain_seconds").or("40"),
    Key::toml("worker.unknown_kind_seconds").or("3600"),
    Key::text("worker.http_addr").or("127.0.0.1:9464"),
];

/// How many beats a worker may miss before its jobs are given to others. With fewer, one slow answer from Redis
/// takes a job from a living worker.
const BEATS_TO_MISS: u32 = 3;

/// How a `work` process behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSettings {
    /// How often it says that it is alive.
    pub heartbeat: Duration,
    /// After how long without a beat it counts as lost. At least three beats.
    pub lost_after: Duration,
    /// How long running jobs may take to finish once it is told to stop.
    pub drain: Duration,
    /// How long a job waits for a worker that knows its kind, before it is a dead letter.
    pub unknown_kind: Duration,
    /// Where it serves `/livez`, `/readyz` and `/metrics`. Port 0 picks a free one.
    pub http_addr: SocketAddr,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<WorkerSettings> {
    let heartbeat = reader.seconds("worker.heartbeat_seconds", SOME_TIME);
    let lost_after = reader.seconds("worker.lost_after_seconds", SOME_TIME);
    let drain = reader.seconds("worker.drain_seconds", ANY_TIME);
    let unknown_kind = reader.seconds("worker.unknown_kind_seconds", ANY_TIME);
    let http_addr = reader.listen_addr("worker.http_addr");
    if let (Some(heartbeat), Some(lost_after)) = (heartbeat, lost_after)
        && lost_after < heartbeat * BEATS_TO_MISS
    {
        let problem = format!(
            "is {} s, less than three heartbeats of {} s, so a worker that misses a beat or two would lose its jobs \
             to others while it runs them",
            lost_after.as_secs_f64(),
            heartbeat.as_secs_f64()
        );
        let cure = format!(
            "set at least {}, or a shorter worker.heartbeat_seconds",
            (heartbeat * BEATS_TO_MISS).as_secs_f64()
        );
        reader.error("worker.lost_after_seconds", problem, cure);
    }
    Some(WorkerSettings {
        heartbeat: heartbeat?,
        lost_after: lost_after?,
        drain: drain?,
        unknown_kind: unknown_kind?,
        http_addr: http_addr?,
    })
}
