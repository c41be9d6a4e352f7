-- Puts a job that waits off until another time, or makes it due sooner. Its expiry counts from then. A time that is over means now.
--
-- KEYS  as part/waiting_keys.lua has them, then  1 what another program wrote of it (meta:<id>)
-- ARGV  1 id  2 when: "+<ms>" from now, or "<ms>" since the epoch  3 by whom  4 why
-- Returns changed; same: it is due then already; or where it is: running, completed, dead, cancelled, unknown
-- Parts: now, write_or_replace, wake, record, header, value, lanes, renew, letters, audit, parked, homes, waiting_keys
local id, pushed = ARGV[1], more_key(1)
local home, record = unpack(homes(k, { id })[1])
local later = home == 'scheduled' or home == 'retryable'
if not (later or home == 'pending' or home == 'parked') then return home end
local due = ARGV[2]:sub(1, 1) == '+' and now + ARGV[2]:sub(2) or tonumber(ARGV[2])
local at_once = due <= now
if at_once and not later then return 'same' end
if later and tonumber(redis.call('ZSCORE', k.scheduled, id)) == tonumber(seconds(due)) then return 'same' end
may_audit(k.audit)
-- Asked before it is taken out: it must not be without its place.
redis.call('LLEN', k.active)
redis.call('HGET', k.timeline, 'left')
local value = value_of(k.data, id)
local new = type(value) == 'string' and renewed(value, math.max(due, now))
if new then
  redis.call('HSET', k.data, id, new)
elseif value then
  -- It has no header until its first claim, which reads this.
  local due_before, expires = unpack(tried('HMGET', pushed, 'due', 'exp') or {})
  local made = tonumber(due_before or tried('HGET', pushed, 'at') or nil)
  redis.pcall('HSET', pushed, 'due', string.format('%.0f', math.max(due, now)))
  if tonumber(expires or nil) and made then
    redis.pcall('HSET', pushed, 'exp', string.format('%.0f', math.max(due, now) + expires - made))
  end
end
local high = false
if at_once then
  high = line_up(k, { id })
  take_out(k, id, home, record)
else
  redis.call('ZADD', k.scheduled, seconds(due), id)
  if not later then
    take_out(k, id, home, record)
    if home == 'parked' then write_record(k.records, id, record) end
  end
end
if due < now + 2000 then wake(k.idle, high) end
audit(k.audit, { by = ARGV[3], action = 'reschedule', target = id, reason = ARGV[4], result = at_once and 'due now' or 'due at ' .. seconds(due) })
return 'changed'
