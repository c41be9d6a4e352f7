//! `worker.*`: how a `work` process behaves.

use longshore_integration::section;
use longshore_integration::settings::{ANY_TIME, KeyPath, Reader, SOME_TIME, listen_addr, seconds};
use std::net::SocketAddr;
use std::time::Duration;

section! {
    /// How a `work` process behaves.
    pub struct WorkerSettings derive(PartialEq, Eq) in "worker" {
        /// How often a worker says that it is alive.
        pub heartbeat: Duration = "heartbeat_seconds" as HEARTBEAT, seconds(SOME_TIME).or("5");
        /// After how long without a heartbeat its jobs are given to others. At least three heartbeats: one slow answer from
        /// Redis must not take jobs from a living worker. A lower figure recovers sooner from a lost one.
        pub lost_after: Duration = "lost_after_seconds", seconds(SOME_TIME).or("15").checked(beats);
        /// How long running jobs may take to finish after SIGTERM. A second SIGTERM or SIGINT, at least 2 s after the
        /// first, cuts them off. Keep it below the orchestrator's own grace period, and above the longest queue timeout
        /// that matters.
        pub drain: Duration = "drain_seconds" as DRAIN, seconds(ANY_TIME).or("40");
        /// How long a job waits if no worker of its queue knows its kind, for example during a deploy. After that it is a dead
        /// letter. The time begins anew each time that a worker knows the kind.
        pub unknown_kind: Duration = "unknown_kind_seconds" as UNKNOWN_KIND, seconds(ANY_TIME).or("3600");
        /// Where `/livez`, `/readyz` and `/metrics` are served. Port 0 picks a free one.
        pub http_addr: SocketAddr = "http_addr" as HTTP_ADDR, listen_addr().or("127.0.0.1:9464");
    }
}

/// How many beats a worker may miss before its jobs are given to others. With fewer, one slow answer from Redis
/// takes a job from a living worker.
const BEATS_TO_MISS: u32 = 3;

fn beats(reader: &mut Reader<'_>, path: &KeyPath, lost_after: &Duration) {
    // What is wrong with the other is found where that is read.
    let heartbeat = reader.value(WorkerSettings::HEARTBEAT);
    let Some(heartbeat) = heartbeat.and_then(|value| value.as_f64()) else {
        return;
    };
    let Ok(least) = Duration::try_from_secs_f64(heartbeat * f64::from(BEATS_TO_MISS)) else {
        return;
    };
    if *lost_after < least {
        let problem = format!(
            "is {} s, less than three heartbeats of {heartbeat} s, so a worker that misses a beat or two would lose its \
             jobs to others while it runs them",
            lost_after.as_secs_f64(),
        );
        let cure = format!(
            "set at least {}, or a shorter {}",
            least.as_secs_f64(),
            WorkerSettings::HEARTBEAT
        );
        reader.error(path, problem, cure);
    }
}
