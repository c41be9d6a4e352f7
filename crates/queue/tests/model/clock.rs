//! A clock that jumps. A test cannot set Redis's, so what is written is moved instead: ahead, and the clock seems to have been
//! set back.

use longshore_queue::JobState;

use crate::model::HOUR;
use crate::world::{LeaseState, Taken, World, agree};

/// An hour, and a little: so that no two due times ever meet.
const JUMP_MS: i64 = 3_605_000;

/// Moves each word of the hashes, and each score, that is a time; scheduled jobs have theirs in seconds.
const MOVE: &str = r"
local by = tonumber(ARGV[1])
local function moved(n)
  local at = tonumber(n)
  if at and at > 1e12 and at < 1e13 then return string.format('%.0f', at + by) end
  if at and at > 1e9 and at < 1e10 then return string.format('%.3f', at + by / 1000) end
end
for _, key in ipairs(KEYS) do
  local of = redis.call('TYPE', key).ok
  if of == 'hash' then
    local all = redis.call('HGETALL', key)
    for i = 1, #all, 2 do redis.call('HSET', key, all[i], (all[i + 1]:gsub('%S+', moved))) end
  elseif of == 'zset' then
    local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #all, 2 do redis.call('ZADD', key, moved(all[i + 1]), all[i]) end
  end
end
return 1";

impl World {
    pub(crate) async fn move_times(&self, keys: &[String], by_ms: i64) -> Taken {
        let mut command = redis::cmd("EVAL");
        command.arg(MOVE).arg(keys.len()).arg(keys).arg(by_ms);
        let moved = self.link.command::<u8>(&command).await;
        moved.map(drop).map_err(|error| error.to_string())
    }

    /// Redis's clock goes back by an hour, or ahead. Every worker that lives beats.
    pub(crate) async fn jump(&mut self, back: bool) -> Taken {
        if !back && !self.model.may_come_nearer() {
            return Ok(());
        }
        let by_ms = if back { JUMP_MS } else { -JUMP_MS };
        let k = self.queue.keys();
        let keys = [
            &k.gate,
            &k.breakers,
            &k.limits,
            &k.timeline,
            &k.workers,
            &k.scheduled,
        ];
        let keys: Vec<String> = keys.into_iter().cloned().collect();
        self.move_times(&keys, by_ms).await?;
        self.model.provider.move_holds(by_ms);
        self.model.provider.move_limiter(by_ms);
        self.model.move_due(if back { HOUR } else { -HOUR });
        let looks = self.is_to_be_looked_through().await?;
        let mut first = true;
        for worker in 0..self.workers.len() {
            let no = self.workers[worker].no;
            if self.leases[no].1 == LeaseState::Ended {
                continue;
            }
            let beat = self.workers[worker].beat().await;
            if !beat.held || beat.forgot {
                return Err(format!("{beat:?}, and only the clock has jumped"));
            }
            if std::mem::take(&mut first) && looks && !beat.sweep {
                return Err("the first to beat is not asked to look".to_owned());
            }
        }
        let now = self
            .queue
            .now_ms()
            .await
            .map_err(|error| error.to_string())?;
        let mut ahead = redis::cmd("ZCOUNT");
        ahead
            .arg(&self.queue.keys().workers)
            .arg(now + 60_000)
            .arg("+inf");
        let ahead = self.link.command::<u8>(&ahead).await;
        let ahead = ahead.map_err(|error| error.to_string())?;
        agree(ahead, 0, "leases of a time to come")?;
        // No lease means anything: all are renewed.
        for (_, state) in &mut self.leases {
            if *state == LeaseState::Frozen {
                *state = LeaseState::Fresh;
            }
        }
        Ok(())
    }

    /// Jobs run, and as the clock says nobody has looked through them within the last minute.
    async fn is_to_be_looked_through(&self) -> Result<bool, String> {
        let mut walked = redis::cmd("HGET");
        walked.arg(&self.queue.keys().timeline).arg("walked");
        let walked = self.link.command::<Option<u64>>(&walked).await;
        let walked = walked.map_err(|error| error.to_string())?.unwrap_or(0);
        let now = self.queue.now_ms().await;
        let now = now.map_err(|error| error.to_string())?;
        let is_long_ago = walked > now || now - walked > 60_000;
        Ok(is_long_ago && self.model.count(JobState::Running) > 0)
    }
}
