-- Puts a job that waits off until another time, or makes it due sooner. Its expiry counts from then. A time that is over means now.
--
-- KEYS  as part/waiting_keys.lua has them, then  1 what another program wrote of it (meta:<id>)
-- ARGV  1 id  2 when: "+<ms>" from now, or "<ms>" since the epoch  3 by whom  4 why
-- Returns changed; same: it is due then already; or where it is: running, completed, dead, cancelled, unknown
-- Parts: now, write_or_replace, wake, record, header, value, lanes, renew, letters, audit, parked, homes, reschedule, waiting_keys
local id = ARGV[1]
local home, record = unpack(homes(k, { id })[1])
if not (home == 'scheduled' or home == 'retryable' or home == 'pending' or home == 'parked') then return home end
local due = ARGV[2]:sub(1, 1) == '+' and now + ARGV[2]:sub(2) or tonumber(ARGV[2])
may_audit(k.audit)
-- Asked before it is taken out: it must not be without its place.
redis.call('LLEN', k.active)
redis.call('HGET', k.timeline, 'left')
local changed, high = reschedule(k, id, home, record, due, more_key(1))
if not changed then return 'same' end
if due < now + 2000 then wake(k.idle, high) end
audit(k.audit, { by = ARGV[3], action = 'reschedule', target = id, reason = ARGV[4], result = due <= now and 'due now' or 'due at ' .. seconds(due) })
return 'changed'
