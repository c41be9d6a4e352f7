//! Carried out on Redis.

use std::fs;
use std::path::PathBuf;

use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::RedisServerOptions;
use longshore_tests::{Clock, Clocks, Limit, Pid, limit};
use tempfile::TempDir;

use super::Leg;
use crate::facts::{Forgotten, WrongClock};
use crate::faults::{Persistence, RedisAction, Refusal, Topology};
use crate::produce::now_ms;

/// How long a kill of Redis may take back under `everysec`: Redis lets a slow disk delay it to two seconds.
const EVERYSEC_MS: u64 = 2000;

/// Goes on where a file may not grow. The variable is that of the tests.
const ENDURING: &str =
    "#!/bin/sh\ntrap '' XFSZ\nexec \"${LONGSHORE_TEST_REDIS_SERVER:-redis-server}\" \"$@\"\n";

/// What is needed beside a Redis to trouble it, and how it was before.
#[derive(Default)]
pub(super) struct Around {
    // Has the script that Redis is started by.
    _dir: Option<TempDir>,
    clock: Option<(Clocks, Clock)>,
    /// Settings that were changed, at which server, and what they were.
    changed: Vec<(String, &'static str, String)>,
    /// What it refuses writes for.
    refusal: Option<Refusal>,
    /// When the snapshot was put aside.
    aside_ms: u64,
}

impl Around {
    /// Gives the one Redis a clock that can be set, and lets it outlive a full disk.
    pub(super) fn of(
        topology: Topology,
        mut options: RedisServerOptions,
    ) -> (Self, RedisServerOptions) {
        if topology != Topology::Single {
            return (Self::default(), options);
        }
        let dir = tempfile::tempdir().expect("a directory");
        let program = enduring(&dir);
        options = options.with_program(program);
        let clock = Clocks::make().map(|clocks| {
            let (clock, env) = clocks.clock("redis");
            (clocks, clock, env)
        });
        let clock = clock.map(|(clocks, clock, env)| {
            for (name, value) in env {
                options = options.clone().env(name, &value);
            }
            (clocks, clock)
        });
        let around = Self {
            _dir: Some(dir),
            clock,
            ..Self::default()
        };
        (around, options)
    }
}

fn enduring(dir: &TempDir) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let program = dir.path().join("enduring-redis");
    fs::write(&program, ENDURING).expect("a script");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&program, mode).expect("a script");
    program
}

impl Leg {
    /// What is done to Redis.
    pub(super) async fn on_redis(&mut self, action: RedisAction) {
        match action {
            RedisAction::Save => {
                self.save().await;
            }
            RedisAction::Kill => self.kill_redis(),
            RedisAction::Start => self.start_redis(),
            RedisAction::Freeze => {
                self.count("Redis frozen");
                self.stage.redis.pause().expect("it runs");
            }
            RedisAction::Thaw => self.stage.redis.resume().expect("it runs"),
            RedisAction::CutConnections => self.cut_connections().await,
            RedisAction::Refuse(refusal) => self.refuse(refusal).await,
            RedisAction::TakeAgain => self.take_again().await,
            RedisAction::SetClock(off) => {
                if let Some((_, clock)) = &self.around.clock {
                    clock.set(off);
                    match (off, self.facts.wrong_clocks.last_mut()) {
                        (0, Some(wrong)) => wrong.until_ms = now_ms(),
                        _ => {
                            self.facts.wrong_clocks.push(WrongClock {
                                from_ms: now_ms(),
                                until_ms: u64::MAX / 2,
                                off_ms: off * 1000,
                            });
                            self.count("steps of Redis's clock");
                        }
                    }
                }
            }
            RedisAction::PutAside => self.put_aside().await,
            RedisAction::StartFromAside => {
                let dir = self.stage.redis.dir();
                if fs::copy(dir.join("aside.rdb"), dir.join("dump.rdb")).is_ok() {
                    self.count("snapshots restored");
                    let aside_ms = self.around.aside_ms;
                    if let Some(forgotten) = self.facts.forgotten.last_mut() {
                        forgotten.from_ms = forgotten.from_ms.min(aside_ms);
                    }
                    self.saved_ms = aside_ms;
                }
                self.start_redis();
            }
        }
    }

    /// When it began, if a snapshot was written.
    async fn save(&mut self) -> Option<u64> {
        let began = now_ms();
        let saved: Result<String, _> = self.stage.queue.link().command(&redis::cmd("SAVE")).await;
        if saved.is_err() {
            return None;
        }
        self.saved_ms = began;
        Some(began)
    }

    async fn put_aside(&mut self) {
        let dir = self.stage.redis.dir().to_owned();
        if let Some(began) = self.save().await {
            fs::copy(dir.join("dump.rdb"), dir.join("aside.rdb")).expect("a copy");
            self.around.aside_ms = began;
        }
    }

    fn start_redis(&mut self) {
        self.stage.redis.restart().expect("Redis comes back");
        if let Some(forgotten) = self.facts.forgotten.last_mut() {
            forgotten.back_ms = now_ms();
        }
    }

