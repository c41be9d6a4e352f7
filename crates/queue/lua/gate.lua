-- Pauses or resumes the queue, for the whole fleet at once.
--
-- KEYS  1 gate  2 signal  3 audit
-- ARGV  1 "pause" or "resume"  2 by whom  3 why  4 the queue's name
-- Returns 1 if that changed anything
local changed
if ARGV[1] == 'resume' then
  -- An operator who has put the credentials right need not wait for the next probe.
  changed = redis.call('HDEL', KEYS[1], 'paused', 'refused') > 0 and 1 or 0
  redis.call('HDEL', KEYS[1], 'refused_until', 'refused_version')
  wake(KEYS[2])
else
  local pause = cjson.encode({ by = ARGV[2], reason = ARGV[3], since = now })
  changed = redis.call('HSETNX', KEYS[1], 'paused', pause)
end
if changed == 1 then audit(KEYS[3], { by = ARGV[2], action = ARGV[1], target = ARGV[4], reason = ARGV[3] }) end
return changed
