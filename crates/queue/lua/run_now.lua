-- Puts a scheduled or retryable job at the end of the waiting list. When it expires stays as it is.
--
-- KEYS  1–17 as part/waiting_keys.lua has them
-- ARGV  1 id  2 by whom  3 why
-- Returns changed; or where it is: pending, parked, running, completed, dead, cancelled, unknown
-- Parts: now, write_or_replace, wake, record, letters, audit, parked, homes, waiting_keys
local id = ARGV[1]
local home, record = unpack(homes(k, { id })[1])
if home ~= 'scheduled' and home ~= 'retryable' then return home end
may_audit(k.audit)
redis.call('RPUSH', k.active, id)
take_out(k, id, home, record)
wake(k.idle)
audit(k.audit, { by = ARGV[2], action = 'run', target = id, reason = ARGV[3] })
return 'changed'