    fn kill_redis(&mut self) {
        self.count("Redis killed");
        self.stage.redis.kill();
        // What it took on until it was gone is gone as well.
        let killed_ms = now_ms();
        let from_ms = match self.persistence {
            Persistence::Always => return,
            Persistence::EverySecond => killed_ms - EVERYSEC_MS,
            Persistence::Snapshots => self.saved_ms,
            // Those are killed elsewhere.
            Persistence::Replicated | Persistence::Waited => return,
        };
        self.facts.forgotten.push(Forgotten {
            from_ms,
            killed_ms,
            back_ms: killed_ms,
            keeps_accepted: false,
        });
    }

    async fn cut_connections(&mut self) {
        self.count("connections cut");
        let mut cut = redis::cmd("CLIENT");
        cut.arg("KILL")
            .arg("TYPE")
            .arg("normal")
            .arg("SKIPME")
            .arg("yes");
        let link = self.stage.queue.link();
        for node in link.nodes().await.unwrap_or_default() {
            // Its own connection may break of it as well.
            let _: Result<u64, _> = link.command_at(&node, &cut).await;
        }
    }

    async fn refuse(&mut self, refusal: Refusal) {
        self.around.refusal = Some(refusal);
        match refusal {
            Refusal::Full => {
                self.count("times that Redis was full");
                self.change_everywhere("maxmemory", "1").await;
            }
            Refusal::NoReplicas => {
                self.count("times that Redis had too few replicas");
                self.change_everywhere("min-replicas-to-write", "9").await;
            }
            Refusal::ReadOnly => {
                self.count("times that Redis was read-only");
                // Nobody listens there: a replica that never finds its primary keeps what it has.
                self.replica_of("127.0.0.1", "1").await;
            }
            Refusal::NoSnapshot => {
                self.count("snapshots that failed");
                // It refuses writes only while it is to write snapshots; this one is never due.
                self.change_everywhere("save", "1000000 1000000000").await;
                // Where a directory is, no snapshot can be put; that stops root, too.
                let _ = fs::remove_file(self.snapshot());
                fs::create_dir_all(self.snapshot().join("full")).expect("a directory");
                let _: Result<String, _> =
                    self.stage.queue.link().command(&redis::cmd("BGSAVE")).await;
            }
            Refusal::FullDisk => match self.limit_redis(1) {
                Ok(()) => self.count("full disks of Redis"),
                Err(why) => println!("left out: a full disk of Redis: {why}"),
            },
        }
    }

    async fn take_again(&mut self) {
        match self.around.refusal.take() {
            Some(Refusal::ReadOnly) => self.replica_of("NO", "ONE").await,
            Some(Refusal::FullDisk) => {
                let _ = self.limit_redis(u64::MAX);
            }
            Some(Refusal::NoSnapshot) => {
                fs::remove_dir_all(self.snapshot()).expect("is removed");
            }
            Some(Refusal::Full | Refusal::NoReplicas) | None => {}
        }
        for (url, name, value) in std::mem::take(&mut self.around.changed) {
            let set = change(&url, name, &value).await;
            set.expect("Redis takes a setting that it had");
        }
    }

    fn snapshot(&self) -> PathBuf {
        self.stage.redis.dir().join("dump.rdb")
    }

    /// Changes a setting of all servers, until they [take writes again](Self::take_again).
    async fn change_everywhere(&mut self, name: &'static str, value: &str) {
        let urls = match &self.servers {
            Some(servers) => servers.urls(),
            None => vec![self.stage.redis.url()],
        };
        for url in urls {
            // One that is away is as it is.
            if let Ok(before) = setting(&url, name).await
                && change(&url, name, value).await.is_ok()
            {
                self.around.changed.push((url, name, before));
            }
        }
    }

    async fn replica_of(&self, host: &str, port: &str) {
        // Over a connection of its own: what was cut before is found out by the first call.
        let link = Link::new(&self.stage.redis.url(), LinkOptions::default()).expect("a URL");
        let mut command = redis::cmd("REPLICAOF");
        let done = link.command::<String>(command.arg(host).arg(port)).await;
        done.expect("it changes its role");
    }

    fn limit_redis(&self, bytes: u64) -> Result<(), String> {
        let pid = self.stage.redis.pid().and_then(|pid| pid.try_into().ok());
        let pid = pid.and_then(Pid::from_raw).ok_or("it does not run")?;
        limit(pid, Limit::FileSize(bytes))
    }
}

async fn setting(url: &str, name: &str) -> Result<String, longshore_queue::QueueError> {
    let link = Link::new(url, LinkOptions::default())?;
    let mut get = redis::cmd("CONFIG");
    let said: Vec<String> = link.command(get.arg("GET").arg(name)).await?;
    Ok(said.into_iter().nth(1).unwrap_or_default())
}

async fn change(url: &str, name: &str, value: &str) -> Result<(), longshore_queue::QueueError> {
    let link = Link::new(url, LinkOptions::default())?;
    let mut set = redis::cmd("CONFIG");
    let set = set.arg("SET").arg(name).arg(value);
    link.command::<String>(set).await.map(drop)
}
