//! Carried out on the one Redis.

use super::Leg;
use crate::facts::Forgotten;
use crate::faults::{Persistence, RedisAction};
use crate::produce::now_ms;

/// How long a kill of Redis may take back under `everysec`: Redis lets a slow disk delay it to two seconds.
const EVERYSEC_MS: u64 = 2000;

impl Leg {
    /// What is done to the one Redis.
    pub(super) async fn on_redis(&mut self, action: RedisAction) {
        match action {
            RedisAction::Save => self.save().await,
            RedisAction::Kill => self.kill_redis(),
            RedisAction::Start => {
                self.stage.redis.restart().expect("Redis comes back");
                if let Some(forgotten) = self.facts.forgotten.last_mut() {
                    forgotten.back_ms = now_ms();
                }
            }
            RedisAction::Freeze => {
                self.count("Redis frozen");
                self.stage.redis.pause().expect("it runs");
            }
            RedisAction::Thaw => self.stage.redis.resume().expect("it runs"),
            RedisAction::CutConnections => self.cut_connections().await,
        }
    }

    async fn save(&mut self) {
        let began = now_ms();
        let saved: Result<String, _> = self.stage.queue.link().command(&redis::cmd("SAVE")).await;
        if saved.is_ok() {
            self.saved_ms = began;
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
}
