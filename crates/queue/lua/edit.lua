-- Corrects the args of a dead letter, or of a job that waits. Its idempotency key at the provider gets a new generation, since the
-- provider may remember its answer to the old args; the old ones are kept in the history. Its key at our door stands for the
-- args that it was enqueued with.
--
-- KEYS  as part/waiting_keys.lua has them
-- ARGV  1 id  2 payload that is to be replaced  3 payload  4 "force" if its outcome may be unknown  5 by whom  6 why
--       7 history entry in JSON  8 "dead": only a dead letter, or ""
-- Returns edited, same (it was so already), forgotten (its args are gone for good), changed (its payload is another one by now), unsure (a request of it may have been
--         carried out: not without force); or where it is: running, completed, cancelled, unknown; with "dead" also pending, parked,
--         scheduled, retryable
-- Parts: now, write_or_replace, record, header, value, letters, audit, parked, homes, waiting_keys
local id = ARGV[1]
local home, record = unpack(homes(k, { id })[1])
local waits = home == 'pending' or home == 'parked' or home == 'scheduled' or home == 'retryable'
if home ~= 'dead' and not (waits and ARGV[8] ~= 'dead') then return home end
if record.forgotten then return 'forgotten' end
local value = value_of(k.data, id)
if type(value) ~= 'string' then return 'changed' end
local before = header(value)
local payload = before and value:sub(before.payload) or value
if payload == ARGV[3] then return 'same' end
if payload ~= ARGV[2] then return 'changed' end
local used, lost, generation, _, entries = run_of(record)
local sent = sent_of(record, k.data, id)
if sent ~= 0 and ARGV[4] ~= 'force' then return 'unsure' end
may_audit(k.audit)
-- From now on its record is missed if it is lost.
redis.call('HSET', k.data, id, (before and '\2' .. value:sub(2, before.payload - 1) or '') .. ARGV[3])
set_run(record, used, lost, generation + 1, sent, entries + 1)
add_history(record, entries + 1, ARGV[7])
write_record(k.records, id, record)
audit(k.audit, {
  by = ARGV[5], action = 'edit', target = id, reason = ARGV[6],
  result = sent ~= 0 and 'although its outcome was unknown' or '',
})
return 'edited'
