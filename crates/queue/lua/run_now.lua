-- Puts a scheduled or retryable job at the end of where it waits. When it expires stays as it is.
--
-- KEYS  as part/waiting_keys.lua has them
-- ARGV  1 id  2 by whom  3 why
-- Returns changed; or where it is: pending, parked, running, completed, dead, cancelled, unknown
-- Parts: now, write_or_replace, wake, record, lanes, letters, audit, parked, homes, waiting_keys
local id = ARGV[1]
local home, record = unpack(homes(k, { id })[1])
if home ~= 'scheduled' and home ~= 'retryable' then return home end
may_audit(k.audit)
local high = line_up(k, { id })
take_out(k, id, home, record)
record.next = stamp
write_record(k.records, id, record)
wake(k.idle, high)
audit(k.audit, { by = ARGV[2], action = 'run', target = id, reason = ARGV[3] })
return 'changed'
