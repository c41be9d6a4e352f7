-- Stops a cron entry for the whole fleet, or lets it tick again. What it would have ticked meanwhile is not made up for,
-- whether anybody was there to look or not: its marks move to now.
--
-- KEYS  1 cron  2 cron paused  3 audit
-- ARGV  1 "pause" or "resume"  2 entry  3 by whom  4 why
-- Returns 1 if that changed anything; an earlier pause stays as it is
-- Parts: now, audit
local cron, paused, log = unpack(KEYS)
local act, entry = ARGV[1], ARGV[2]
may_audit(log)
local changed
if act == 'pause' then
  local rounds = (redis.call('HGET', cron, '*') or ''):match('^(%d+) ') or '0'
  local pause = cjson.encode({ by = ARGV[3], reason = ARGV[4], since = now })
  changed = redis.call('HSETNX', paused, entry, rounds .. ' ' .. pause)
else
  changed = redis.call('HEXISTS', paused, entry)
  if changed == 1 then
    local all = redis.call('HGETALL', cron)
    for i = 1, #all, 2 do
      local mark, rounds = all[i + 1]:match('^(%d+) (%d+)$')
      if mark and all[i]:sub(1, #entry + 1) == entry .. ' ' and tonumber(mark) < now then
        redis.call('HSET', cron, all[i], stamp .. ' ' .. rounds)
      end
    end
    redis.call('HDEL', paused, entry)
  end
end
if changed == 1 then
  audit(log, { by = ARGV[3], action = 'cron_' .. act, target = entry, reason = ARGV[4] })
end
return changed
