-- Pauses or resumes the queue, for the whole fleet at once.
--
-- KEYS  1 gate  2 signal
-- ARGV  1 "pause" or "resume"  2 by whom  3 why
-- Returns 1 if that changed anything
if ARGV[1] == 'resume' then
  -- An operator who has put the credentials right need not wait for the next probe.
  local changed = redis.call('HDEL', KEYS[1], 'paused', 'refused') > 0 and 1 or 0
  redis.call('HDEL', KEYS[1], 'refused_until', 'refused_version')
  wake(KEYS[2])
  return changed
end
local pause = cjson.encode({ by = ARGV[2], reason = ARGV[3], since = now })
return redis.call('HSETNX', KEYS[1], 'paused', pause)
